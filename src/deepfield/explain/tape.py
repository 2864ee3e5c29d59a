"""Tape: what a network makes of the untouched image, computed once for all chunks of windows."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class Whole:
    """One result of the untouched image, with its borders.

    Args:
        map: [1, channel, y, x], or the result of an operation that sums over the pixels.

    Example:
        >>> Whole(torch.ones(1, 1, 1, 1)).padded(1, 0.0).tolist()
        [[[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]]
    """

    def __init__(self, map: Tensor) -> None:
        # Channels last, so that a row of a block is one piece of memory.
        last = torch.channels_last if map.ndim == 4 else torch.contiguous_format
        self.map = map.contiguous(memory_format=last)
        self._padded: dict[tuple[int, float], Tensor] = {}

    def padded(self, margin: int, beyond: float) -> Tensor:
        """The map within a margin, px, of one number; kept: [1, channel, y, x]."""
        if not margin:
            return self.map
        key = (margin, beyond)
        if key not in self._padded:
            self._padded[key] = F.pad(self.map, (margin,) * 4, value=beyond)
        return self._padded[key]


class Tape:
    """Results of operations on the untouched image, in the order in which they were first asked.

    The same program runs for every chunk of windows, so that after ``rewind`` every answer is
    there already. An operation that is not the one on the tape is computed, and the tape goes on
    from there: the answer is right in any case.

    Example:
        >>> tape, image = Tape(), Whole(torch.ones(1, 1, 2, 2))
        >>> first = tape.play(torch.neg, (image,), {})
        >>> tape.rewind()
        >>> tape.play(torch.neg, (image,), {}) is first
        True
    """

    def __init__(self) -> None:
        self.fullest = 0
        """values of the largest map that was asked for in full, for one window"""
        self._records: list[tuple[Callable[..., Any], list[Any], Whole]] = []
        self._position = 0

    def rewind(self) -> None:
        """Back to the beginning, for the next chunk."""
        self._position = 0

    def play(
        self, operation: Callable[..., Any], inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Whole:
        """What the operation gives, or the first of what it gives: from the tape if it is there.

        Args:
            operation: on tensors.
            inputs, options: its arguments; results of the untouched image as they came.
        """
        arguments = leaves((inputs, options))
        position, self._position = self._position, self._position + 1
        if position < len(self._records):
            known, before, result = self._records[position]
            if known is operation and _same(before, arguments):
                return result
        given = operation(*changed(_map, inputs), **changed(_map, options))
        result = Whole(given if isinstance(given, Tensor) else given[0])
        self._records[position:] = [(operation, arguments, result)]
        return result


def leaves(tree: Any) -> list[Any]:
    """What is in tuples, lists and values of dictionaries, in order.

    Example:
        >>> leaves((1, [2, 3], {"a": 4}))
        [1, 2, 3, 4]
    """
    if isinstance(tree, tuple | list):
        return [leaf for branch in tree for leaf in leaves(branch)]
    if isinstance(tree, dict):
        return leaves(list(tree.values()))
    return [tree]


def changed(change: Callable[[Any], Any], tree: Any) -> Any:
    """The same tuples, lists and dictionaries with every leaf changed.

    Example:
        >>> changed(lambda leaf: leaf + 1, (1, [2, 3], {"a": 4}))
        (2, [3, 4], {'a': 5})
    """
    if type(tree) is tuple:
        return tuple(changed(change, branch) for branch in tree)
    if type(tree) is list:
        return [changed(change, branch) for branch in tree]
    if type(tree) is dict:
        return {name: changed(change, branch) for name, branch in tree.items()}
    return change(tree)


def _map(leaf: Any) -> Any:
    return leaf.map if isinstance(leaf, Whole) else leaf


def _same(before: list[Any], now: list[Any]) -> bool:
    return len(before) == len(now) and all(
        one is other
        or (_same_tensor(one, other) if isinstance(one, Tensor) else _same_constant(one, other))
        for one, other in zip(before, now, strict=True)
    )


def _same_constant(one: Any, other: Any) -> bool:
    return type(one) is type(other) and not isinstance(one, Whole) and bool(one == other)


def _same_tensor(one: Tensor, other: Any) -> bool:
    if not isinstance(other, Tensor) or one.shape != other.shape or one.dtype != other.dtype:
        return False
    # The tape keeps its inputs alive: what lies at the same place is the same storage.
    if one.data_ptr() == other.data_ptr() and one.stride() == other.stride():
        return True
    return torch.equal(one, other)
