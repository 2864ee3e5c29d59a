"""Fit chunk: some objects fitted, their columns, images and pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from astropy.wcs import WCS
from torch import Tensor

from deepfield.data.map_files import MapImage, write_map_file
from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.flags import Flag
from deepfield.nouns.posterior import Posterior
from deepfield.report.fits import FitPicture
from deepfield.verbs._fitted import Fitted, fitted, on_sky, others

LEFT_OUT = "MASK: 0 fitted, +1 missing, +2 of a neighbour, +4 masked by the user"


class FitChunk:
    """Some objects, fitted.

    Args:
        batch: with PSF, survey and variance, in nJy.
        given: [object, y, x] bool, the user's masks.
        indices, together, sky: as in ``fitted``.
    """

    def __init__(
        self,
        batch: Batch,
        given: Tensor,
        indices: tuple[float | None, ...],
        together: Sequence[Sequence[int]],
        sky: bool,
    ) -> None:
        self.batch, self.gone = batch, missing(batch)
        near, self.count = others(batch)
        self.mask = near | given
        self.fits: Fitted = fitted(batch, self.mask, indices=indices, together=together, sky=sky)
        assert batch.variance is not None
        self.sigma = batch.variance.sqrt().expand_as(batch.values)
        self.codes = self.gone.all(1) * 1.0 + near * 2.0 + given * 4.0

    def told(self, sight: Sequence[WCS | None]) -> Posterior:
        """All numbers, directions by the WCS of each object."""
        return on_sky(self.fits.posterior, sight, self.batch.values.shape[-1])

    def columns(self, sight: Sequence[WCS | None]) -> dict[str, Any]:
        """What stands beside the posterior, [object] each."""
        flags = torch.zeros(len(self.batch), dtype=torch.int64)
        if self.batch.flags is not None:
            flags = self.batch.flags.clone()
        flags |= self.fits.large * int(Flag.TOO_LARGE)
        flags |= (self.mask.flatten(1).any(1)) * int(Flag.MISSING_PIXELS)
        columns = {
            "reduced_chi_square": self.fits.reduced.numpy(),
            "iterations": self.fits.iterations.numpy(),
            "converged": self.fits.converged.numpy(),
            "neighbours": self.count.numpy(),
            "masked": (self.codes > 0).float().mean((1, 2)).numpy(),
            "flags": flags.numpy(),
        }
        if any(one is not None for one in sight):
            columns |= dict(zip(("ra", "dec"), self._positions(sight), strict=True))
        for band, name in enumerate(self.batch.channels[: self.fits.sky.shape[1]]):
            columns[f"sky_{name}"] = self.fits.sky[:, band].numpy()
        return columns

    def _positions(self, sight: Sequence[WCS | None]) -> np.ndarray:
        names = self.fits.posterior.names
        at = {
            axis: next(i for i, n in enumerate(names) if n.split("_")[0] == axis) for axis in "xy"
        }
        middle = self.fits.posterior.quantiles([0.5])[..., 0]
        found = np.full((2, len(self.batch)), np.nan)
        for i, wcs in enumerate(sight):
            x, y = (float(middle[i, at[axis]]) for axis in "xy")
            if wcs is not None and np.isfinite(x + y):
                found[:, i] = wcs.all_pix2world(x, y, 0)
        return found

    def write(self, i: int, path: Path, wcs: WCS | None, model: str) -> None:
        """One object's images."""
        values, models = self.batch.values[i], self.fits.models[i]
        bands = self.batch.channels
        shown = (("IMAGE", values), ("MODEL", models), ("RESIDUAL", values - models))
        maps = [
            *(MapImage(name, one.numpy(), "nJy", bands, wcs) for name, one in shown),
            MapImage("SIGMA", self.sigma[i].numpy(), "nJy", bands, wcs),
            MapImage("MASK", self.codes[i].numpy(), wcs=wcs),
        ]
        says: dict[str, str | int | float] = {
            "OBJECT": str(self.batch.ids[i]),
            "PROFILE": model,
            "CHI2RED": float(self.fits.reduced[i]),
            "CONVERGD": str(bool(self.fits.converged[i])),
            "COMMENT": LEFT_OUT,
        }
        write_map_file(path, maps, says)

    def pictures(self) -> list[tuple[float, FitPicture]]:
        """Reduced chi-square and picture of every object with a fit."""
        found = []
        for i in self.fits.reduced.isfinite().nonzero()[:, 0].tolist():
            chi_square = float(self.fits.reduced[i])
            caption = f"{self.batch.ids[i]}: reduced chi-square {chi_square:.2f}"
            arrays = (self.batch.values[i], self.fits.models[i], self.sigma[i], self.mask[i])
            found.append((chi_square, FitPicture(caption, *(one.numpy() for one in arrays))))
        return found
