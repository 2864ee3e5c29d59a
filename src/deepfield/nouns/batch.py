"""Batch and Truth: pixels of many objects, and what is known of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.survey import Survey


class Truth(Mapping[str, Tensor]):
    """What is known of every object: a tensor per quantity, objects first.

    Numbers are NaN and class labels -1 where not known. A class may also be soft: a float tensor
    [object, class] of fractions.

    Example:
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> truth = Truth({kind: torch.tensor([0, 1, -1])})
        >>> truth["kind"].tolist(), truth.quantity("kind").classes
        ([0, 1, -1], ('smooth', 'spiral'))
    """

    def __init__(self, values: Mapping[Quantity, Tensor]) -> None:
        self._quantities = {quantity.name: quantity for quantity in values}
        self._values = {quantity.name: value for quantity, value in values.items()}

    def __getitem__(self, name: str) -> Tensor:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def quantity(self, name: str) -> Quantity:
        """What the values of this name mean."""
        return self._quantities[name]

    def items_by_quantity(self) -> list[tuple[Quantity, Tensor]]:
        """Every quantity with its values."""
        return [(self._quantities[name], value) for name, value in self._values.items()]

    def take(self, indices: Tensor) -> "Truth":
        """The truth of some objects."""
        return Truth({quantity: value[indices] for quantity, value in self.items_by_quantity()})

    def to(self, device: torch.device | str) -> "Truth":
        """The same truth on another device."""
        return Truth({quantity: v.to(device) for quantity, v in self.items_by_quantity()})


@dataclass(frozen=True)
class Batch:
    """Measured values of many objects on one grid.

    Args:
        ids: [object] strings.
        values: [object, channel, *grid] float; nJy on the mock sky.
        channels: names, from blue to red for images.
        grid: names of the remaining axes: ``()`` a table, ``("wavelength",)``, ``("y", "x")``.
        variance: [object or 1, ...] broadcastable to ``values``, same unit squared; infinite =
            masked or missing.
        psf: of every object, where known.
        survey: the instrument, where known.
        sky_position: [object, 2] ICRS right ascension and declination, degrees.
        flags: [object] int64 bits of ``Flag``.
        truth: what is known of the objects.
        wavelength: [wavelength] nm, of every pixel of spectra; ascending.
    """

    ids: np.ndarray
    values: Tensor
    channels: tuple[str, ...]
    grid: tuple[str, ...] = ("y", "x")
    variance: Tensor | None = None
    psf: Psf | None = None
    survey: Survey | None = None
    sky_position: Tensor | None = None
    flags: Tensor | None = None
    truth: Truth | None = None
    wavelength: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: Tensor) -> "Batch":
        """Some of the objects, in the given order."""

        def pick(x: Tensor | None) -> Tensor | None:
            return None if x is None else x[indices]

        # One variance may be shared by all objects.
        shared = self.variance is not None and len(self.variance) == 1
        return replace(
            self,
            ids=self.ids[indices.cpu().numpy()],
            values=self.values[indices],
            variance=self.variance if shared else pick(self.variance),
            psf=None if self.psf is None else self.psf.take(indices),
            sky_position=pick(self.sky_position),
            flags=pick(self.flags),
            truth=None if self.truth is None else self.truth.take(indices),
        )

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        variance, position, flags = self.variance, self.sky_position, self.flags
        wavelength = self.wavelength
        return replace(
            self,
            values=self.values.to(device),
            variance=None if variance is None else variance.to(device),
            psf=None if self.psf is None else self.psf.to(device),
            sky_position=None if position is None else position.to(device),
            flags=None if flags is None else flags.to(device),
            truth=None if self.truth is None else self.truth.to(device),
            wavelength=None if wavelength is None else wavelength.to(device),
        )

    def check(self) -> "Batch":
        """This batch, if its parts fit together: called where data enter, not at every step.

        Raises:
            ValueError: what was received, what was expected.
        """
        n, shape = len(self.values), tuple(self.values.shape)
        if self.values.ndim != 2 + len(self.grid) or shape[1] != len(self.channels):
            raise ValueError(
                f"values have shape {shape}; expected [object, {len(self.channels)} channels"
                f"{''.join(', ' + axis for axis in self.grid)}] for the channels "
                f"{', '.join(self.channels)}"
            )
        if not self.values.is_floating_point():
            raise ValueError(
                f"values are {self.values.dtype}; expected a float type: convert them"
            )
        if len(self.ids) != n:
            raise ValueError(f"{len(self.ids)} ids for {n} objects; expected one each")
        if self.variance is not None:
            try:
                self.variance.expand(shape)
            except RuntimeError:
                raise ValueError(
                    f"variance has shape {tuple(self.variance.shape)}; expected one that "
                    f"broadcasts to the values' {shape}"
                ) from None
            if self.variance.ndim != self.values.ndim or len(self.variance) not in (1, n):
                raise ValueError(
                    f"variance has shape {tuple(self.variance.shape)}; expected as many axes as "
                    f"the values' {shape}, with 1 or {n} objects first"
                )
            if bool((self.variance <= 0).any()) or bool(self.variance.isnan().any()):
                raise ValueError(
                    "variance has zero, negative or NaN entries; give masked pixels an infinite "
                    "variance"
                )
        if self.wavelength is not None and tuple(self.wavelength.shape) != shape[2:]:
            raise ValueError(
                f"wavelength has shape {tuple(self.wavelength.shape)}; expected one for every "
                f"pixel of the spectra, {shape[2:]}"
            )
        if self.psf is not None and len(self.psf.kernel) not in (1, n):
            raise ValueError(f"{len(self.psf.kernel)} PSFs for {n} objects; expected 1 or {n}")
        per_object = {"flags": self.flags, "sky_position": self.sky_position, **(self.truth or {})}
        for name, value in per_object.items():
            if value is not None and len(value) != n:
                raise ValueError(
                    f"{name} has {len(value)} rows for {n} objects; expected one each"
                )
        return self


def missing(batch: Batch) -> Tensor:
    """[object, channel, *grid] bool: masked, missing or not finite."""
    bad = ~batch.values.isfinite()
    if batch.variance is not None:
        bad = bad | ~batch.variance.isfinite().expand_as(bad)
    return bad
