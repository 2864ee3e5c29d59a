"""Rules for maps as a whole: scales of channels, joining, borders, sums over the pixels."""

from typing import Any

import torch
from torch import Tensor

from deepfield.explain.blocks import Blocks
from deepfield.explain.pointwise_rule import together
from deepfield.explain.tape import Tape


def batch_norm(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, ...] | None:
    """In evaluation: a scale and a shift."""
    names = [argument.name for argument in operation._schema.arguments]
    if "training" in names and inputs[names.index("training")]:
        return None
    maps = inputs[0]
    if not isinstance(maps, Blocks):
        return None
    whole = tape.play(operation, (maps.whole, *inputs[1:]), options)
    values, *others = operation(maps.values, *inputs[1:], **options)
    return (Blocks(whole, values, maps.y, maps.x), *others)


def concatenate(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Blocks | None:
    """Channels of several maps."""
    maps, axis = (*inputs, 0)[:2]
    spans = together(maps) if all(isinstance(part, Blocks) for part in maps) else None
    if spans is None or axis not in (1, -3):
        return None
    whole = tape.play(operation, ([part.whole for part in maps], 1), {})
    return Blocks(whole, torch.cat([part.widened(*spans) for part in maps], 1), *spans)


def pad(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Blocks | None:
    """A border of one number, or a crop."""
    maps, border, number = (*inputs, 0.0)[:3]
    if len(border) > 4 or not isinstance(maps, Blocks):
        return None
    left, _, top, _ = (*border, 0, 0)[:4]
    values = maps.widened(maps.y, maps.x, beyond=number)
    whole = tape.play(operation, (maps.whole, *inputs[1:]), options)
    return Blocks(whole, values, maps.y.moved(top), maps.x.moved(left))


def total(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Tensor | None:
    """Sum or mean over all pixels, with or without channels."""
    maps, axes, *_ = (*inputs, None)
    kept = {axis % 4 for axis in axes} if axes else {0}
    if options or not isinstance(maps, Blocks) or 0 in kept or not {2, 3} <= kept:
        return None
    whole = tape.play(operation, (maps.whole, *inputs[1:]), {}).map
    change = maps.change().sum(axes, keepdim=len(inputs) > 2 and inputs[2])
    if operation is torch.ops.aten.mean.dim:
        pixels = maps.sides[0] * maps.sides[1] * (maps.shape[1] if 1 in kept else 1)
        change = change / pixels
    return whole + change
