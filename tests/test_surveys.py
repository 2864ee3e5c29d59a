"""Surveys: the numbers agree with each other and with what the surveys publish."""

import numpy as np
import pytest
import torch

from deepfield.data.hdf5 import open_hdf5, write_hdf5
from deepfield.data.simulated import Simulated
from deepfield.nouns.survey import Band, Survey
from deepfield.sky import surveys
from deepfield.sky.passbands import passbands, transmission
from deepfield.sky.wavelengths import wavelengths

NAMES = (
    *("sdss", "sdss_ugriz", "hsc", "lsst", "des", "decals", "kids", "euclid_vis", "euclid_nisp"),
    *("hst", "hst_f160w", "jwst", "roman"),
)

# Published depths: name, signal-to-noise ratio, aperture diameter in arcsec (None: matched to the
# PSF), band: magnitude.
DEPTHS = [
    # www.sdss4.org/dr17/imaging/other_info and Scope
    ("sdss_ugriz", 5, None, {"u": 22.15, "g": 23.13, "r": 22.70, "i": 22.20, "z": 20.71}),
    # Aihara+22, arxiv.org/abs/2108.13045
    ("hsc", 5, None, {"g": 26.5, "r": 26.5, "i": 26.2, "z": 25.2, "y": 24.4}),
    # Ivezic+19, arxiv.org/abs/0805.2366
    ("lsst", 5, None, {"u": 26.1, "g": 27.4, "r": 27.5, "i": 26.8, "z": 26.1, "y": 24.9}),
    # Abbott+21, arxiv.org/abs/2101.05765
    ("des", 10, 1.95, {"g": 24.7, "r": 24.4, "i": 23.8, "z": 23.1, "Y": 21.7}),
    # legacysurvey.org/decamls, datalab.noirlab.edu/ls/decals.php
    ("decals", 5, None, {"g": 24.7, "r": 23.9, "z": 23.0}),
    # Kuijken+19, arxiv.org/abs/1902.11265
    ("kids", 5, 2.0, {"u": 24.23, "g": 25.12, "r": 25.02, "i": 23.68}),
    # Cuillandre+25, arxiv.org/abs/2405.13496
    ("euclid_vis", 5, None, {"IE": 27.1}),
    ("euclid_nisp", 5, None, {"YE": 24.5, "JE": 24.5, "HE": 24.5}),
    # Galametz+13, arxiv.org/abs/1305.1823
    ("hst_f160w", 5, 0.36, {"F160W": 27.45}),
    # Bagley+23, arxiv.org/abs/2211.02495, corrected to total
    ("jwst", 5, 0.2, {"F115W": 29.15, "F150W": 29.00, "F200W": 29.17, "F277W": 29.19}),
    ("jwst", 5, 0.2, {"F356W": 29.17, "F444W": 28.58}),
]


def depth(band: Band, ratio: float, aperture: float | None, *, total: bool) -> float:
    """Magnitude of a point source of this signal-to-noise ratio against the sky alone."""
    scale = band.psf_fwhm / 2 / np.sqrt(2 ** (1 / 3) - 1)  # Moffat, beta 3
    area, share = 5 / 4 * np.pi * scale**2, 1.0
    if aperture is not None:
        area = np.pi * (aperture / 2) ** 2
        share = 1 - (1 + (aperture / 2 / scale) ** 2) ** -2 if total else 1.0
    sky = 10 ** (0.4 * (band.zero_point - band.sky)) * band.exposure * area
    return band.zero_point - 2.5 * np.log10(ratio * np.sqrt(sky) / band.exposure / share)


@pytest.mark.parametrize(("name", "ratio", "aperture", "published"), DEPTHS)
def test_depths_are_those_that_are_published(name, ratio, aperture, published):
    survey = surveys.named(name)
    for band in survey.select(tuple(published)).bands:
        ours = depth(band, ratio, aperture, total=name == "jwst")
        assert ours == pytest.approx(published[band.name], abs=0.5), band.name


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source_and_passbands_fit(name):
    survey = surveys.named(name)
    weights = passbands(survey)
    wavelength = wavelengths(weights.first, weights.weights.shape[1])
    for band, row in zip(survey.bands, weights.weights.double(), strict=True):
        for number in ("zero_point", "exposure", "sky", "psf_fwhm", "gain", "edges"):
            said = {"zero_point": "zeropoint", "exposure": "exposure_time", "sky": "sky_bright"}
            assert number in band.source or said.get(number, number) in band.source
        mean = float(row @ wavelength**2 / (row @ wavelength))  # over photons a nm
        assert mean == pytest.approx(band.wavelength, rel=0.03), band.name


def test_half_of_the_light_passes_at_the_edges():
    for band in surveys.lsst().bands:
        at_edges = transmission(band, torch.tensor(band.edges, dtype=torch.float64))
        assert torch.allclose(at_edges, torch.full((2,), 0.5, dtype=torch.float64), atol=1e-4)


def test_a_band_without_edges_has_no_passband():
    band = Band("r", 620.0, 26.0, 54.0, 21.0, 1.3, 1.0, "made up")
    with pytest.raises(ValueError, match=r"band r has no edges; give .*edges=\(blue, red\)"):
        passbands(Survey("one", (band,), 0.4))


def test_impossible_instruments_are_refused():
    good = ("r", 620.0, 26.0, 54.0, 21.0, 1.3, 1.0, "made up")
    band = Band(*good)
    with pytest.raises(ValueError, match="without bands"):
        Survey("empty", (), 0.4)
    with pytest.raises(ValueError, match="pixel scale 0"):
        Survey("flat", (band,), 0)
    with pytest.raises(ValueError, match="more than one band r"):
        Survey("twice", (band, band), 0.4)
    for place, value in ((3, 0.0), (5, -1.0), (5, float("nan"))):
        with pytest.raises(ValueError, match="expected both above 0"):
            Band(*(value if i == place else x for i, x in enumerate(good)))
    with pytest.raises(ValueError, match="edges"):
        Band(*good, (690.0, 550.0))
    with pytest.raises(ValueError, match="no survey 'sloan'; expected one of decals"):
        surveys.named("sloan")


def test_edges_survive_a_file(tmp_path):
    source = Simulated(surveys.sdss(), {"train": 1}, size=16)
    path = write_hdf5(source, tmp_path / "mock.h5")
    assert open_hdf5(path).take(torch.tensor([0]), 0).survey == surveys.sdss()
