"""Sanity: a map that does not change when the network forgets shows edges, not evidence."""

from collections.abc import Callable, Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

from deepfield.scores.attribution import rank_correlation


def sanity(
    method: Callable[[nn.Module], Tensor], net: nn.Module, *, seed: int = 0
) -> dict[str, Tensor]:
    """Cascading parameter randomisation (Adebayo+18, arXiv:1810.03292).

    From the last layer to the first, one more layer's parameters are shuffled at each step, and
    the maps are compared with those of the trained network.

    Args:
        method: network -> maps [object, channel, y, x], such as
            ``lambda net: saliency(answer(net, task, "kind", "spiral"), batch)``.
        net: the trained network, which stays as it is.
        seed: of the shuffles.

    Returns:
        by the layer that the shuffles have come down to: [object] Spearman's rank correlation of
        the absolute maps with the trained network's; near 0 if they show what was learnt.

    Example:
        >>> import numpy as np, torch
        >>> from deepfield.nouns.batch import Batch
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        >>> batch = Batch(np.array(["a", "b"]), torch.rand(2, 1, 8, 8), ("g",))
        >>> from deepfield.explain.saliency import saliency
        >>> from deepfield.explain.target import output
        >>> levels = sanity(lambda net: saliency(output(net, 0), batch), net)
        >>> list(levels), levels["0"].shape
        (['0'], torch.Size([2]))
    """
    trained = method(deepcopy(net)).abs()
    return {
        layer: rank_correlation(method(forgetful).abs(), trained)
        for layer, forgetful in cascade(net, seed=seed)
    }


def cascade(net: nn.Module, *, seed: int = 0) -> Iterator[tuple[str, nn.Module]]:
    """Copies of a network that have forgotten more and more, from the last layer down.

    Each parameter tensor keeps its numbers in another order, so that activations keep their
    scale.

    Args:
        net: layers in the order of ``named_modules``.
        seed: of the shuffles.

    Yields:
        the name of the layer that was shuffled last, and a network of its own.

    Raises:
        ValueError: the network has no parameters.
    """
    layers = [
        name for name, module in net.named_modules() if list(module.parameters(recurse=False))
    ]
    if not layers:
        raise ValueError("the network has no parameters to randomise")
    generator = torch.Generator().manual_seed(seed)
    forgetful = deepcopy(net)
    for layer in reversed(layers):
        for parameter in forgetful.get_submodule(layer).parameters(recurse=False):
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            with torch.no_grad():
                parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
        yield layer, deepcopy(forgetful)
