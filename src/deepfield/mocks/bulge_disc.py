"""Bulge and disc: the flat priors of DeepLeGATo (Tuccillo+18, MNRAS 475, 894)."""

from deepfield.data.simulated import Simulated
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.surveys import named


def bulge_disc(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "hst_f160w",
    size: int = 64,
    maps: tuple[str, ...] = (),
    magnitude: tuple[float, float] = (18.0, 24.0),
    sersic_index: tuple[float, float] = (0.5, 6.0),
) -> Simulated:
    """Galaxies of a Sersic bulge in an exponential disc, alone in their stamps.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: bulge, disc.
        magnitude: total, AB, in the middle band, lowest and highest.
        sersic_index: of the bulge, lowest and highest.
    """
    sky = BulgeDisc(magnitude=magnitude, sersic_index=sersic_index)
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
