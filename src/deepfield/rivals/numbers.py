"""Numbers: what a classical learner of numbers is taught with: spectra or bands, and the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.source import Source
from deepfield.rivals.examples import batches


@dataclass(frozen=True)
class Numbers:
    """Fluxes of objects and what is to be learnt of them.

    Args:
        flux: [object, number], 0 where not measured.
        weight: [object, number] inverse variance, 0 where not measured.
        truth: [object, quantity].
    """

    flux: np.ndarray
    weight: np.ndarray
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.flux)


def read(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Flux and inverse variance of spectra or bands, each [object, number] float64.

    Raises:
        ValueError: the batch has no variance.

    Example:
        >>> import torch
        >>> flux = torch.tensor([[2.0, torch.nan]])
        >>> read(Batch(np.array(["a"]), flux, ("u", "g"), (), torch.tensor([[4.0, 1.0]])))
        (array([[2., 0.]]), array([[0.25, 0.  ]]))
    """
    if batch.variance is None:
        raise ValueError("the batch has no variance; give one, infinite where masked")
    bad = missing(batch)
    flux = batch.values.masked_fill(bad, 0.0).flatten(1).double().cpu().numpy()
    weight = batch.variance.expand_as(batch.values).reciprocal().masked_fill(bad, 0.0)
    return flux, weight.flatten(1).double().cpu().numpy()


def collect_numbers(source: Source, names: Sequence[str], limit: int | None) -> Numbers:
    """The first objects of a source of which all quantities are known.

    Args:
        source: one split.
        names: of the quantities to learn.
        limit: most objects; None = all.

    Raises:
        ValueError: the source does not know a quantity, or no object is left.
    """
    flux, weight, truth = [], [], []
    for batch in batches(source, limit):
        if batch.truth is None or not set(names) <= set(batch.truth):
            known = ", ".join(batch.truth or ()) or "nothing"
            raise ValueError(f"the source knows {known}; expected {', '.join(names)}")
        true = np.stack([batch.truth[name].double().cpu().numpy() for name in names], 1)
        values, weights = read(batch)
        use = np.isfinite(true).all(1) & (weights > 0).any(1)
        flux.append(values[use])
        weight.append(weights[use])
        truth.append(true[use])
    if not sum(map(len, flux)):
        raise ValueError(
            f"no object of {len(source)} is both measured and known; expected {', '.join(names)}"
        )
    return Numbers(np.concatenate(flux), np.concatenate(weight), np.concatenate(truth))
