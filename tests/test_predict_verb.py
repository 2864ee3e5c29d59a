"""`deepfield predict` with the shipped weights: what it asks for, and what it makes of the odd."""

import numpy as np
import pytest
from astropy.table import Table

from deepfield.nouns.flags import UNMEASURED, Flag
from deepfield.verbs.predict import predict

SCALE, MICROJANSKY = 0.396, 23.9


@pytest.fixture(scope="module")
def stamps() -> np.ndarray:
    """[object, band, y, x] in microjansky: galaxies with noise."""
    y, x = np.mgrid[-31.5:32, -31.5:32]
    light = np.exp(-np.hypot(x, y) / 5) * np.array([1, 3, 6, 8, 10.0])[:, None, None]
    noise = np.random.default_rng(0).normal(scale=0.05, size=(3, 5, 64, 64))
    return (light + noise).astype(np.float32)


def test_pixels_without_a_unit_give_no_redshift(stamps: np.ndarray) -> None:
    with pytest.raises(ValueError, match="photoz learnt from pixels in nJy; give zero_point"):
        predict("photoz", images=stamps)
    with pytest.raises(ValueError, match="zero_point"):
        predict("photoz", images=stamps, pixel_scale=SCALE)


def test_redshifts_do_not_hang_on_the_unit(stamps: np.ndarray) -> None:
    one = predict("photoz", images=stamps, zero_point=MICROJANSKY, pixel_scale=SCALE)
    other = predict("photoz", images=stamps * 1e3, zero_point=MICROJANSKY + 7.5, pixel_scale=SCALE)
    assert np.asarray(one["redshift"]) == pytest.approx(np.asarray(other["redshift"]), rel=1e-3)
    wrong = predict("photoz", images=stamps * 1e3, zero_point=MICROJANSKY, pixel_scale=SCALE)
    assert np.asarray(one["redshift"]) != pytest.approx(np.asarray(wrong["redshift"]), rel=1e-3)


def test_sizes_are_not_told_without_a_psf(stamps: np.ndarray) -> None:
    with pytest.raises(ValueError, match="has no PSF"):
        predict("structure", images=stamps[:, :1], zero_point=MICROJANSKY, pixel_scale=SCALE)


def test_one_value_everywhere_is_no_image(stamps: np.ndarray) -> None:
    spoiled = stamps.copy()
    spoiled[1], spoiled[2, 0] = 7, 0
    table = predict("photoz", images=spoiled, zero_point=MICROJANSKY, pixel_scale=SCALE)
    flags = np.asarray(table["flags"])
    assert (flags[:2] & int(UNMEASURED) > 0).tolist() == [False, True]
    assert flags[1] & Flag.NO_PIXELS
    assert flags[2] & Flag.MISSING_PIXELS
    assert np.isfinite(np.asarray(table["redshift"])).tolist()[:2] == [True, False]


@pytest.mark.parametrize(
    ("recipe", "given", "words"),
    [
        ("quenching", np.zeros((2, 8)), "takes a table .* received ndarray"),
        ("spectra", np.zeros((2, 1, 8, 8)), "answers spectra"),
        ("morphology", Table({"a": [1, 2]}), "received a table"),
    ],
)
def test_what_weights_do_not_read_is_refused(recipe: str, given: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        predict(recipe, images=given)
