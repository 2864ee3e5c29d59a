"""Anomaly score of a GAN: what the generator cannot make, in pixels and in features."""

from torch import Tensor


def residual_image(images: Tensor, nearest: Tensor) -> Tensor:
    """What is left of an image: its distance from the nearest that the generator can make.

    Args:
        images, nearest: [object, channel, y, x].

    Returns:
        [object, channel, y, x] at least 0; where it is large lies the anomaly.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> import torch
        >>> residual_image(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 2.0]))
        tensor([2., 0.])
    """
    if images.shape != nearest.shape:
        raise ValueError(
            f"images have shape {tuple(images.shape)} and the nearest {tuple(nearest.shape)}; "
            "expected the same for both"
        )
    return (images - nearest).abs()


def anomaly_score(
    images: Tensor,
    nearest: Tensor,
    features: Tensor,
    nearest_features: Tensor,
    *,
    share: float = 0.1,
) -> Tensor:
    """(1 - share) times the residual in pixels plus share times that in features, both summed.

    As a loss of the latents that ``nearest`` was made from, it finds the nearest image.

    Source: Schlegl et al. 2017 (IPMI), arXiv:1703.05921; with share 0.3 on galaxies:
    Storey-Fisher et al. 2021, MNRAS 508, 2946.

    Args:
        images, nearest: [object, channel, y, x], and what the generator makes of the latents.
        features, nearest_features: [object, ...] that the discriminator sees in both.
        share: of the features, between 0 and 1.

    Returns:
        [object] at least 0, larger = odder.

    Raises:
        ValueError: shapes that differ, or another share.

    Example:
        >>> import torch
        >>> one, none = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
        >>> anomaly_score(one, none, torch.ones(1, 10), torch.zeros(1, 10))
        tensor([4.6000])
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected a number between 0 and 1")
    pixels = residual_image(images, nearest).flatten(1).sum(1)
    seen = residual_image(features, nearest_features).flatten(1).sum(1)
    return (1 - share) * pixels + share * seen
