"""Noise as a survey's sky, exposure and throughput make it."""

import torch
from torch import Tensor

from deepfield.nouns.survey import Band, Survey

NANOJANSKY = 31.4
"""AB magnitude of a source of 1 nJy."""


def electrons_per_njy(band: Band) -> float:
    """Electrons that a source of 1 nJy leaves in the band's whole exposure.

    Example:
        >>> electrons_per_njy(Band("r", 616.0, 31.4, 60.0, 21.0, 1.0, 1.0, "made up"))
        60.0
    """
    return band.exposure * 10 ** (0.4 * (band.zero_point - NANOJANSKY))


def sky_variance(survey: Survey) -> Tensor:
    """Variance that the Poisson noise of the sky gives every pixel.

    Returns:
        [channel] float32, nJy^2.

    Example:
        >>> band = Band("r", 616.0, 31.4, 60.0, 31.4, 1.0, 1.0, "made up")
        >>> sky_variance(Survey("one band", (band,), 2.0)).tolist()  # 4 nJy a pixel over 60
        [0.0666...]
    """
    area = survey.pixel_scale**2
    return torch.tensor(
        [
            10 ** (0.4 * (NANOJANSKY - band.sky)) * area / electrons_per_njy(band)
            for band in survey.bands
        ]
    )


def observe(images: Tensor, survey: Survey, normals: Tensor) -> tuple[Tensor, Tensor]:
    """Add the noise of sky and object, Poisson in its Gaussian approximation.

    Args:
        images: noiseless, sky-subtracted [object, channel, y, x], nJy per pixel.
        survey: one band per channel.
        normals: standard normal numbers of the images' shape.

    Returns:
        values [object, channel, y, x] in nJy and their variance, same shape, nJy^2.

    Raises:
        ValueError: the images have other channels than the survey.

    Example:
        >>> band = Band("r", 616.0, 31.4, 60.0, 31.4, 1.0, 1.0, "made up")
        >>> values, variance = observe(
        ...     torch.zeros(1, 1, 2, 2), Survey("one band", (band,), 2.0), torch.ones(1, 1, 2, 2)
        ... )
        >>> torch.allclose(values**2, variance)
        True
    """
    if images.ndim != 4 or images.shape[1] != len(survey.bands):
        raise ValueError(
            f"images have shape {tuple(images.shape)}; expected [object, channel, y, x] with "
            f"the channels {', '.join(survey.channels)} of {survey.name}"
        )
    electrons = images.new_tensor([electrons_per_njy(band) for band in survey.bands])
    sky = sky_variance(survey).to(images)
    # A model may undershoot zero by rounding; light never takes noise away.
    variance = sky[:, None, None] + images.clamp(min=0) / electrons[:, None, None]
    return images + normals.to(images) * variance.sqrt(), variance
