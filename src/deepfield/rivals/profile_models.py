"""Profile models: the numbers of a galaxy, and the parameters by which imfit knows it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gamma, gammaincinv

from deepfield.nouns.quantity import Quantity

AB = 31.4
"""AB magnitude of 1 nJy"""
SCALE_LENGTH = float(gammaincinv(2, 0.5))
"""half-light radius of an exponential disc over its scale length"""
TURNS, BRIGHTEST = 7200.0, 1e12
"""of imfit's angles in degrees and its brightness: as good as no limits, which it wants to have"""
PARAMETERS = {
    "Sersic": ("PA", "ell", "n", "I_e", "r_e"),
    "Exponential": ("PA", "ell", "I_0", "h"),
}
"""of imfit's functions, in its order"""
Range = tuple[float, float]


@dataclass(frozen=True)
class ProfileModel:
    """One or two components on one centre.

    Args:
        quantities: the numbers, in the order of every array of them; lengths in arcsec.
        functions: imfit's name of every component.
        to_imfit: numbers and arcsec per pixel -> [parameter] of imfit, in its order: centre
            (first pixel 1), then each component's.
        from_imfit: the inverse.
    """

    quantities: tuple[Quantity, ...]
    functions: tuple[str, ...]
    to_imfit: Callable[[np.ndarray, float], np.ndarray]
    from_imfit: Callable[[np.ndarray, float], np.ndarray]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the quantities."""
        return tuple(quantity.name for quantity in self.quantities)


@dataclass(frozen=True)
class Limits:
    """What a fit may answer.

    Args:
        radius: half-light, along the major axis, of the bulge or the only profile, px.
        radius_disc: the same of the disc.
        sersic_index: of the bulge or the only profile.
        axis_ratio: minor over major axis.

    Example:
        >>> Limits(radius=(0.5, 20.0)).of("radius_bulge", 0.1)
        (0.05, 2.0)
    """

    radius: Range = (0.2, 64.0)
    radius_disc: Range = (0.2, 64.0)
    sersic_index: Range = (0.5, 8.0)
    axis_ratio: Range = (0.05, 1.0)

    def of(self, quantity: str, scale: float) -> Range:
        """Lowest and highest value of a quantity, arcsec for lengths; infinite where free.

        Args:
            quantity: its name.
            scale: arcsec per pixel.
        """
        if quantity.startswith("radius"):
            low, high = self.radius_disc if quantity == "radius_disc" else self.radius
            return low * scale, high * scale
        if quantity.startswith("sersic_index"):
            return self.sersic_index
        if quantity.startswith("axis_ratio"):
            return self.axis_ratio
        return (0.0, 1.0) if quantity == "bulge_to_total" else (-np.inf, np.inf)

    def of_imfit(self, parameter: str) -> Range:
        """The same for imfit's name of a parameter; light is not negative, angles turn freely."""
        ratio, disc = self.axis_ratio, self.radius_disc
        return {
            "PA": (-TURNS, TURNS),
            "ell": (1 - ratio[1], 1 - ratio[0]),
            "n": self.sersic_index,
            "r_e": self.radius,
            "h": (disc[0] / SCALE_LENGTH, disc[1] / SCALE_LENGTH),
        }.get(parameter, (0.0, BRIGHTEST))


def sersic_light(
    index: float | np.ndarray, radius: float | np.ndarray, axis_ratio: float | np.ndarray
) -> float | np.ndarray:
    """Flux of a Sersic profile whose surface brightness at the half-light radius is 1.

    Graham & Driver 2005, PASA 22, 118, equation 4.

    Args:
        index: Sersic index.
        radius: half-light, along the major axis, pixels.
        axis_ratio: minor over major axis.

    Example:
        >>> print(round(float(sersic_light(1.0, 1.0, 1.0)), 3))
        11.948
    """
    b = gammaincinv(2 * index, 0.5)
    return (
        2
        * np.pi
        * axis_ratio
        * radius**2
        * index
        * np.exp(b)
        * b ** (-2 * index)
        * gamma(2 * index)
    )


def _angle(degrees: float) -> float:
    return float(np.mod(degrees, 180))


def _magnitude(flux: float) -> float:
    return float(AB - 2.5 * np.log10(flux)) if flux > 0 else float("nan")


def _sersic_to_imfit(numbers: np.ndarray, scale: float) -> np.ndarray:
    magnitude, radius, index, ratio, angle, x, y = numbers
    radius = radius / scale
    brightness = 10 ** (0.4 * (AB - magnitude)) / sersic_light(index, radius, ratio)
    return np.array([x + 1, y + 1, angle, 1 - ratio, index, brightness, radius])


def _sersic_from_imfit(parameters: np.ndarray, scale: float) -> np.ndarray:
    x, y, angle, ellipticity, index, brightness, radius = parameters
    flux = brightness * sersic_light(index, radius, 1 - ellipticity)
    return np.array(
        [
            *(_magnitude(flux), radius * scale, index, 1 - ellipticity),
            *(_angle(angle), x - 1, y - 1),
        ]
    )


def _pair_to_imfit(numbers: np.ndarray, scale: float) -> np.ndarray:
    magnitude, share, bulge, disc, index, ratio, ratio_disc, angle, angle_disc, x, y = numbers
    flux, bulge, disc = 10 ** (0.4 * (AB - magnitude)), bulge / scale, disc / scale
    length = disc / SCALE_LENGTH
    brightness = share * flux / sersic_light(index, bulge, ratio)
    centre = (1 - share) * flux / (2 * np.pi * ratio_disc * length**2)
    return np.array(
        [
            *(x + 1, y + 1, angle, 1 - ratio, index, brightness, bulge),
            *(angle_disc, 1 - ratio_disc, centre, length),
        ]
    )


def _pair_from_imfit(parameters: np.ndarray, scale: float) -> np.ndarray:
    x, y, angle, ellipticity, index, brightness, radius, *disc = parameters
    angle_disc, ellipticity_disc, centre, length = disc
    bulge = brightness * sersic_light(index, radius, 1 - ellipticity)
    flux = bulge + 2 * np.pi * (1 - ellipticity_disc) * length**2 * centre
    return np.array(
        [
            *(_magnitude(flux), bulge / flux if flux > 0 else np.nan),
            *(radius * scale, length * SCALE_LENGTH * scale, index),
            *(1 - ellipticity, 1 - ellipticity_disc, _angle(angle), _angle(angle_disc)),
            *(x - 1, y - 1),
        ]
    )


_ALONG = "major-axis half-light radius"
_CENTRE = (
    Quantity("x", "pix", "point", description="centre, first pixel 0"),
    Quantity("y", "pix", "point", description="centre, first pixel 0"),
)

SERSIC = ProfileModel(
    (
        Quantity("magnitude", "mag(AB)", "flux", description="total, in the middle band"),
        Quantity("radius", "arcsec", "length", description=_ALONG),
        Quantity("sersic_index", description="Sersic index"),
        Quantity("axis_ratio", description="minor over major axis"),
        Quantity("position_angle", "deg", "angle", description="east of north"),
        *_CENTRE,
    ),
    ("Sersic",),
    _sersic_to_imfit,
    _sersic_from_imfit,
)
"""A single Sersic profile."""

BULGE_DISC = ProfileModel(
    (
        Quantity("magnitude", "mag(AB)", "flux", description="total, in the middle band"),
        Quantity("bulge_to_total", description="light of the bulge over all, middle band"),
        Quantity("radius_bulge", "arcsec", "length", description=_ALONG),
        Quantity("radius_disc", "arcsec", "length", description=_ALONG),
        Quantity("sersic_index_bulge", description="Sersic index of the bulge"),
        Quantity("axis_ratio_bulge", description="minor over major axis"),
        Quantity("axis_ratio_disc", description="minor over major axis"),
        Quantity("position_angle_bulge", "deg", "angle", description="east of north"),
        Quantity("position_angle_disc", "deg", "angle", description="east of north"),
        *_CENTRE,
    ),
    ("Sersic", "Exponential"),
    _pair_to_imfit,
    _pair_from_imfit,
)
"""A Sersic bulge in an exponential disc."""
