"""Starts: where a fit sets out, from the moments of the image."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.likelihood.model import Model, Profile
from deepfield.likelihood.moments import moments
from deepfield.likelihood.pixels import Pixels

BORDER = 0.85
"""Elliptical distance from the stamp's centre, in half sides, outside which its sky is guessed."""


@dataclass(frozen=True)
class Guess:
    """One component of a start, relative to the Gaussian that fits the galaxy.

    Args:
        share: of the light.
        size: half-light radius.
        index: Sersic index.
    """

    share: float
    size: float
    index: float


ONE = ((Guess(1.0, 1.1, 1.5),),)
"""Of one component."""
TWO = (
    (Guess(0.3, 0.6, 2.0), Guess(0.7, 1.3, 1.0)),
    (Guess(0.7, 1.0, 3.0), Guess(0.3, 2.0, 1.0)),
    (Guess(0.5, 1.8, 1.5), Guess(0.5, 0.7, 1.0)),
)
"""A bulge in a disc, a bulge that rules, and one that is larger than its disc."""


@torch.no_grad()
def starts(
    model: Model, pixels: Pixels, guesses: Sequence[Sequence[Guess]] | None = None
) -> Tensor:
    """Where fits of these images may begin.

    Args:
        model: of the images.
        pixels: of the objects.
        guesses: of each start and component; by default one start for one component and three
            for two.

    Returns:
        [object, start, parameter].

    Raises:
        ValueError: guesses of another number of components, or none known for so many.

    Example:
        >>> from deepfield.likelihood.pixels import pixels
        >>> from deepfield.nouns.psf import Psf
        >>> from deepfield.render.psf import moffat
        >>> psf, model = Psf(moffat(3.0, 3.0, side=31)[None, None]), Model(64, (None, 1.0))
        >>> images = model.images(torch.ones(5, model.count), psf)
        >>> starts(model, pixels(images, psf)).shape
        torch.Size([5, 3, 11])
    """
    count = len(model.indices)
    if guesses is None and count > 2:
        raise ValueError(f"{count} components have no default starts; hand in guesses")
    chosen = guesses or (ONE if count == 1 else TWO)
    if any(len(guess) != count for guess in chosen):
        raise ValueError(f"a start has another number of components than the model's {count}")
    sky = _sky(pixels) if model.sky else None
    seen = moments(pixels, sky)
    found = []
    for guess in chosen:
        scale = torch.tensor([[one.share, one.size, one.index] for one in guess])
        share, size, index = scale.to(seen.radius).unbind(1)
        profile = Profile(
            sersic_index=index.expand(len(pixels), -1),
            radius=seen.radius[:, None] * size,
            axis_ratio=seen.axis_ratio[:, None].expand(-1, count),
            position_angle=seen.position_angle[:, None].expand(-1, count),
            x=seen.x,
            y=seen.y,
            flux=1.2 * seen.flux[:, None] * share[:, None],
        )
        found.append(model.parameters(profile, sky))
    return torch.stack(found, 1)


def _sky(pixels: Pixels) -> Tensor:
    """[object, band] median of the pixels near the edge, 0 where there are none."""
    size = pixels.values.shape[-1]
    axis = (torch.arange(size, device=pixels.values.device) - (size - 1) / 2) / (size / 2)
    edge = torch.maximum(axis.abs()[:, None], axis.abs()) > BORDER
    used = (pixels.weight[..., edge] > 0).expand(len(pixels), -1, -1)
    outer = pixels.values[..., edge].masked_fill(~used, torch.nan)
    return outer.nanmedian(-1).values.nan_to_num(0.0)
