"""Blends: a galaxy and a companion in one stamp (Boucaud+19, MNRAS 491, 2481)."""

from deepfield.data.simulated import Simulated
from deepfield.sky.blends import Blends
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.surveys import named


def blends(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "hst_f160w",
    size: int = 128,
    maps: tuple[str, ...] = ("segmentation",),
    magnitude: tuple[float, float] = (18.0, 23.0),
    separation: tuple[float, float] = (2.0, 61.0),
    fainter: tuple[float, float] = (-2.0, 2.0),
) -> Simulated:
    """Two bulge + disc galaxies, their separation and magnitude difference flat.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: segmentation, isolated.
        magnitude: of the central galaxy, AB, lowest and highest.
        separation: of the two centres, px, lowest and highest.
        fainter: magnitude of the companion minus that of the central galaxy, lowest and highest.
    """
    sky = Blends(BulgeDisc(magnitude=magnitude), separation, fainter)
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
