"""An imperfect telescope: resampled noise in some images, and something wrong with a few."""

from deepfield.render.correlated import CorrelatedNoise, drizzled
from deepfield.render.coverage import CoverageEdge, MissingBand
from deepfield.render.detector import BadColumns
from deepfield.render.sometimes import MixedNoise, Sometimes
from deepfield.render.telescope import SkyNoise, Telescope
from deepfield.render.tracks import CosmicRays


def imperfect(*, resampled: float = 0.3, spoiled: float = 0.02) -> Telescope:
    """A telescope like those whose images arrive on one's desk.

    Args:
        resampled: share of images whose noise is correlated, as on a finer grid after drizzling.
        spoiled: share of images with each of cosmic rays, bad columns, an edge of coverage, and a
            missing band; all recorded in variance and flags.

    Raises:
        ValueError: a share below 0 or above 1.

    Example:
        >>> len(imperfect(spoiled=0.1).effects)
        4
    """
    noise = MixedNoise(
        resampled, CorrelatedNoise(drizzled(pixel_fraction=1.0, scale=0.7)), SkyNoise()
    )
    effects = (CosmicRays(), BadColumns(), CoverageEdge(), MissingBand())
    return Telescope(noise=noise, effects=tuple(Sometimes(spoiled, e) for e in effects))
