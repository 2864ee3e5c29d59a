"""The population: how many galaxies of which kind, and how each is built."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from deepfield.nouns.quantity import Quantity
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import sky_variance

KIND = Quantity(
    "kind",
    classes=("smooth", "edge_on", "spiral", "barred", "irregular"),
    description="morphological kind",
)
SMOOTH, EDGE_ON, SPIRAL, BARRED, IRREGULAR = range(5)
CLUMPS = 8
COMPANIONS = 3
NUMBERS = 48 + 4 * CLUMPS + 6 * COMPANIONS
"""uniform numbers kept for each galaxy; a few are spare"""


@dataclass(frozen=True)
class Galaxies:
    """Parameters of many galaxies; lengths in pixels, angles in degrees east of north.

    Args:
        kind: [object] index into ``KIND.classes``.
        signal_to_noise: of half the light within the half-light ellipse, in the middle band.
        flux: nJy in the middle band.
        radius: major-axis half-light radius of the disc (of the whole, if smooth).
        axis_ratio, position_angle, x, y: of the disc; x and y from the stamp's centre.
        sersic_index: of the whole if smooth, else of the bulge.
        bulge_to_total, bulge_radius: light fraction and half-light radius of the bulge.
        slope, slope_bulge, slope_feature: d ln flux / d ln wavelength of the disc (or the
            whole), the bulge, and arms, bar or clumps.
        arms: number of them; ``arm_strength`` their share of a spiral's disc light and
            ``bar_arms`` of a barred galaxy's, ``arm_pitch`` (degrees, the sign is the
            handedness), ``arm_sharpness`` and ``arm_phase``.
        bar_length: semi-major axis in disc half-light radii; ``bar_strength`` its share of the
            disc's light, ``bar_axis_ratio``, ``bar_angle`` in the disc's plane.
        clumps: [object, clump, 4] x, y and width in disc half-light radii, relative flux;
            ``clump_strength`` their share of the light, ``lopsided`` the shift of the disc
            (in half-light radii).
        companions: [object, companion, 6] x, y and half-light radius in pixels, Sersic index,
            share of the galaxy's flux (0 = none), slope: stars and galaxies nearby.
    """

    kind: Tensor
    signal_to_noise: Tensor
    flux: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    x: Tensor
    y: Tensor
    sersic_index: Tensor
    bulge_to_total: Tensor
    bulge_radius: Tensor
    slope: Tensor
    slope_bulge: Tensor
    slope_feature: Tensor
    arms: Tensor
    arm_strength: Tensor
    bar_arms: Tensor
    arm_pitch: Tensor
    arm_sharpness: Tensor
    arm_phase: Tensor
    bar_length: Tensor
    bar_strength: Tensor
    bar_axis_ratio: Tensor
    bar_angle: Tensor
    clumps: Tensor
    clump_strength: Tensor
    lopsided: Tensor
    companions: Tensor

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, indices: Tensor) -> "Galaxies":
        """Some of the galaxies."""
        return Galaxies(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})


@dataclass(frozen=True)
class Population:
    """Priors of five equally frequent kinds, relative to a survey's sharpness and depth.

    Sizes are in units of the PSF and brightness is a signal-to-noise ratio, so that the same
    question is equally hard in any survey. About half of the features can be seen.

    Args:
        signal_to_noise: lowest and highest, log-uniform.
        radius: disc half-light radius in PSF FWHM, lowest and highest, log-uniform.

    Example:
        >>> from deepfield.sky.surveys import sdss
        >>> galaxies = Population().draw(np.arange(3), sdss(), seed=1, split="train", size=64)
        >>> galaxies.radius.shape
        torch.Size([3])
    """

    signal_to_noise: tuple[float, float] = (5.0, 2500.0)
    radius: tuple[float, float] = (0.9, 3.2)

    def draw(
        self, indices: np.ndarray, survey: Survey, *, seed: int, split: str, size: int
    ) -> Galaxies:
        """The galaxies of these indices: each from (seed, split, index) alone.

        Args:
            indices: [object] int.
            survey: its middle band sets brightness and PSF.
            size: of the stamps, px; no half-light radius is above a sixth of it.
        """
        columns = iter(uniforms(seed, split, indices, NUMBERS).T)

        def flat(low: float, high: float) -> np.ndarray:
            return low + (high - low) * next(columns)

        def log_flat(low: float, high: float) -> np.ndarray:
            return np.exp(flat(np.log(low), np.log(high)))

        def normal(mean: float | np.ndarray, sigma: float) -> np.ndarray:
            return mean + sigma * ndtri(np.clip(next(columns), 1e-9, 1 - 1e-9))

        def pick(*options: float) -> np.ndarray:
            return np.asarray(options)[(next(columns) * len(options)).astype(int)]

        def by_kind(*values: np.ndarray | float) -> np.ndarray:
            return np.choose(kind, [np.broadcast_to(v, kind.shape) for v in values])

        middle = len(survey.bands) // 2
        band = survey.bands[middle]
        fwhm = band.psf_fwhm / survey.pixel_scale
        kind = pick(0, 1, 2, 3, 4).astype(int)
        snr = log_flat(*self.signal_to_noise)
        low, high = self.radius
        radius = log_flat(low * fwhm, min(high * fwhm, size / 6))
        # An edge-on disc shows its major axis: more of its light lies in fewer pixels.
        thin, round_, inclined = flat(0.10, 0.22), flat(0.45, 1.0), flat(0.4, 0.95)
        axis_ratio = by_kind(round_, thin, inclined, inclined, flat(0.45, 1.0))
        area = np.pi * (axis_ratio * radius**2 + (0.6 * fwhm) ** 2)
        sigma = float(sky_variance(survey)[middle].sqrt())
        index = by_kind(log_flat(0.8, 5.0), *[flat(1.0, 4.0)] * 4)
        bulge = by_kind(0.0, flat(0, 0.35), *[flat(0, 0.4)] * 2, flat(0, 0.1))
        bulge_radius = radius * flat(0.12, 0.35)
        # f_nu rises with wavelength: g - r is about 0.29 times the slope.
        early = next(columns) < 0.7
        slope = by_kind(
            np.where(early, normal(2.5, 0.25), normal(1.6, 0.35)),
            normal(2.1, 0.45),
            *[normal(1.7, 0.4)] * 2,
            normal(1.2, 0.45),
        )
        tint = normal(0.0, 0.2)
        arms = pick(2, 2, 2, 3, 4)
        with_arms = next(columns) < 0.5  # of the barred
        arm_strength, faint_arms = flat(0.45, 0.9), flat(0.1, 0.3) * with_arms
        pitch = flat(12.0, 30.0) * pick(-1, 1)
        sharpness, arm_phase = flat(1.0, 3.0), flat(0, 360)
        bar = [flat(0.7, 1.4), flat(0.25, 0.5), flat(0.2, 0.4), flat(0, 180)]
        angle = flat(0, 180)
        x, y = flat(-1.5, 1.5), flat(-1.5, 1.5)
        clump_strength, lopsided = flat(0.3, 0.7), flat(0.1, 0.6)
        number, neighbours = pick(*range(3, CLUMPS + 1)), pick(0, 0, 1, 1, 2, 3)
        clumps = np.empty((len(indices), CLUMPS, 4))
        for i in range(CLUMPS):
            r, theta = 1.6 * np.sqrt(next(columns)), flat(0, 2 * np.pi)
            clumps[:, i, 0], clumps[:, i, 1] = r * np.cos(theta), r * np.sin(theta)
            clumps[:, i, 2] = flat(0.06, 0.25)
            clumps[:, i, 3] = flat(0.2, 1.0) * (i < number)
        companions = np.empty((len(indices), COMPANIONS, 6))
        for i in range(COMPANIONS):
            # Beyond two half-light radii, or they would be taken for clumps by anyone.
            nearest = 2 * radius + 1.5 * fwhm
            r, theta = nearest + (0.65 * size - nearest) * next(columns), flat(0, 2 * np.pi)
            companions[:, i, 0], companions[:, i, 1] = r * np.cos(theta), r * np.sin(theta)
            companions[:, i, 2] = np.where(next(columns) < 0.3, 0.1, flat(0.3, 1.0) * fwhm)
            companions[:, i, 3] = 1.5
            companions[:, i, 4] = log_flat(0.02, 0.4) * (i < neighbours)
            companions[:, i, 5] = slope + flat(-1.5, 1.5)
        columns_by_name = {
            "kind": kind,
            "signal_to_noise": snr,
            "flux": 2 * snr * sigma * np.sqrt(area),
            "radius": radius,
            "axis_ratio": axis_ratio,
            "position_angle": angle,
            "x": x,
            "y": y,
            "sersic_index": index,
            "bulge_to_total": bulge,
            "bulge_radius": bulge_radius,
            "slope": slope,
            "slope_bulge": np.maximum(slope, 2.2 + tint),
            "slope_feature": by_kind(slope, slope, slope - 0.6, slope + 0.3, slope - 0.6) + tint,
            "arms": arms,
            "arm_strength": arm_strength,
            "bar_arms": faint_arms,
            "arm_pitch": pitch,
            "arm_sharpness": sharpness,
            "arm_phase": arm_phase,
            "bar_length": bar[0],
            "bar_strength": bar[1],
            "bar_axis_ratio": bar[2],
            "bar_angle": bar[3],
            "clumps": clumps,
            "clump_strength": clump_strength,
            "lopsided": lopsided,
            "companions": companions,
        }
        return Galaxies(
            **{
                name: torch.as_tensor(v if v.dtype.kind == "i" else v.astype(np.float32))
                for name, v in columns_by_name.items()
            }
        )
