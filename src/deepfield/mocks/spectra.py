"""Spectra: the mock galaxies through a spectrograph, 350 to 950 nm at R = 1000."""

from deepfield.data.simulated_spectra import SimulatedSpectra
from deepfield.sky.distant import Distant
from deepfield.sky.flux_limited import FluxLimited
from deepfield.sky.surveys import named


def spectra(
    *,
    objects: dict[str, int],
    seed: int = 0,
    survey: str = "sdss",
    limit: float = 20.0,
    signal_to_noise: tuple[float, float] = (3.0, 50.0),
) -> SimulatedSpectra:
    """Spectra of galaxies with redshifts and emission lines tied to star formation.

    Args:
        objects: how many in each split.
        seed: another seed is another sky.
        survey: where the galaxies were found, its name in ``sky.surveys``.
        limit: apparent magnitude of the faintest, AB, in the middle band.
        signal_to_noise: median per pixel, lowest and highest, log-uniform.
    """
    sky = Distant(FluxLimited(limit=limit), named(survey).channels)
    return SimulatedSpectra(objects, seed, named(survey), sky, signal_to_noise=signal_to_noise)
