"""Surveys: presets with a source for every number."""

from functools import cache

import surveycodex

from deepfield.nouns.survey import Band, Survey


def from_surveycodex(entry: str, *, name: str, bands: tuple[str, ...]) -> Survey:
    """A survey from surveycodex, which keeps a reference beside each number.

    Zero points, sky, exposure times, PSF widths, gain and pixel scale are surveycodex's own; see
    ``surveycodex -s ENTRY --refs`` for the papers.

    Args:
        entry: its name there.
        name: ours.
        bands: those to keep, from blue to red.

    Raises:
        ValueError: surveycodex does not know the survey or the band.

    Example:
        >>> from_surveycodex("SDSS", name="SDSS", bands=("g", "r", "i")).pixel_scale
        0.396
    """
    try:
        survey = surveycodex.get_survey(entry)
        filters = [survey.get_filter(band) for band in bands]
    except (KeyError, ValueError) as error:
        raise ValueError(f"surveycodex has no {entry} with {', '.join(bands)}: {error}") from None
    return Survey(
        name,
        tuple(
            Band(
                name=band.name,
                wavelength=float(band.effective_wavelength.to_value("nm")),
                zero_point=float(band.zeropoint.value),
                exposure=float(band.full_exposure_time.to_value("s")),
                sky=float(band.sky_brightness.value),
                psf_fwhm=float(band.psf_fwhm.to_value("arcsec")),
                gain=float(survey.gain.value),
                source="; ".join(
                    f"{number}: {r['link']}" for number, r in survey.references.items()
                ),
            )
            for band in filters
        ),
        float(survey.pixel_scale.to_value("arcsec")),
    )


@cache
def sdss() -> Survey:
    """SDSS imaging in g, r, i: 54 s a band, 0.396 arcsec/px."""
    return from_surveycodex("SDSS", name="SDSS", bands=("g", "r", "i"))


@cache
def hsc() -> Survey:
    """The HSC Wide survey in g, r, i, z, y: 0.168 arcsec/px."""
    return from_surveycodex("HSC", name="HSC", bands=("g", "r", "i", "z", "y"))


@cache
def lsst() -> Survey:
    """Ten years of LSST in u, g, r, i, z, y: 0.2 arcsec/px."""
    return from_surveycodex("LSST", name="LSST", bands=("u", "g", "r", "i", "z", "y"))


@cache
def hst() -> Survey:
    """HST ACS F814W as in COSMOS: 0.03 arcsec/px."""
    return from_surveycodex("COSMOS", name="HST", bands=("f814w",))
