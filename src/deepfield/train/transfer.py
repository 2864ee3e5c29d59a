"""Transfer: start from the weights of another network, and say what they gave."""

import torch
from torch import Tensor, nn

KEPT = ("stretch", "trunk")


def start_from(net: nn.Module, tensors: dict[str, Tensor]) -> str:
    """Copy the trunk and the stretch from other weights; the head stays new.

    A tensor is kept if its name and shape are the same.

    Args:
        net: with the submodules ``trunk``, ``head`` and perhaps ``stretch``; changed in place.
        tensors: of a weights file (``net.trunk...``) or of a network (``trunk...``).

    Returns:
        a sentence that says what was kept and what starts anew.

    Raises:
        ValueError: nothing fits.

    Example:
        >>> def net(classes):
        ...     parts = {"trunk": nn.Linear(4, 3), "head": nn.Linear(3, classes)}
        ...     return nn.ModuleDict(parts)
        >>> start_from(net(5), net(2).state_dict())
        'kept 2 of 2 tensors of the trunk (15 parameters); new: the head (20 parameters)'
    """
    given = {name.removeprefix("net."): value for name, value in tensors.items()}
    own = net.state_dict()
    wanted = [name for name in own if name.split(".")[0] in KEPT]
    kept = [name for name in wanted if name in given and given[name].shape == own[name].shape]
    weights = dict(net.named_parameters())
    if not any(name in weights for name in kept):
        raise ValueError(
            f"none of the network's {len(wanted)} trunk tensors has the name and shape of one of "
            f"the {len(given)} in the weights: they are of another architecture; build the same "
            "trunk, or train from nothing"
        )
    with torch.no_grad():
        for name in kept:
            own[name].copy_(given[name])
    fresh = [name for name in weights if name not in kept]
    return (
        f"kept {len(kept)} of {len(wanted)} tensors of the trunk "
        f"({_count(weights, kept):,} parameters); new: {_new(weights, given, fresh)}"
    )


def _new(weights: dict[str, nn.Parameter], given: dict[str, Tensor], fresh: list[str]) -> str:
    head = [name for name in fresh if name.split(".")[0] not in KEPT]
    rest = [name for name in fresh if name not in head]
    parts = []
    if (first := _other_channels(weights, given)) in rest:
        now, before = weights[first].shape[1], given[first].shape[1]
        parts.append(f"the first convolution, for {now} channels instead of {before}")
        rest.remove(first)
    if rest:
        parts.append(
            f"{len(rest)} other tensors of the trunk ({_count(weights, rest):,} parameters)"
        )
    if head:
        parts.append(f"the head ({_count(weights, head):,} parameters)")
    return ", ".join(parts) or "nothing"


def _other_channels(weights: dict[str, nn.Parameter], given: dict[str, Tensor]) -> str:
    """The first convolution's weight, if only the number of its input channels differs."""
    first = next((n for n, w in weights.items() if n.split(".")[0] in KEPT and w.ndim >= 3), "")
    if first not in given:
        return ""
    own, other = weights[first].shape, given[first].shape
    same_but_channels = own[:1] == other[:1] and own[2:] == other[2:]
    return first if own != other and same_but_channels else ""


def _count(weights: dict[str, nn.Parameter], names: list[str]) -> int:
    return sum(weights[name].numel() for name in names if name in weights)
