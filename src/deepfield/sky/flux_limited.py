"""Flux-limited: bulges and discs of evolving galaxies, down to an apparent magnitude."""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.sky.dust import inclined
from deepfield.sky.luminosity import Schechter
from deepfield.sky.passbands import passbands
from deepfield.sky.photometry import magnitude
from deepfield.sky.priors import Range, check_range, flat
from deepfield.sky.redshifts import Smail
from deepfield.sky.sizes import bulge_radius, disc_radius
from deepfield.sky.starlight import Starlight

NUMBERS = 24
"""uniform numbers kept for each galaxy; a few are spare"""
BULGE_THICKNESS = 0.6
"""axis ratio of a bulge seen edge-on"""


@dataclass(frozen=True)
class Parts:
    """Galaxies of bulge (component 0) and disc (1), as drawn.

    Args:
        light: their stars, at absolute magnitude 0.
        absolute: [object] magnitude in rest-frame r before dust.
        radius: [object, component] kpc.
        axis_ratio: [object, component].
        position_angle: [object] degrees east of north.
        sersic_index: [object] of the bulge.
        x, y: [object] px from the stamp's centre.
        flux: [object, component, channel] nJy.
    """

    light: Starlight
    absolute: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    sersic_index: Tensor
    x: Tensor
    y: Tensor
    flux: Tensor


@dataclass(frozen=True)
class FluxLimited:
    """Priors of galaxies with an old bulge and a young, dusty disc, as a survey finds them.

    The redshift comes first, then the spectral types of both parts (younger at higher redshift),
    inclination and dust; then the luminosity, brighter than what the limit asks for there; from
    it the sizes. So the limit belongs to n(z): a brighter one with the same n(z) makes every
    distant galaxy a giant. Median g - r to z - y are within 0.07 mag of those of LSST's DC2 at
    i < 23.5 with the defaults, and of the SDSS main sample's with ``distant.shallow``; u - g is
    0.06 and 0.23 too blue.

    Args:
        redshift: n(z) of the galaxies that are found.
        luminosity: of the whole, before dust.
        limit: apparent magnitude in the middle band of the faintest.
        early: share of bulge-dominated galaxies at redshift 0, falling as 1 / (1 + z). They have a
            bulge-to-total ratio (rest-frame r, before dust) of 0.5 to 1, flat; the others one of 0
            to 0.5 whose square root is flat.
        type_bulge, type_disc, type_early: spectral types of bulges, of discs, and of the discs of
            bulge-dominated galaxies: 0 (E), Sbc, Scd, Im to 4 (SB). The distance from the older
            end is a uniform number to the power 2 / (1 + z)^1.5.
        attenuation: A_V of the disc seen from above, mag, with a flat square root; it grows with
            1 / axis ratio.
        thickness: axis ratio of a disc seen edge-on; inclinations are random.
        sersic_index: of the bulge; the disc has 1.
        offset: of the centre from the stamp's, px, in x and in y.

    Raises:
        ValueError: a prior that cannot be.

    Example:
        >>> from deepfield.sky.surveys import hsc
        >>> parts = FluxLimited(limit=22.0).draw(np.arange(3), hsc(), seed=0, split="train")
        >>> bool((magnitude(parts.flux.sum(1)[:, 2]) < 22.0).all())
        True
    """

    redshift: Smail = field(default_factory=Smail)
    luminosity: Schechter = field(default_factory=Schechter)
    limit: float = 23.5
    early: float = 0.35
    type_bulge: Range = (0.0, 0.6)
    type_disc: Range = (1.0, 3.8)
    type_early: Range = (0.0, 1.5)
    attenuation: Range = (0.0, 0.6)
    thickness: float = 0.2
    sersic_index: Range = (2.0, 4.0)
    offset: Range = (-0.5, 0.5)

    def __post_init__(self) -> None:
        for name in ("type_bulge", "type_disc", "type_early"):
            check_range(name, getattr(self, name), at_least=0, at_most=4)
        check_range("attenuation", self.attenuation, at_least=0, at_most=3)
        check_range("sersic_index", self.sersic_index, at_least=0.5, at_most=6.2)
        check_range("offset", self.offset)
        for name, value, lowest, highest in (
            ("early", self.early, 0, 1),
            ("thickness", self.thickness, 0.05, 1),
            ("limit", self.limit, 5, 35),
        ):
            if not lowest <= value <= highest:
                raise ValueError(f"{name} {value}; expected a number from {lowest} to {highest}")

    def draw(self, indices: np.ndarray, survey: Survey, *, seed: int, split: str) -> Parts:
        """The galaxies of these indices: each from (seed, split, index) alone.

        Args:
            indices: [object] int, from 0.
            survey: its middle band has the limit; every band has ``edges``.
            seed, split: another of either is another sky.
        """
        columns = iter(uniforms(seed, split, indices, NUMBERS).T)
        z = self.redshift.draw(next(columns))
        is_early = next(columns) < self.early / (1 + z)
        uniform = next(columns)
        bulge = np.where(is_early, 0.5 + 0.5 * uniform, 0.5 * uniform**2)
        bulge_kind, later = (next(columns) ** (2 / (1 + z) ** 1.5) for _ in range(2))
        disc_kind = np.where(is_early, flat(later, self.type_early), flat(later, self.type_disc))
        cosine = next(columns)
        ratio = [
            np.sqrt(cosine**2 * (1 - thin**2) + thin**2)
            for thin in (BULGE_THICKNESS, self.thickness)
        ]
        root = flat(next(columns), (self.attenuation[0] ** 0.5, self.attenuation[1] ** 0.5))
        dust = inclined(_tensor(root**2), _tensor(ratio[1]))
        light = Starlight(
            redshift=_tensor(z),
            kind=_columns(flat(bulge_kind, self.type_bulge), disc_kind),
            attenuation=torch.stack([torch.zeros_like(dust), dust], 1),
            share=_columns(bulge, 1 - bulge),
        )
        flux = light.through(passbands(survey))
        at_zero = magnitude(flux.sum(1)[:, len(survey.bands) // 2]).double().numpy()
        absolute = self.luminosity.draw(next(columns), self.limit - at_zero, z)
        part = [absolute - 2.5 * np.log10(np.maximum(s, 1e-3)) for s in (bulge, 1 - bulge)]
        normal = [ndtri(np.clip(next(columns), 1e-9, 1 - 1e-9)) for _ in part]
        return Parts(
            light=light,
            absolute=_tensor(absolute),
            radius=_columns(
                bulge_radius(part[0], z, normal[0]), disc_radius(part[1], z, normal[1])
            ),
            axis_ratio=_columns(*ratio),
            position_angle=_tensor(flat(next(columns), (0, 180))),
            sersic_index=_tensor(flat(next(columns), self.sersic_index)),
            x=_tensor(flat(next(columns), self.offset)),
            y=_tensor(flat(next(columns), self.offset)),
            flux=flux * _tensor(10 ** (-0.4 * absolute))[:, None, None],
        )


def _tensor(values: np.ndarray) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)


def _columns(*values: np.ndarray) -> Tensor:
    return torch.stack([_tensor(value) for value in values], 1)
