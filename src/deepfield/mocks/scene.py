"""Scene: a field of galaxies and stars."""

from deepfield.data.simulated import Simulated
from deepfield.sky.field_sources import FieldSources
from deepfield.sky.positions import Positions
from deepfield.sky.scenes import Scenes
from deepfield.sky.surveys import named


def scene(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "hsc",
    size: int = 512,
    maps: tuple[str, ...] = ("segmentation",),
    density: float = 40.0,
    grouped: float = 0.3,
    magnitude: tuple[float, float] = (18.0, 26.0),
    slope: float = 0.3,
    stars: float = 0.1,
) -> Simulated:
    """Images of many galaxies and stars, a row of truth for each source.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the images, px.
        maps: segmentation, isolated.
        density: sources per square arcmin.
        grouped: share of them in groups; 0 is no clustering.
        magnitude: AB, brightest and faintest.
        slope: of log10 of the counts with magnitude.
        stars: share of stars.
    """
    population = FieldSources(magnitude=magnitude, slope=slope, stars=stars)
    sky = Scenes(population, Positions(density=density, grouped=grouped))
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
