"""Surveys: presets with a source for every number.

Zero points give one electron a second. Noise has no detector in it, only sky and source: where
read noise counts, ``sky`` holds it too and says so. What is drawn reaches the published depths
within half a magnitude (``tests/test_surveys.py``).
"""

import inspect
import sys
from collections.abc import Mapping
from functools import cache

import surveycodex

from deepfield.nouns.survey import Band, Survey

Edges = tuple[float, float]
SPECLITE = "half-power points of speclite's curves, speclite.readthedocs.io/en/latest/filters.html"
GALSIM = "half-power points of the throughputs that GalSim keeps, github.com/GalSim-developers"
DECAM = {"g": (418.0, 547.5), "r": (567.2, 715.5), "z": (848.7, 996.5)}


def named(name: str) -> Survey:
    """The survey of this name.

    Args:
        name: of a function here, e.g. ``sdss``.

    Raises:
        ValueError: there is none; which there are.

    Example:
        >>> named("hst").channels
        ('f814w',)
    """
    here = sys.modules[__name__]
    presets = {
        key: value
        for key, value in vars(here).items()
        if hasattr(value, "cache_info") and not inspect.signature(value).parameters
    }
    if name not in presets:
        raise ValueError(f"no survey {name!r}; expected one of {', '.join(sorted(presets))}")
    survey: Survey = presets[name]()
    return survey


def from_surveycodex(
    entry: str, *, name: str, bands: Mapping[str, Edges], edges_source: str
) -> Survey:
    """A survey from surveycodex, which keeps a reference beside each number.

    Zero points, sky, exposure times, PSF widths, gain and pixel scale are surveycodex's own; see
    ``surveycodex -s ENTRY --refs`` for the papers. It has no passbands: those are ours to give.

    Args:
        entry: its name there.
        name: ours.
        bands: those to keep, from blue to red, with their half-power wavelengths, nm.
        edges_source: where those are from.

    Raises:
        ValueError: surveycodex does not know the survey or the band.

    Example:
        >>> u = {"u": (325.8, 385.3)}
        >>> from_surveycodex("SDSS", name="SDSS", bands=u, edges_source=SPECLITE).pixel_scale
        0.396
    """
    try:
        survey = surveycodex.get_survey(entry)
        filters = [survey.get_filter(band) for band in bands]
    except (KeyError, ValueError) as error:
        raise ValueError(f"surveycodex has no {entry} with {', '.join(bands)}: {error}") from None
    links = [f"{number}: {r['link']}" for number, r in survey.references.items()]
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
                source="; ".join([*links, f"edges: {edges_source}"]),
                edges=bands[band.name],
            )
            for band in filters
        ),
        float(survey.pixel_scale.to_value("arcsec")),
    )


@cache
def sdss() -> Survey:
    """SDSS imaging in g, r, i: 54 s a band, 0.396 arcsec/px."""
    return sdss_ugriz().select(("g", "r", "i"))


@cache
def sdss_ugriz() -> Survey:
    """SDSS imaging in all its bands u, g, r, i, z."""
    bands = {
        "u": (325.8, 385.3),
        "g": (401.9, 533.0),
        "r": (559.7, 674.9),
        "i": (690.1, 817.8),
        "z": (826.0, 934.6),
    }
    return from_surveycodex("SDSS", name="SDSS", bands=bands, edges_source=SPECLITE)


@cache
def hsc() -> Survey:
    """The HSC Wide survey in g, r, i, z, y: 0.168 arcsec/px."""
    bands = {
        "g": (408.0, 546.0),
        "r": (547.6, 697.3),
        "i": (697.6, 855.0),
        "z": (852.7, 929.7),
        "y": (934.8, 1008.8),
    }
    return from_surveycodex("HSC", name="HSC", bands=bands, edges_source=SPECLITE)


@cache
def lsst() -> Survey:
    """Ten years of LSST in u, g, r, i, z, y: 0.2 arcsec/px."""
    bands = {
        "u": (335.3, 397.6),
        "g": (409.4, 552.1),
        "r": (553.0, 689.0),
        "i": (692.0, 816.6),
        "z": (819.0, 921.1),
        "y": (920.6, 1006.1),
    }
    # PSF widths and exposures of Ivezic+19 at airmass 1.2, as surveycodex: others take the
    # zenith's 0.81-0.68 arcsec, and 6900 s in r where a visit has two snaps of 15 s and overheads.
    return from_surveycodex("LSST", name="LSST", bands=bands, edges_source=GALSIM)


@cache
def des() -> Survey:
    """The Dark Energy Survey in g, r, i, z, Y: ten exposures of DECam, 0.264 arcsec/px."""
    bands = {
        "g": DECAM["g"],
        "r": DECAM["r"],
        "i": (708.2, 856.2),
        "z": DECAM["z"],
        "Y": (951.0, 1017.4),
    }
    return from_surveycodex("DES", name="DES", bands=bands, edges_source=SPECLITE)


@cache
def decals() -> Survey:
    """The DECam Legacy Survey in g, r, z: 0.262 arcsec/px."""
    # Exposures: the totals that the survey needs in median conditions; two of its three passes.
    exposures = {"g": 166.0, "r": 134.0, "z": 200.0}
    widths = {"g": 1.29, "r": 1.18, "z": 1.11}
    camera = {band.name: band for band in des().bands}
    source = (
        "exposure: legacysurvey.org/decamls; psf_fwhm: Dey+19, arxiv.org/abs/1804.08657, medians; "
        "pixel_scale: legacysurvey.org/dr9/description; zero_point, sky, gain, wavelength: DECam "
        f"as in DES (surveycodex; speclite, arxiv.org/abs/1801.03181); edges: {SPECLITE}"
    )
    return Survey(
        "DECaLS",
        tuple(
            Band(
                name=name,
                wavelength=camera[name].wavelength,
                zero_point=camera[name].zero_point,
                exposure=exposure,
                sky=camera[name].sky,
                psf_fwhm=widths[name],
                gain=camera[name].gain,
                source=source,
                edges=DECAM[name],
            )
            for name, exposure in exposures.items()
        ),
        0.262,
    )


@cache
def kids() -> Survey:
    """The Kilo-Degree Survey in u, g, r, i: 0.2 arcsec/px."""
    # Zero points: what the published depths (Kuijken+19: 5 sigma in 2 arcsec) ask for with these
    # exposures and skies; published ones are per count and differ from chip to chip.
    source = (
        "exposure, psf_fwhm: Kuijken+19, arxiv.org/abs/1902.11265; zero_point: from its depths; "
        "sky: dark Paranal, Patat 2008, arxiv.org/abs/0809.1593, in AB; wavelength: Wright+19, "
        "arxiv.org/abs/1812.06077; gain: OmegaCAM manual VST-MAN-OCM-23110-3110; edges, roughly: "
        f"those wavelengths with the widths of SDSS's filters, {SPECLITE}"
    )
    numbers = {
        "u": (355.0, 23.2, 1000.0, 22.5, 1.01, (325.2, 384.8)),
        "g": (477.5, 25.5, 900.0, 22.1, 0.87, (412.0, 543.0)),
        "r": (623.0, 25.6, 1800.0, 21.0, 0.70, (565.4, 680.6)),
        "i": (763.0, 24.7, 1200.0, 19.7, 0.80, (699.1, 826.9)),
    }
    return _survey("KiDS", 0.2, 2.5, source, numbers)


@cache
def euclid_vis() -> Survey:
    """Euclid's visible imager: one broad band, 0.1 arcsec/px."""
    # One of four dithers, and surveycodex's 25.92: without read noise that has the depth that the
    # four have in flight. Others give 25.72, the requirement at the end of life.
    bands = {"IE": (541.5, 924.4)}
    return from_surveycodex("Euclid_VIS", name="Euclid VIS", bands=bands, edges_source=SPECLITE)


@cache
def euclid_nisp() -> Survey:
    """Euclid's near-infrared imager in Y, J, H: 0.3 arcsec/px; one of four dithers, as VIS."""
    bands = {"YE": (949.6, 1212.3), "JE": (1167.6, 1567.0), "HE": (1521.5, 2021.4)}
    source = "Schirmer+22, arxiv.org/abs/2203.01650"
    return from_surveycodex("Euclid_NISP", name="Euclid NISP", bands=bands, edges_source=source)


@cache
def hst() -> Survey:
    """HST ACS F814W as in COSMOS: 0.03 arcsec/px."""
    bands = {"f814w": (706.3, 892.0)}
    return from_surveycodex("COSMOS", name="HST", bands=bands, edges_source=GALSIM)


@cache
def hst_f160w() -> Survey:
    """HST WFC3 F160W as in the wide part of CANDELS, drizzled to 0.06 arcsec/px."""
    # Zero point of 2012, which CANDELS uses (2020: 25.936). Sky: 22.3 in some simulations; 22.0 of
    # the time-delay challenge holds thermal light and dark current too.
    source = (
        "zero_point: 25.946, stsci.edu/hst/wfc3/ir_phot_zpt; exposure: 4/3 orbits, Grogin+11, "
        "arxiv.org/abs/1105.3753; pixel_scale, psf_fwhm: Koekemoer+11, arxiv.org/abs/1105.3754; "
        "sky: Ding+21, arxiv.org/abs/1801.01506; wavelength, gain: WFC3 Instrument Handbook, "
        f"hst-docs.stsci.edu/wfc3ihb; edges: {GALSIM}"
    )
    numbers = {"F160W": (1536.9, 25.946, 3200.0, 22.0, 0.18, (1399.6, 1687.0))}
    return _survey("HST F160W", 0.06, 2.5, source, numbers)


@cache
def jwst() -> Survey:
    """JWST NIRCam as in CEERS in six wide bands, drizzled to 0.03 arcsec/px."""
    # Zero points: from collecting area, throughput and bandwidth. The 28.0 that some simulators
    # take is that of MJy/sr on a pixel, not of electrons. Sky: what the depths of CEERS ask for,
    # read noise and all; the zodiacal light alone is 22.2-23.1.
    source = (
        "wavelength (pivot), edges, zero_point (25.4 m2, response and bandwidth): NIRCam Filters, "
        "gain, psf_fwhm: NIRCam Performance, jwst-docs.stsci.edu/jwst-near-infrared-camera; "
        "exposure, pixel_scale, depths: Bagley+23, arxiv.org/abs/2211.02495; sky: from the depths"
    )
    numbers = {
        "F115W": (1154.0, 27.39, 2835.0, 22.05, 0.040, (1013.0, 1282.0)),
        "F150W": (1501.0, 27.87, 2835.0, 21.32, 0.050, (1331.0, 1668.0)),
        "F200W": (1990.0, 28.07, 2835.0, 21.57, 0.066, (1755.0, 2227.0)),
        "F277W": (2786.0, 27.85, 2835.0, 22.12, 0.092, (2423.0, 3132.0)),
        "F356W": (3563.0, 27.98, 2835.0, 22.30, 0.116, (3135.0, 3981.0)),
        "F444W": (4421.0, 28.09, 2835.0, 21.46, 0.145, (3881.0, 4982.0)),
    }
    return _survey("JWST", 0.03, 2.0, source, numbers)


@cache
def roman() -> Survey:
    """Roman's wide-area survey, medium tier, in F106, F129, F158: 0.11 arcsec/px.

    The sky is the zodiacal light alone, without the read noise of six short exposures, so the
    mock is about a magnitude deeper than the survey will be.
    """
    bands = {"F106": (926.9, 1192.0), "F129": (1131.5, 1454.0), "F158": (1380.9, 1774.1)}
    return from_surveycodex("Roman_WFI", name="Roman", bands=bands, edges_source=GALSIM)


def _survey(
    name: str,
    pixel_scale: float,
    gain: float,
    source: str,
    numbers: Mapping[str, tuple[float, float, float, float, float, Edges]],
) -> Survey:
    """Bands from wavelength, zero point, exposure, sky, PSF width and edges."""
    bands = tuple(
        Band(band, wavelength, zero_point, exposure, sky, fwhm, gain, source, edges)
        for band, (wavelength, zero_point, exposure, sky, fwhm, edges) in numbers.items()
    )
    return Survey(name, bands, pixel_scale)
