"""Augmentation: the same galaxies seen otherwise, and their truth with them.

How the truth follows is said in ``data.moves``. Lengths and fluxes forbid a zoom.
"""

from dataclasses import dataclass, replace

import torch

from deepfield.data.moves import Fill, four_axes, turned, warped
from deepfield.nouns.batch import Batch, Truth


@dataclass(frozen=True)
class Dihedral:
    """Quarter turns and mirror images, each of the eight alike: exact, nothing interpolated.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.arange(4.0).reshape(1, 1, 2, 2), ("r",))
        >>> sorted(Dihedral()(batch, torch.Generator()).values.flatten().tolist())
        [0.0, 1.0, 2.0, 3.0]
    """

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Each object in one of eight ways.

        Args:
            batch: square images.
            generator: of random numbers, on the CPU.

        Raises:
            ValueError: images that are not square.
        """
        return turned(batch, torch.randint(8, (len(batch),), generator=generator))


@dataclass(frozen=True)
class Affine:
    """Random turns, shifts, mirror images and zooms in one interpolation, and Gaussian noise.

    Bilinear. A zoom keeps surface brightness; above 1 it magnifies. It is along the image's own
    axes, before the turn. The variance is interpolated as the pixels are, without the smoothing
    that this brings. A zoom also changes the pixel scale, which ``survey`` still states as it
    was.

    Args:
        rotation: largest turn to either side, degrees; uniform.
        shift: largest shift along each axis, as a part of the side; uniform.
        flip: mirror along each axis in half of the cases.
        zoom: least and largest; uniform and independent along x and y, or
        isotropic: one for both axes, uniform in its logarithm.
        noise: standard deviation of added noise, as a part of the image's brightest pixel.
        fill: what lies beyond the edge: the border's pixels drawn out, the mirror image, or 0.

    Raises:
        ValueError: a zoom that is not positive; when called, a zoom where the truth holds lengths
            or fluxes, or one that differs along the axes where it holds angles.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.ones(1, 1, 8, 8), ("r",))
        >>> bool((Affine()(batch, torch.Generator()).values - 1).abs().max() < 1e-6)
        True
    """

    rotation: float = 45.0
    shift: float = 0.05
    flip: bool = True
    zoom: tuple[float, float] = (0.75, 1.3)
    noise: float = 0.0
    isotropic: bool = False
    fill: Fill = "border"

    def __post_init__(self) -> None:
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise ValueError(
                f"zoom from {self.zoom[0]:g} to {self.zoom[1]:g}; expected 0 < a <= b"
            )

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Each object under its own draw.

        Args:
            batch: images.
            generator: of random numbers, on the CPU.
        """
        self._check(batch.truth)
        n, (height, width) = len(batch), batch.values.shape[-2:]
        u = torch.rand(n, 7, generator=generator)
        angle = torch.deg2rad((2 * u[:, 0] - 1) * self.rotation)
        moved = (2 * u[:, 1:3] - 1) * self.shift * torch.tensor([width, height])
        signs = torch.where((u[:, 3:5] < 0.5) & self.flip, -1.0, 1.0)
        low, high = self.zoom
        zoom = low + (high - low) * u[:, 5:7]
        if self.isotropic:
            zoom = low * (high / low) ** u[:, 5:6].expand(-1, 2)
        cos, sin = angle.cos(), angle.sin()
        turn = torch.stack([cos, -sin, sin, cos], 1).reshape(n, 2, 2)
        batch = warped(batch, turn * (signs * zoom)[:, None, :], moved, self.fill)
        return batch if self.noise == 0 else _noisy(batch, self.noise, generator)

    def _check(self, truth: Truth | None) -> None:
        if truth is None or self.zoom == (1.0, 1.0):
            return
        refused = {"length", "flux"} if self.isotropic else {"length", "flux", "angle"}
        kinds = [(q.name, q.kind) for q, _ in truth.items_by_quantity() if q.kind in refused]
        if kinds:
            named = ", ".join(f"{name} ({kind})" for name, kind in kinds[:3])
            why = "zoom changes" if self.isotropic else "zoom along each axis changes"
            raise ValueError(
                f"{why} {named}; expected invariants, points or maps: use zoom=(1.0, 1.0) or "
                "Dihedral(), or leave these quantities out"
            )


def slides(noise: float = 0.01) -> Affine:
    """The settings of the lecture slides: turns to 45 degrees, shifts to 5 %, flips, zooms
    0.75-1.3 along each axis, noise of 1 % of the brightest pixel; edges drawn out as Keras does.

    Example:
        >>> slides().rotation
        45.0
    """
    return Affine(noise=noise)


def isotropic(shift: float = 0.05, zoom: tuple[float, float] = (0.75, 1.3)) -> Affine:
    """Any orientation alike, one zoom for both axes: shapes and angles stay true.

    What turns in from beyond the edge is the mirror image.

    Example:
        >>> isotropic().rotation
        180.0
    """
    return Affine(rotation=180.0, shift=shift, zoom=zoom, isotropic=True, fill="reflection")


def _noisy(batch: Batch, noise: float, generator: torch.Generator) -> Batch:
    sigma = noise * batch.values.nan_to_num().flatten(1).amax(1).clamp(min=0)[:, None, None, None]
    drawn = torch.randn(batch.values.shape, generator=generator).to(batch.values)
    variance = None if batch.variance is None else four_axes(batch) + sigma.square()
    return replace(batch, values=drawn.mul_(sigma).add_(batch.values), variance=variance)
