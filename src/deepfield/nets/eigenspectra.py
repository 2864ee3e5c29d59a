"""Eigenspectra: the few numbers that spectra of a population differ by, and how well each is told.

Stars of all kinds fill a thin sheet in the space of pixels, so a few dozen directions hold all of
them. Fitting those instead of looking at the pixels takes the noise and the gaps of every
spectrum into account exactly, and leaves the network little to do.
"""

import torch
from torch import Tensor, nn

from deepfield.nets.frame import Frame
from deepfield.nouns.batch import Batch, missing

FAINTEST = 0.02
"""of the mean flux; where the fitted spectrum is below, its logarithm would be noise"""
BRIGHTNESS = 0.3
"""prior deviation of a spectrum's brightness from the first guess of it, as a share"""
TOLERANCE = 0.1
"""of a pixel; wavelengths that are further off are another grid"""


class Eigenspectra(nn.Module):
    """First layer: coefficients of principal components, fitted with every pixel's own noise.

    Args:
        population: [object, pixel] noiseless spectra or bands of any brightness; the components
            are theirs.
        components: how many to keep.
        wavelength: [pixel] nm, ascending; None for bands, which go by name.

    Shape: a batch of values [object, 1, pixel] or [object, band] -> [object, ``features``]: the
    coefficients over their spread, the log of how well each is told (its information over the
    spectrum's squared signal-to-noise ratio), components of the fitted spectrum's logarithm, in
    which temperature and the depths of lines are almost linear, and the log of that ratio.

    Raises:
        ValueError: a population that has fewer objects or pixels than components.

    Source: gaps as Connolly & Szalay 1999, AJ 117, 2052; components before a network as
    Bailer-Jones et al. 1998, MNRAS 298, 361.

    Example:
        >>> import numpy as np
        >>> population = 1 + torch.rand(50, 6)
        >>> bands = Batch(np.array(["a"]), torch.ones(1, 6), tuple("ugrizy"), grid=(),
        ...               variance=torch.tensor([[0.1, 0.1, torch.inf, 0.1, 0.1, 0.1]]))
        >>> layer = Eigenspectra(population, components=3)
        >>> layer(bands)[0].shape == (1, layer.features)
        True
    """

    def __init__(
        self, population: Tensor, *, components: int, wavelength: Tensor | None = None
    ) -> None:
        super().__init__()
        if components >= min(population.shape):
            raise ValueError(
                f"{components} components of {population.shape[0]} spectra of "
                f"{population.shape[1]} pixels; expected fewer components than either"
            )
        self.pixels = population.shape[1]
        self.features = 3 * components + 3
        each = population.double()
        each = each / each.mean(1, keepdim=True)
        mean, spread, directions = _principal(each, components)
        # Brightness is one more direction, along the mean; every row has unit prior variance.
        basis = torch.cat([BRIGHTNESS * mean[None], spread[:, None] * directions])
        log_mean, log_spread, log_directions = _principal(
            each.clamp(min=FAINTEST).log(), components
        )
        self.register_buffer("log_mean", log_mean.float())
        self.register_buffer("log_axes", (log_directions / log_spread[:, None]).float())
        self.register_buffer("mean", mean.float())
        self.register_buffer("basis", basis.float())
        known = torch.empty(0) if wavelength is None else wavelength
        self.register_buffer("wavelength", known, persistent=False)

    def forward(self, batch: Batch) -> tuple[Tensor, Frame]:
        """[object, features], and the frame.

        Raises:
            ValueError: no variance, another number of pixels, or another grid of wavelengths.
        """
        self._check(batch)
        assert batch.variance is not None
        mean, basis = self.get_buffer("mean"), self.get_buffer("basis")
        bad = missing(batch).reshape(-1, self.pixels)
        flux = batch.values.reshape(-1, self.pixels).masked_fill(bad, 0.0)
        variance = batch.variance.expand_as(batch.values).reshape(-1, self.pixels)
        weight = variance.reciprocal().masked_fill(bad, 0.0)
        power = (weight * mean.square()).sum(1, keepdim=True).clamp(min=1e-30)
        # A spectrum of noise alone has no brightness of its own: that of its noise then.
        scale = torch.maximum((weight * flux * mean).sum(1, keepdim=True) / power, power.rsqrt())
        # From here on in units of the brightness.
        weight = weight * scale.square()
        size = len(basis)
        products = (basis[:, None] * basis).flatten(0, 1)
        precision = (weight @ products.T).reshape(-1, size, size) + torch.eye(size).to(basis)
        pull = (weight * (flux / scale - mean)) @ basis.T
        covariance = torch.cholesky_inverse(torch.linalg.cholesky(precision))
        found = (covariance @ pull[..., None])[..., 0]
        # Without gaps this is the same for all stars: what noise does, the last number tells.
        signal = (power.sqrt() * scale).log()
        known = 1 / covariance.diagonal(dim1=1, dim2=2).clamp(1e-12, 1) - 1
        told = known.clamp(min=1e-6).log() - 2 * signal
        one = scale[:, 0]
        frame = Frame(
            noise=weight.amax(1).clamp(min=1e-30).rsqrt() * one,
            pixel_scale=torch.full_like(one, torch.nan),
            position_angle=torch.zeros_like(one),
            signal=torch.ones_like(one),
        )
        fitted = (mean + found @ basis).clamp(min=FAINTEST).log()
        logs = (fitted - self.get_buffer("log_mean")) @ self.get_buffer("log_axes").T
        return torch.cat([found, told, logs, signal], 1), frame

    def _check(self, batch: Batch) -> None:
        if batch.variance is None:
            raise ValueError("the spectra have no variance; give one, infinite where masked")
        if (pixels := batch.values.shape[1:].numel()) != self.pixels:
            raise ValueError(
                f"spectra have {pixels} numbers; the network was made for "
                f"{self.pixels}: resample them onto its wavelengths"
            )
        known = self.get_buffer("wavelength")
        if not len(known):
            return
        said = f"{float(known[0]):.1f} to {float(known[-1]):.1f} nm"
        if batch.wavelength is None:
            raise ValueError(
                f"the spectra have no wavelengths; the network was made for {said}: give the "
                "wavelength of every pixel"
            )
        off = (batch.wavelength.to(known) - known).abs().max()
        if not off <= TOLERANCE * known.diff().min():
            raise ValueError(
                f"the spectra's wavelengths are up to {float(off):.2f} nm off the network's, "
                f"{said}: resample them"
            )


def _principal(rows: Tensor, components: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [pixel], spread [component] and directions [component, pixel] of [object, pixel]."""
    mean = rows.mean(0)
    power, directions = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
    kept = list(range(-1, -1 - components, -1))
    return mean, power[kept].clamp(min=1e-12).sqrt(), directions[:, kept].T
