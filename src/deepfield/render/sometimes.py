"""Sometimes: noise and effects that only some of the objects have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.survey import Survey
from deepfield.render.draws import MIXTURE, generator
from deepfield.render.exposure import Effect, Exposure, Noise


@dataclass(frozen=True)
class Sometimes:
    """An effect that happens to a share of the objects.

    Args:
        share: probability, 0 to 1.
        effect: what happens.

    Raises:
        ValueError: a share that is no probability.

    Example:
        >>> from deepfield.render.coverage import MissingBand
        >>> Sometimes(0.1, MissingBand()).share
        0.1
    """

    share: float
    effect: Effect

    def __post_init__(self) -> None:
        _check(self.share)

    def __call__(
        self, exposure: Exposure, survey: Survey, generators: Sequence[np.random.Generator]
    ) -> Exposure:
        """The exposure with the effect on some of its objects."""
        rows = [i for i, own in enumerate(generators) if own.random() < self.share]
        if not rows:
            return exposure
        at = torch.tensor(rows)
        spoiled = self.effect(exposure.take(at), survey, [generators[i] for i in rows])
        return exposure.put(at, spoiled)


@dataclass(frozen=True)
class MixedNoise:
    """One noise for a share of the objects, another for the rest: 30 % real sky, say.

    Args:
        share: probability of ``first``, 0 to 1.
        first, second: two kinds of noise.

    Raises:
        ValueError: a share that is no probability.

    Example:
        >>> from deepfield.render.backgrounds import RealSky
        >>> from deepfield.render.telescope import SkyNoise
        >>> MixedNoise(0.3, RealSky(torch.randn(4, 1, 20, 20)), SkyNoise()).share
        0.3
    """

    share: float
    first: Noise
    second: Noise

    def __post_init__(self) -> None:
        _check(self.share)

    def __call__(
        self,
        images: Tensor,
        survey: Survey,
        indices: np.ndarray,
        *,
        seed: int,
        split: str,
        epoch: int,
    ) -> Exposure:
        """The images under either noise."""
        chosen = np.array(
            [
                generator(seed, split, int(index), MIXTURE + epoch).random() < self.share
                for index in indices
            ],
            dtype=bool,
        )
        whole = Exposure(
            torch.empty_like(images),
            torch.empty_like(images),
            torch.zeros(len(images), dtype=torch.int64),
        )
        for noise, mask in ((self.first, chosen), (self.second, ~chosen)):
            rows = torch.from_numpy(mask.nonzero()[0])
            if len(rows):
                some = noise(
                    images[rows], survey, indices[mask], seed=seed, split=split, epoch=epoch
                )
                whole = whole.put(rows, some)
        return whole


def _check(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected a probability, 0 to 1")
