"""Lenses: the lens-finding challenge's question (Metcalf+19, A&A 625, A119)."""

from deepfield.data.simulated import Simulated
from deepfield.sky.lenses import Lenses
from deepfield.sky.surveys import named


def lenses(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "kids",
    size: int = 101,
    maps: tuple[str, ...] = (),
    share: float = 0.5,
    einstein_radius: tuple[float, float] = (0.5, 2.5),
    arc_signal_to_noise: tuple[float, float] = (15.0, 400.0),
) -> Simulated:
    """Strong lenses and what looks like them: spirals, rings, companions, weak lensing.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: its name in ``sky.surveys``.
        size: side of the stamps, px.
        maps: arc, lens_light, companion.
        share: of objects with a source inside the caustic.
        einstein_radius: arcsec, lowest and highest.
        arc_signal_to_noise: of arcs or their imitations, lowest and highest, log-uniform.
    """
    sky = Lenses(
        share=share, einstein_radius=einstein_radius, arc_signal_to_noise=arc_signal_to_noise
    )
    return Simulated(named(survey), objects, seed=seed, size=size, sky=sky, maps=maps)
