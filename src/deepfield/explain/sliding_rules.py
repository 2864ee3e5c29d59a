"""Rules for kernels that slide over a map: convolutions and pooling."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.explain.blocks import Blocks, by_row, frame
from deepfield.explain.spans import Span
from deepfield.explain.tape import Tape, Whole

MOSTLY = 0.7
"""share of a map beyond which a block is no cheaper than the map"""
FEW = 4
"""channels, such as an image's, that cost so little that rounding decides"""


def convolution(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Blocks | Tensor | None:
    """What changes spreads by the kernel's size.

    A convolution is linear: it may see the change alone, and what it makes of the untouched image
    is added. That is twice as fast as with the surroundings, but where a flat window was cut out
    of a bright map it leaves the rounding of the bright one, which a normalisation blows up.
    """
    maps, weight, bias, stride, padding, dilation, transposed, extra, groups = inputs
    if not isinstance(maps, Blocks) or weight.ndim != 4 or len(stride) != 2:
        return None
    if maps.share > MOSTLY or any(extra):
        return None
    weight = tape.play(torch.clone, (weight,), {}).map  # channels last
    whole = tape.play(operation, (maps.whole, weight, bias, *inputs[3:]), options)
    kernel = weight.shape[2:]
    geometry = (kernel, stride, padding, dilation)
    if transposed:
        y, x = fields(maps.y, maps.x, *geometry)
        change = F.conv_transpose2d(
            maps.change(), weight, None, stride, groups=groups, dilation=dilation
        )
        return Blocks(whole, added(change, whole, y, x), y, x)
    reached = reach(maps, *geometry)
    if reached is None:
        return None
    y, x = reached
    if max(stride) > 1 or max(kernel) == 1 or weight.shape[1] <= FEW:
        seen = maps.widened(*fields(y, x, *geometry))
        return Blocks(whole, F.conv2d(seen, weight, bias, stride, 0, dilation, groups), y, x)
    # The zeros around what changes cost nothing, as the surroundings would.
    zeros = [(size - 1) * apart for size, apart in zip(kernel, dilation, strict=True)]
    change = F.conv2d(maps.change(), weight, None, 1, zeros, dilation, groups)
    return Blocks(whole, added(change, whole, y, x), y, x)


def added(change: Tensor, whole: Whole, y: Span, x: Span) -> Tensor:
    """A change, with what the untouched image has there added in place."""
    by_row(change, y).add_(frame(whole, y, x))
    return change


def reach(
    maps: Blocks, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[Span, Span] | None:
    """The blocks of outputs that see a change."""
    y, x = (
        span.reach(*numbers)
        for span, *numbers in zip((maps.y, maps.x), kernel, stride, padding, dilation, strict=True)
    )
    return None if y is None or x is None else (y, x)


def fields(
    y: Span, x: Span, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[Span, Span]:
    """The blocks of inputs that these blocks of outputs see."""
    below, beside = (
        span.field(*numbers)
        for span, *numbers in zip((y, x), kernel, stride, padding, dilation, strict=True)
    )
    return below, beside


def max_pool(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Blocks, Tensor] | None:
    """The largest in each field, unchanged surroundings included."""
    maps, kernel, stride, padding, dilation = (*inputs, *_POOL[len(inputs) :])[:5]
    if not isinstance(maps, Blocks):
        return None
    geometry = (_pair(kernel), _pair(stride or kernel), _pair(padding), _pair(dilation))
    reached = reach(maps, *geometry)
    if reached is None:
        return None
    y, x = reached
    patches = maps.widened(*fields(y, x, *geometry), beyond=-torch.inf)
    whole = tape.play(operation, (maps.whole, *inputs[1:]), options)
    values = operation(patches, kernel, stride, 0, dilation)[0]
    # Where each maximum lies is not known for the full maps; the empty tensor refuses to be used.
    return Blocks(whole, values, y, x), values.new_empty(0, dtype=torch.int64)


_POOL: tuple[Any, ...] = (None, None, [], 0, 1, False)


def average_pool(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Blocks | None:
    """The mean of each field, of as many pixels everywhere."""
    maps, kernel, stride, padding, ceil, counted, divisor = (*inputs, *_AVERAGE[len(inputs) :])
    size, steps, border = _pair(kernel), _pair(stride or kernel), _pair(padding)
    if not isinstance(maps, Blocks) or ceil or (any(border) and not counted):
        return None
    geometry = (size, steps, border, (1, 1))
    reached = reach(maps, *geometry)
    if reached is None:
        return None
    y, x = reached
    whole = tape.play(operation, (maps.whole, *inputs[1:]), options)
    seen = maps.widened(*fields(y, x, *geometry))
    return Blocks(whole, F.avg_pool2d(seen, size, steps, divisor_override=divisor), y, x)


_AVERAGE: tuple[Any, ...] = (None, None, [], 0, False, True, None)


def _pair(number: Any) -> tuple[int, int]:
    pair = [number] if isinstance(number, int) else list(number)
    return (pair[0], pair[-1])
