"""Classical features: laws that all kinds keep, and what each of them measures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from deepfield.data.moves import turned
from deepfield.nouns.batch import Batch
from deepfield.nouns.flags import Flag
from deepfield.rivals import hog
from deepfield.rivals.features.binary_patterns import BinaryPatterns
from deepfield.rivals.features.co_occurrence import NAMES, CoOccurrence
from deepfield.rivals.features.colour_histogram import ColourHistogram
from deepfield.rivals.features.contract import joined, learnt
from deepfield.rivals.features.gabor import Gabor
from deepfield.rivals.features.gradients import Gradients
from deepfield.rivals.features.photometry import Photometry
from deepfield.rivals.features.picture import Picture
from deepfield.rivals.features.pixels import Pixels
from deepfield.rivals.features.structure import Structure
from deepfield.rivals.features.words import Words

torch.set_num_threads(1)
SIZE = 40


class Discs:
    """Noisy discs of any inclination and colour in three bands."""

    channels = ("g", "r", "i")
    grid = ("y", "x")

    def __init__(self, count=24):
        self.ids = np.array([f"disc{i}" for i in range(count)])

    def __len__(self):
        return len(self.ids)

    def take(self, indices, epoch):
        y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
        values = []
        for i in indices.tolist():
            rng = np.random.default_rng([i, epoch])
            angle, ratio = rng.uniform(0, np.pi), rng.uniform(0.3, 1)
            u = x * np.cos(angle) + y * np.sin(angle)
            v = (-x * np.sin(angle) + y * np.cos(angle)) / ratio
            disc = 60 * np.exp(-np.hypot(u, v) / rng.uniform(3, 4)) * (1 + 0.5 * np.cos(u))
            noise = rng.normal(size=(3, SIZE, SIZE))
            values.append(disc * np.array([0.5, 1.0, 1.4])[:, None, None] + noise)
        pixels = torch.tensor(np.array(values), dtype=torch.float32)
        return Batch(self.ids[indices.numpy()], pixels, self.channels, variance=torch.ones(1))


KINDS = {
    "pixels": Pixels(),
    "colour_histogram": ColourHistogram(),
    "binary_patterns": BinaryPatterns(),
    "co_occurrence": CoOccurrence(),
    "gabor": Gabor(),
    "gradients": Gradients(hog.Setting(0.75, 6, 1.0)),
    "words": learnt(Words(words=8, objects=8), Discs()),
    "structure": Structure(),
    "photometry": Photometry(),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def batch():
    four = Discs().take(torch.arange(4), 0)
    return replace(four, variance=torch.ones(4, 3, 1, 1))


@each_kind
def test_a_table_without_gaps_whatever_the_batch(kind, batch):
    table = KINDS[kind](batch)
    assert table.dtype == np.float32
    assert len(table) == 4
    assert np.isfinite(table).all()
    assert (table.std(0) > 0).any()
    alone = KINDS[kind](batch.take(torch.tensor([2])))
    np.testing.assert_allclose(alone[0], table[2], rtol=2e-3, atol=2e-3)


@each_kind
def test_stamps_without_light_are_rows_of_nan(kind, batch):
    values = batch.values.clone()
    values[0] = 7.0
    values[1] = torch.nan
    variance = torch.ones(4, 3, SIZE, SIZE)
    variance[2] = torch.inf
    flags = torch.tensor([0, 0, 0, int(Flag.UNREADABLE)])
    broken = replace(batch, values=values, variance=variance, flags=flags)
    assert np.isnan(KINDS[kind](broken)).all()
    one_good = replace(broken, flags=torch.zeros(4, dtype=torch.int64))
    table = KINDS[kind](one_good)
    assert np.isnan(table).all(1).tolist() == [True, True, True, False]
    assert np.isfinite(table[3]).all()


@each_kind
def test_the_level_of_the_sky_does_not_matter(kind, batch):
    raised = replace(batch, values=batch.values + 100)
    np.testing.assert_allclose(KINDS[kind](raised), KINDS[kind](batch), rtol=0.01, atol=0.01)


@pytest.mark.parametrize("kind", ["colour_histogram", "co_occurrence", "gabor"])
def test_what_knows_no_direction_is_the_same_for_a_turned_galaxy(kind, batch):
    for code in (1, 2, 4):
        other = KINDS[kind](turned(batch, torch.full((4,), code)))
        np.testing.assert_allclose(other, KINDS[kind](batch), rtol=1e-3, atol=5e-4)


def test_patterns_are_nearly_the_same_for_a_turned_galaxy(batch):
    measure = KINDS["binary_patterns"]
    table = measure(batch)
    apart = np.abs(measure(turned(batch, torch.full((4,), 1))) - table).sum(1)
    others = np.abs(table[[1, 2, 3, 0]] - table).sum(1)
    assert (apart < 0.5 * others).all()


def test_a_patch_is_nearly_the_same_when_its_picture_is_turned():
    image = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(31, 31)), 2.5)
    patches, contrast = Words().describe(image)
    side = round(len(patches) ** 0.5)
    upright = patches.reshape(side, side, -1)
    elsewhere = np.linalg.norm(upright - np.roll(upright, 1, 0), axis=-1)
    np.testing.assert_allclose(np.linalg.norm(patches, axis=1), 1, atol=1e-5)
    assert (contrast > 0).all()
    for quarter in (1, 2, 3):
        turned_patches, _ = Words().describe(np.rot90(image, quarter).copy())
        back = np.rot90(turned_patches.reshape(side, side, -1), -quarter)
        apart = np.linalg.norm(upright - back, axis=-1)
        assert np.median(apart) < 0.35 * np.median(elsewhere)


def test_pixels_are_asinh_of_the_mean_signal_of_their_block():
    values = torch.zeros(1, 1, 16, 16)
    values[0, 0, 8:10, 8:10] = 5.0
    values[0, 0, 0, 0] = 0.01
    batch = Batch(np.array(["a"]), values, ("r",), variance=torch.ones(1))
    images = Pixels(crop=0.5, block=2).images(batch)
    assert images.shape == (1, 1, 4, 4)
    # A block of four pixels has twice the signal-to-noise ratio of each.
    assert images[0, 0, 2, 2] == pytest.approx(np.arcsinh(2 * 5.0 / 3), abs=1e-5)
    assert np.count_nonzero(images) == 1
    with pytest.raises(ValueError, match="less than a block of 20"):
        Pixels(crop=1.0, block=20)(batch)
    with pytest.raises(ValueError, match="crop 0 and block 2"):
        Pixels(crop=0)


def test_light_of_one_colour_falls_into_one_bin():
    y, x = np.mgrid[:32, :32] - 15.5
    disc = torch.tensor(1000 * np.exp(-np.hypot(x, y) / 3), dtype=torch.float32)
    colour = 0.7
    values = torch.stack([disc, disc * 10 ** (0.4 * colour)])[None]
    batch = Batch(np.array(["a"]), values, ("g", "r"), variance=torch.ones(1))
    histogram = ColourHistogram(bins=10, colours=(0.0, 2.0))(batch)[0, 10:]
    assert histogram.argmax() == 3
    assert histogram[3] > 0.95
    assert histogram.sum() == pytest.approx(1, abs=1e-5)


def test_co_occurrence_tells_stripes_by_their_distance():
    stripes = 100.0 * (torch.arange(16) % 4 < 2).float().expand(16, 16)
    batch = Batch(np.array(["a"]), stripes[None, None].clone(), ("r",), variance=torch.ones(1))
    whole = CoOccurrence(distances=(2, 4), levels=2, picture=Picture())
    mean = dict(zip(NAMES, whole(batch).reshape(2, 2, 6)[:, 0].T, strict=True))
    # Along the rows half a period on all is different, a whole period on all is the same; along
    # the columns nothing changes; the diagonals, rounded to 1 and 3 px, are odd.
    assert mean["contrast"][1] == pytest.approx(0.25, abs=0.05)
    assert mean["contrast"][0] == pytest.approx(0.5, abs=0.05)
    assert (mean["correlation"] < 1).all()
    with pytest.raises(ValueError, match="1 grey levels; expected at least 2"):
        CoOccurrence(levels=1)


def test_patterns_are_shares_of_the_light(batch):
    table = BinaryPatterns(radii=(1, 3))(batch)
    np.testing.assert_allclose(table[:, :10].sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(table[:, 10:].sum(1), 1, atol=1e-5)


def test_a_wave_answers_to_its_own_length():
    x = torch.arange(48.0)
    lengths = (4.0, 8.0, 16.0)
    for i, length in enumerate(lengths):
        wave = 100 * torch.cos(2 * torch.pi * x / length).expand(48, 48)
        batch = Batch(np.array(["a"]), wave[None, None].clone(), ("r",), variance=torch.ones(1))
        found = Gabor(lengths, 4, Picture())(batch).reshape(3, 2, 3)
        assert found[:, 0, 0].argmax() == i
        # All of it in one direction: the second harmonic of half a turn is as large.
        assert found[i, 0, 1] > 0.5 * found[i, 0, 0]


def test_words_need_a_dictionary_and_count_all_the_contrast(batch):
    with pytest.raises(ValueError, match="no dictionary of words yet"):
        Words()(batch)
    with pytest.raises(ValueError, match="patches for a dictionary of 5000 words"):
        Words(words=5000, objects=2).learn(Discs())
    np.testing.assert_allclose(KINDS["words"](batch).sum(1), 1, atol=1e-5)


def test_photometry_measures_magnitudes_and_colours():
    y, x = np.mgrid[:48, :48] - 23.5
    disc = np.exp(-np.hypot(x, y) / 2.5)
    disc = torch.tensor(disc / disc.sum(), dtype=torch.float32)
    flux = torch.tensor([2000.0, 4000.0])
    batch = Batch(
        np.array(["a"]), (flux[:, None, None] * disc)[None], ("g", "r"),
        variance=torch.full((1, 2, 1, 1), 0.01),
    )  # fmt: skip
    magnitude_g, magnitude_r, colour, ratio_g, _ = Photometry()(batch)[0]
    assert magnitude_g == pytest.approx(31.4 - 2.5 * np.log10(2000), abs=0.1)
    assert colour == pytest.approx(2.5 * np.log10(2), abs=0.01)
    assert magnitude_g - magnitude_r == pytest.approx(colour, abs=1e-4)
    assert ratio_g > 5
    variance = batch.variance.clone()
    variance[0, 0] = torch.inf
    without = Photometry()(replace(batch, variance=variance))[0]
    assert np.isnan(without).tolist() == [True, False, True, True, False]


def test_settings_that_cannot_be_are_refused(batch):
    for make, said in (
        (lambda: Picture(crop=2.0), "crop 2.0"),
        (lambda: ColourHistogram(bins=1), "1 bins"),
        (lambda: CoOccurrence(levels=1), "1 grey levels"),
        (lambda: CoOccurrence(distances=(30,))(batch), "more than the largest distance, 30"),
        (lambda: Gabor(wavelengths=(1.0,)), "at least 2 px"),
        (lambda: Words(words=1), "1 words"),
        (lambda: joined([np.ones((2, 1)), np.ones((3, 1))]), "tables of 2, 3 objects"),
    ):
        with pytest.raises(ValueError, match=said):
            make()
