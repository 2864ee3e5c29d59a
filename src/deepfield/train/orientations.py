"""Orientations: the same images turned and mirrored, for answers that have no preferred up."""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from deepfield.nouns.batch import Batch
from deepfield.nouns.psf import Psf


def orientations(batch: Batch, count: int) -> Iterator[Batch]:
    """The first ``count`` of the eight exact orientations of square images, as they are first.

    Args:
        batch: square images, with their variance and PSF.
        count: 1 to 8.

    Raises:
        ValueError: another count.

    Example:
        >>> import numpy as np, torch
        >>> batch = Batch(np.array(["a"]), torch.arange(4.0).reshape(1, 1, 2, 2), ("r",))
        >>> [turned.values.flatten().tolist() for turned in orientations(batch, 2)]
        [[0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]]
    """
    if not 1 <= count <= 8:
        raise ValueError(f"{count} orientations; a square has 1 to 8")
    # Half a turn comes first: with a flip added it is the cheapest even cover of the eight.
    for turns, mirrored in ((0, 0), (2, 0), (0, 1), (2, 1), (1, 0), (3, 0), (1, 1), (3, 1))[
        :count
    ]:

        def move(x: Tensor, turns: int = turns, mirrored: int = mirrored) -> Tensor:
            turned = x.rot90(turns, (-2, -1)) if turns else x
            return turned.flip(-1) if mirrored else turned

        psf = batch.psf
        yield replace(
            batch,
            values=move(batch.values),
            variance=None if batch.variance is None else move(batch.variance),
            psf=None if psf is None else Psf(move(psf.kernel), psf.oversampling),
        )
