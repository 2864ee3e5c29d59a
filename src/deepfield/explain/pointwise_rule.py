"""Pixel by pixel: activations, scales, and sums of maps."""

from typing import Any

from torch import Tensor

from deepfield.explain.blocks import Blocks, copied, frame
from deepfield.explain.dense_rule import Flat
from deepfield.explain.spans import Span
from deepfield.explain.tape import Tape, Whole, changed, leaves


def pointwise(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Blocks | None:
    """Pixel by pixel, of one map or of several, such as an activation, a scale or a sum."""
    every = leaves((inputs, options))
    maps = [leaf for leaf in every if isinstance(leaf, Blocks)]
    spans = together(maps) if maps and not any(isinstance(leaf, Flat) for leaf in every) else None
    if spans is None:
        return None
    y, x = spans
    windows, sides = len(maps[0].values), maps[0].sides
    plain = [leaf for leaf in every if isinstance(leaf, Tensor) and leaf.ndim]
    if not all(_spread(tensor, windows, sides) for tensor in plain):
        return None

    def whole(leaf: Any) -> Any:
        if isinstance(leaf, Blocks):
            return leaf.whole
        return _one(leaf) if isinstance(leaf, Tensor) and leaf.ndim else leaf

    def block(leaf: Any) -> Any:
        if isinstance(leaf, Blocks):
            return leaf.values if (leaf.y, leaf.x) == (y, x) else leaf.widened(y, x)
        if not isinstance(leaf, Tensor) or not leaf.ndim:
            return leaf
        one = _one(leaf)
        if one.shape[2:] == (1, 1):
            return one
        return copied(frame(Whole(one.expand(1, one.shape[1], *sides)), y, x))

    surroundings = tape.play(operation, *changed(whole, (inputs, options)))
    arguments, named = changed(block, (inputs, options))
    return Blocks(surroundings, operation(*arguments, **named), y, x)


def together(maps: list[Blocks]) -> tuple[Span, Span] | None:
    """Blocks that hold those of all maps."""
    y, x = maps[0].y, maps[0].x
    for other in maps[1:]:
        wider, broader = y.union(other.y), x.union(other.x)
        if other.sides != maps[0].sides or wider is None or broader is None:
            return None
        y, x = wider, broader
    return y, x


def _one(tensor: Tensor) -> Tensor:
    """What a plain tensor holds for every window: [1, channel, y, x]."""
    return tensor.reshape((1,) * (4 - tensor.ndim) + tensor.shape)[:1]


def _spread(tensor: Tensor, windows: int, sides: tuple[int, int]) -> bool:
    """Whether a plain tensor is the same for all windows, and broadcasts to their maps."""
    if tensor.ndim > 4:
        return False
    whole = tensor.reshape((1,) * (4 - tensor.ndim) + tensor.shape)
    if any(mine not in (1, side) for mine, side in zip(whole.shape[2:], sides, strict=True)):
        return False
    return len(whole) == 1 or (len(whole) == windows and bool((whole == whole[:1]).all()))
