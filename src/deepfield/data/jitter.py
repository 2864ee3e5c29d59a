"""Jitter: augmentation by whole pixels, which leaves the noise as it is."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.data.moves import four_axes
from deepfield.nouns.batch import Batch


@dataclass(frozen=True)
class Jitter:
    """Each object shifted at random by whole pixels along both axes; mirrored beyond the edge.

    For truth that does not move with the pixels, such as classes: points and maps are refused.

    Args:
        shift: largest, px; 0 leaves every object where it is.

    Raises:
        ValueError: a negative shift; when called, truth that would have to move, or stamps that
            are not larger than the shift.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.arange(16.0).reshape(1, 1, 4, 4), ("r",))
        >>> Jitter(2)(batch, torch.Generator().manual_seed(0)).values.shape
        torch.Size([1, 1, 4, 4])
    """

    shift: int

    def __post_init__(self) -> None:
        if self.shift < 0:
            raise ValueError(f"shift of {self.shift} px; expected 0 or more")

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Each object under its own draw.

        Args:
            batch: images.
            generator: of random numbers, on the CPU.
        """
        if not self.shift:
            return batch
        moving = [q for q, _ in (batch.truth.items_by_quantity() if batch.truth else ())]
        if named := ", ".join(q.name for q in moving if q.kind in ("point", "map")):
            raise ValueError(
                f"{named} would have to move with the pixels; leave it out, or use Affine"
            )
        start = torch.randint(2 * self.shift + 1, (len(batch), 2), generator=generator).tolist()
        variance = batch.variance
        if variance is not None and variance.shape[-2:] == batch.values.shape[-2:]:
            variance = self._moved(four_axes(batch), start)
        return replace(batch, values=self._moved(batch.values, start), variance=variance)

    def _moved(self, images: Tensor, start: list[list[int]]) -> Tensor:
        height, width = images.shape[-2:]
        if self.shift >= min(height, width):
            raise ValueError(
                f"stamps of {height} x {width} px; expected larger ones for shifts of {self.shift}"
            )
        wide = F.pad(images, (self.shift,) * 4, mode="reflect")
        out = torch.empty_like(images)
        for i, (y, x) in enumerate(start):
            out[i] = wide[i, :, y : y + height, x : x + width]
        return out
