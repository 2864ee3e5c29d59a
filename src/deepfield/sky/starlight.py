"""Starlight: what galaxies of two spectral types, under dust, look like from afar."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from deepfield.render.noise import NANOJANSKY
from deepfield.sky.distances import distance_modulus
from deepfield.sky.dust import attenuation_curve
from deepfield.sky.passbands import Passbands
from deepfield.sky.photometry import CHUNK, mean_flux, redshifted
from deepfield.sky.templates import (
    EMITTED,
    HALPHA,
    basis,
    line_profile,
    line_shares,
    shares,
    spectra,
)
from deepfield.sky.wavelengths import COUNT, STEP, position, wavelengths

LIGHT = 2.99792458e17
"""nm/s"""
SUN = 4.65
"""absolute r magnitude of the Sun, AB (Willmer 2018, ApJS 236, 47)"""


@dataclass(frozen=True)
class Starlight:
    """Stars of galaxies, each with some components, all at absolute r magnitude 0 before dust.

    Args:
        redshift: [object].
        kind: [object, component] spectral types, as in ``templates``.
        attenuation: [object, component] A_V, mag; lines and continuum alike.
        share: [object, component] of the rest-frame r light before dust.
        boost: [object, line] factors on the emission lines, in the order of
            ``templates.EMITTED``; None = as in the types.

    Example:
        >>> from deepfield.sky.passbands import passbands
        >>> from deepfield.sky.surveys import sdss
        >>> z, one = torch.tensor([0.1, 0.3]), torch.ones(2, 1)
        >>> red = Starlight(z, 0 * one, 0 * one, one).through(passbands(sdss()))
        >>> red.shape, bool((red[:, 0, 0] / red[:, 0, 1] < 0.5).all())
        (torch.Size([2, 1, 3]), True)
    """

    redshift: Tensor
    kind: Tensor
    attenuation: Tensor
    share: Tensor
    boost: Tensor | None = None

    def through(self, passbands: Passbands) -> Tensor:
        """Flux densities in bands: [object, component, channel] nJy."""
        # Only what some redshift brings into the bands.
        reach = math.ceil(math.log1p(float(self.redshift.max())) / STEP) + 2
        origin = max(passbands.first - reach, 0)
        count = min(passbands.first + passbands.weights.shape[1], COUNT) - origin
        out = [
            mean_flux(self._emitted(at, part, origin, count), z, passbands, origin=origin)
            for at, z in self._chunks()
            for part in range(self.kind.shape[1])
        ]
        parts = self.kind.shape[1]
        rows = [torch.stack(out[i : i + parts], 1) for i in range(0, len(out), parts)]
        return torch.cat(rows) * (self.share * self._scale()[:, None])[..., None]

    def spectra(self, low: float, high: float) -> tuple[Tensor, Tensor]:
        """Observed spectra of the whole galaxies, at a resolution of R = 1000.

        Args:
            low, high: observed wavelengths, nm.

        Returns:
            wavelength [wavelength] nm, evenly spaced in ln, and f_nu [object, wavelength] nJy.
        """
        first = math.floor(position(low))
        count = math.ceil(position(high)) - first + 1
        rows = []
        for at, z in self._chunks():
            whole = self.share.new_zeros(len(z), COUNT)
            for part in range(self.kind.shape[1]):
                whole += self.share[at, part, None] * self._emitted(at, part, 0, COUNT)
            rows.append(redshifted(whole, z, first=first, count=count))
        return wavelengths(first, count).float(), torch.cat(rows) * self._scale()[:, None]

    def halpha_width(self) -> Tensor:
        """Rest-frame equivalent width of H alpha in emission, the whole galaxy: [object] nm."""
        dimmed = self.share * 10 ** (-0.4 * self.attenuation * _curve()[_index(HALPHA)])
        mixed = shares(self.kind.flatten()).unflatten(0, self.kind.shape)
        line, level = (mixed @ x.to(mixed) for x in (basis().halpha_line, basis().halpha_level))
        return (dimmed * line).sum(1) / (dimmed * level).sum(1)

    def line_fluxes(self) -> Tensor:
        """Observed fluxes of emission lines, the whole galaxy, at absolute r magnitude 0.

        Returns:
            [object, line] 1e-17 erg / s / cm2, the lines in the order of ``templates.EMITTED``.
        """
        dust = _curve()[[_index(line) for line in EMITTED]]
        mixed = shares(self.kind.flatten()).unflatten(0, self.kind.shape) @ line_shares()
        dimmed = 10 ** (-0.4 * self.attenuation[..., None] * dust)
        out = (self.share[..., None] * dimmed * mixed).sum(1)
        out = out if self.boost is None else out * self.boost
        # Frequencies shrink by 1 + z; 1 nJy is 1e-32 erg / s / cm2 / Hz.
        return out * (self._scale() / (1 + self.redshift))[:, None] * (LIGHT * 1e-15)

    def log_mass(self, absolute: Tensor) -> Tensor:
        """Stellar mass at these absolute r magnitudes before dust: [object] log10 solar masses."""
        mixed = shares(self.kind.flatten()).unflatten(0, self.kind.shape)
        ratio = (self.share * (mixed @ basis().mass.to(mixed))).sum(1)
        return ratio.log10() - 0.4 * (absolute - SUN)

    def _chunks(self) -> list[tuple[slice, Tensor]]:
        starts = range(0, len(self.redshift), CHUNK)
        parts = [slice(start, start + CHUNK) for start in starts]
        return [(at, self.redshift[at]) for at in parts]

    def _emitted(self, at: slice, part: int, first: int, count: int) -> Tensor:
        """Rest-frame f_nu behind dust [object, wavelength] of one component."""
        light = spectra(self.kind[at, part], first=first, count=count)
        if self.boost is not None:
            self._boosted(light, at, part, first)
        dust = self.attenuation[at, part]
        if bool((dust == 0).all()):
            return light
        exponent = dust[:, None] * (_curve()[first : first + count] * (-0.4 * math.log2(10)))
        return light.mul_(exponent.exp2_())

    def _boosted(self, light: Tensor, at: slice, part: int, first: int) -> None:
        """Add what the factors on the emission lines add, in place."""
        assert self.boost is not None
        more = (shares(self.kind[at, part]) @ line_shares()) * (self.boost[at] - 1)
        for number in range(len(EMITTED)):
            start, profile = line_profile(number)
            low, high = max(start, first), min(start + len(profile), first + light.shape[1])
            if low < high:
                shape = profile[low - start : high - start]
                light[:, low - first : high - first] += more[:, number, None] * shape

    def _scale(self) -> Tensor:
        """nJy for a unit of f_nu: distance, and the frequencies' crowding by 1 + z."""
        modulus = torch.from_numpy(distance_modulus(self.redshift.double().numpy()))
        scale: Tensor = (1 + self.redshift) * 10 ** (0.4 * (NANOJANSKY - modulus))
        return scale.to(self.share)


@cache
def _curve() -> Tensor:
    return attenuation_curve(wavelengths()).float()


def _index(wavelength: float) -> int:
    return int(np.rint(position(wavelength)))
