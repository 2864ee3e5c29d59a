"""A dense layer on a flattened map: only the weights of the rows that a window changes matter."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deepfield.explain.blocks import Blocks, by_row
from deepfield.explain.tape import Tape


@dataclass(frozen=True)
class Flat:
    """Blocks whose maps are to be seen as one row of numbers: [window, channel * y * x]."""

    blocks: Blocks

    @property
    def values(self) -> Tensor:
        """Of the blocks."""
        return self.blocks.values

    @property
    def shape(self) -> torch.Size:
        """[window, channel * y * x]."""
        return torch.Size((self.blocks.shape[0], self.blocks.shape[1:].numel()))


def product(
    operation: Any, tape: Tape, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Tensor | None:
    """Matrix product with the weights, a bias added or not."""
    *bias, flat, weight = inputs
    if options or not isinstance(flat, Flat) or not isinstance(weight, Tensor):
        return None
    maps = flat.blocks
    row = tape.play(torch.flatten, (maps.whole, 1), {})
    whole = tape.play(operation, (*bias, row, weight), {}).map
    weights = tape.play(_by_pixel, (weight, *maps.shape[1:]), {}).map
    change = by_row(maps.change(), maps.y)
    height, width = maps.sides
    products = []
    for number, windows in enumerate(change):
        rows, rows_here = maps.y.inside(number, height)
        strips = windows.new_zeros(len(windows), rows.stop - rows.start, width, maps.shape[1])
        for window, (strip, block) in enumerate(zip(strips, windows, strict=True)):
            columns, here = maps.x.inside(window, width)
            strip[:, columns] = block[:, rows_here, here].permute(1, 2, 0)
        products.append(strips.flatten(1) @ weights[rows].flatten(0, 1))
    return whole + torch.cat(products)


def _by_pixel(weight: Tensor, channels: int, height: int, width: int) -> Tensor:
    """[channel * y * x, output] as [y, x * channel, output]."""
    pixels = weight.reshape(channels, height, width, -1).permute(1, 2, 0, 3)
    return pixels.flatten(1, 2).contiguous()
