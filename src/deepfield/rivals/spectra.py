"""Spectra as classical methods see them: fluxes and inverse variances."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.source import Source
from deepfield.rivals.examples import batches


@dataclass(frozen=True)
class KnownSpectra:
    """Spectra whose class and redshift are known.

    Args:
        flux, weight: [object, point], inverse variances for the latter; 0 where not measured.
        wavelength: [point] nm.
        redshift, kind: [object].
        truth: [object] of every other quantity that was asked for, by name; NaN = not known.
    """

    flux: Tensor
    weight: Tensor
    wavelength: Tensor
    redshift: Tensor
    kind: Tensor
    truth: dict[str, Tensor]

    @property
    def step(self) -> float:
        """Of the grid, in ln wavelength."""
        ln = self.wavelength.double().log()
        return float(ln[-1] - ln[0]) / (len(ln) - 1)


def weighted(batch: Batch) -> tuple[Tensor, Tensor]:
    """Flux and inverse variance [object, point], both 0 where nothing was measured.

    Raises:
        ValueError: there is no variance.
    """
    if batch.variance is None:
        raise ValueError("the batch has no variance; expected one for every pixel")
    seen = ~missing(batch)
    flux = torch.where(seen, batch.values, 0.0)[:, 0]
    weight = torch.where(seen, 1 / batch.variance.expand_as(batch.values), 0.0)[:, 0]
    return flux, weight


def known_spectra(
    source: Source, target: str, limit: int | None, names: tuple[str, ...] = ()
) -> KnownSpectra:
    """The first objects of a source that have a class and a redshift.

    Args:
        source: one split.
        target: name of the classes.
        limit: most objects; None = all.
        names: of further quantities.

    Raises:
        ValueError: the spectra have no wavelengths, or the truth does not say what is needed.
    """
    wavelength = None
    columns: dict[str, list[Tensor]] = {name: [] for name in ("redshift", target, *names)}
    both = []
    for batch in batches(source, limit):
        wavelength = batch.wavelength
        if wavelength is None or batch.truth is None or not set(columns) <= set(batch.truth):
            known = "nothing" if batch.truth is None else ", ".join(batch.truth)
            raise ValueError(
                f"the source knows {known}; expected spectra with wavelengths, and "
                + ", ".join(columns)
            )
        both.append(weighted(batch))
        for name, column in columns.items():
            column.append(batch.truth[name])
    if wavelength is None:
        raise ValueError("the source has no objects; expected some to learn from")
    flux, weight = (torch.cat([each[i] for each in both]) for i in range(2))
    truth = {name: torch.cat(column) for name, column in columns.items()}
    kept = truth["redshift"].isfinite() & (truth[target] >= 0) & (weight > 0).any(1)
    truth = {name: values[kept] for name, values in truth.items()}
    more = {name: truth[name] for name in names}
    return KnownSpectra(
        flux[kept], weight[kept], wavelength, truth["redshift"], truth[target], more
    )
