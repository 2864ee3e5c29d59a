"""Stamps and fields as colour pictures."""

import numpy as np


def asinh_rgb(
    images: np.ndarray, *, sigma: np.ndarray | None = None, softening: float = 3.0
) -> np.ndarray:
    """Colour pictures whose brightness is stretched by asinh and whose colours are kept.

    Channels from blue to red fill blue, green and red; of more than three, neighbours are
    averaged; two leave green as their mean; one is grey. Every channel is measured in its own
    noise, above the median of the picture's rim, so that empty sky is neutral.

    Args:
        images: [object, channel, y, x], channels from blue to red; NaN is black.
        sigma: [object or 1, channel] noise per pixel in the images' unit, infinite for a missing
            channel; None = estimated from the rim's scatter.
        softening: below this many sigma the stretch is linear, above it logarithmic.

    Returns:
        [object, y, x, 3] from 0 to 1.

    Raises:
        ValueError: not four axes.

    Source: Lupton et al. 2004, PASP 116, 133.

    Example:
        >>> asinh_rgb(np.random.default_rng(0).normal(size=(2, 5, 8, 8))).shape
        (2, 8, 8, 3)
    """
    pixels = np.asarray(images, float)
    if pixels.ndim != 4:
        raise ValueError(
            f"images have shape {pixels.shape}; expected [object, channel, y, x]: add the missing "
            "axes"
        )
    pixels = np.where(np.isfinite(pixels), pixels, 0)
    rim = _rim(pixels)
    sky = np.median(rim, -1)
    if sigma is None:
        noise = 1.4826 * np.median(np.abs(rim - sky[..., None]), -1)
    else:
        noise = np.broadcast_to(np.asarray(sigma, float), sky.shape)
    faintest = 1e-3 * np.abs(pixels).max((-1, -2)) + np.finfo(float).tiny
    pixels = (pixels - sky[..., None, None]) / np.maximum(noise, faintest)[..., None, None]
    rgb = _three(pixels)
    intensity = rgb.mean(-1)
    # Never brighter than 15 sigma a pixel at white, or a picture of noise would look like one.
    white = np.maximum(np.quantile(intensity, 0.998, axis=(1, 2), keepdims=True), 15)
    stretched = np.arcsinh(intensity / softening) / np.arcsinh(white / softening)
    positive = intensity > 1e-12
    factor = np.where(positive, stretched / np.where(positive, intensity, 1), 0)
    rgb = np.maximum(rgb * factor[..., None], 0)
    # Too bright pixels keep their colour: all three channels shrink together.
    return rgb / np.maximum(rgb.max(-1, keepdims=True), 1)


def _three(pixels: np.ndarray) -> np.ndarray:
    channels = pixels.shape[1]
    if channels == 2:
        blue, red = pixels[:, 0], pixels[:, 1]
        return np.stack([red, (red + blue) / 2, blue], -1)
    groups = np.array_split(np.arange(channels), min(channels, 3))
    blue_to_red = [pixels[:, group].mean(1) for group in groups]
    return np.stack(blue_to_red[::-1] * (3 // len(groups)), -1)


def _rim(pixels: np.ndarray) -> np.ndarray:
    rows = np.concatenate([pixels[..., :2, :], pixels[..., -2:, :]], -2)
    columns = np.concatenate([pixels[..., :2], pixels[..., -2:]], -1)
    flat = (*pixels.shape[:2], -1)
    return np.concatenate([rows.reshape(flat), columns.reshape(flat)], -1)
