"""Covered images: a tensor of many copies of one image, each with a window covered.

It goes through a network as any tensor does, but holds only what the windows change. Operations
with a rule (``block_rules``) pass on the changed blocks; any other sees the full copies.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from deepfield.explain.block_rules import rule_of
from deepfield.explain.blocks import Blocks
from deepfield.explain.dense_rule import Flat
from deepfield.explain.tape import Tape, changed

SAME = {torch.ops.aten.detach.default, torch.ops.aten.alias.default}
VIEW = {torch.ops.aten.view.default, torch.ops.aten._unsafe_view.default}


class Holder:
    """What a covered tensor stands for; shared by its aliases, so that all see a change in place.

    Args:
        blocks: the changed blocks; None once somebody has asked for the full copies.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.blocks: Blocks | Flat | None = blocks
        self._full: Tensor | None = None

    def full(self) -> Tensor:
        """The full copies, which from now on are what everybody sees."""
        if isinstance(self.blocks, Blocks):
            self._full, self.blocks = self.blocks.dense(), None
        assert self._full is not None
        return self._full


class FlatHolder(Holder):
    """The same maps as another holder's, each flattened."""

    def __init__(self, maps: Holder) -> None:
        self._maps = maps

    @property
    def blocks(self) -> Flat | None:  # type: ignore[override]
        """Of the maps, as they are now."""
        return Flat(self._maps.blocks) if isinstance(self._maps.blocks, Blocks) else None

    def full(self) -> Tensor:
        """The full copies, flattened."""
        return self._maps.full().flatten(1)


class Covered(Tensor):
    """Full copies to whoever looks at it, changed blocks to the rules.

    Args:
        holder: of the blocks.
        tape: of the operations on the untouched image.

    Example:
        >>> from deepfield.explain.spans import Span
        >>> from deepfield.explain.tape import Whole
        >>> image, middle = Whole(torch.ones(1, 1, 3, 3)), Span(1, 1, 1, 1)
        >>> blocks = Blocks(image, torch.zeros(1, 1, 1, 1), middle, middle)
        >>> (2 * Covered(Holder(blocks), Tape())).sum((2, 3)).tolist()
        [[16.0]]
    """

    holder: Holder
    tape: Tape

    @staticmethod
    def __new__(cls: type["Covered"], holder: Holder, tape: Tape) -> "Covered":
        """A tensor without storage."""
        blocks = holder.blocks
        assert blocks is not None
        made: Covered = Tensor._make_wrapper_subclass(
            cls, blocks.shape, dtype=blocks.values.dtype, device=blocks.values.device
        )
        made.holder, made.tape = holder, tape
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """The operation by its rule, or on the full copies."""
        named = kwargs or {}
        if func in SAME and args[0].holder.blocks is not None:
            return Covered(args[0].holder, args[0].tape)
        if func in VIEW and _flattens(args[0], args[1]):
            return Covered(FlatHolder(args[0].holder), args[0].tape)
        in_place = func._schema.is_mutable
        rule = rule_of(func)
        if rule is not None and not (in_place and not _held(args[0])):
            tapes: list[Tape] = []
            inputs, options = changed(lambda leaf: _blocks(leaf, tapes), (args, named))
            result = rule(tapes[0], inputs, options) if tapes else None
            if result is not None and in_place:
                mine = args[0].holder
                if _fits(result, mine.blocks):
                    mine.blocks = result
                    return args[0]
            elif result is not None:
                return changed(lambda leaf: _wrapped(leaf, tapes[0]), result)
        inputs, options = changed(full, (args, named))
        result = func(*inputs, **options)
        return args[0] if in_place and isinstance(args[0], Covered) else result


def full(leaf: Any) -> Any:
    """The full copies of a covered tensor; anything else as it is."""
    if not isinstance(leaf, Covered):
        return leaf
    leaf.tape.fullest = max(leaf.tape.fullest, leaf.shape[1:].numel())
    return leaf.holder.full()


def _flattens(tensor: Any, shape: Sequence[int]) -> bool:
    """Whether this view of a covered tensor makes a row of each of its maps."""
    return (
        isinstance(tensor, Covered)
        and isinstance(tensor.holder.blocks, Blocks)
        and len(shape) == 2
        and (shape[0] == tensor.shape[0] or shape[1] == tensor.shape[1:].numel())
    )


def _held(leaf: Any) -> bool:
    return isinstance(leaf, Covered) and leaf.holder.blocks is not None


def _blocks(leaf: Any, tapes: list[Tape]) -> Any:
    if not isinstance(leaf, Covered):
        return leaf
    blocks = leaf.holder.blocks
    if blocks is None:
        return leaf.holder.full()
    tapes.append(leaf.tape)
    return blocks


def _wrapped(leaf: Any, tape: Tape) -> Any:
    return Covered(Holder(leaf), tape) if isinstance(leaf, Blocks) else leaf


def _fits(result: Any, before: Any) -> bool:
    return (
        isinstance(result, Blocks)
        and result.shape == before.shape
        and result.values.dtype == before.values.dtype
    )
