"""Rivals: one contract for all of them, and measurements that agree with the literature's code."""

import warnings

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.special import gammaincinv
from skimage.feature import hog as skimage_hog

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.flags import Flag
from deepfield.nouns.quantity import Quantity
from deepfield.rivals import hog, modes, morphometry
from deepfield.rivals.asymmetry import asymmetry, symmetric_centre
from deepfield.rivals.hog_svm import HogSvm
from deepfield.rivals.light import gini
from deepfield.rivals.morphometry_forest import MorphometryForest
from deepfield.rivals.morphometry_svm import MorphometrySvm
from deepfield.rivals.stamps import prepare

torch.set_num_threads(1)
KINDS = ("smooth", "arms", "bar", "lopsided", "edge_on")


def polar(size, centre, axis_ratio, angle):
    """Deprojected radius and angle on a stamp."""
    y, x = np.mgrid[:size, :size] - np.reshape(centre, (2, 1, 1))
    u = x * np.cos(angle) + y * np.sin(angle)
    v = (-x * np.sin(angle) + y * np.cos(angle)) / axis_ratio
    return np.hypot(u, v), np.arctan2(v, u)


def shape(kind, rng, size=32):
    """A noisy stamp of one of the kinds, peak about 30 times the sky noise."""
    ratio = 0.15 if kind == "edge_on" else rng.uniform(0.7, 1)
    centre = (size - 1) / 2 + rng.uniform(-0.5, 0.5, 2)
    r, phi = polar(size, centre, ratio, rng.uniform(0, np.pi))
    image, start = 40 * np.exp(-r / rng.uniform(3, 4)), rng.uniform(0, 2 * np.pi)
    if kind == "arms":
        image *= 1 + 0.9 * np.cos(2 * phi + 5 * np.log(r + 1) + start)
    if kind == "bar":
        image *= 1 + 0.9 * np.cos(2 * phi + start)
    if kind == "lopsided":
        image *= 1 + 0.9 * np.cos(phi + start)
    return ndimage.gaussian_filter(image, 0.8) + rng.normal(0, 1, image.shape)


class Toy:
    """A source of simple shapes; every sixth training object is not labelled."""

    grid = ("y", "x")

    def __init__(self, kinds, channels, split="train", count=240, soft=False):
        self.kinds, self.channels, self.split, self.soft = kinds, channels, split, soft
        self.ids = np.array([f"{split}{i}" for i in range(count)])

    def __len__(self):
        return len(self.ids)

    def quantity(self, name):
        return Quantity(name, classes=self.kinds)

    def part(self, split):
        count = 240 if split == "train" else 100
        return Toy(self.kinds, self.channels, split, count, self.soft)

    def take(self, indices, epoch):
        values, labels = [], []
        for i in indices.tolist():
            label = i % len(self.kinds)
            seed = [("train", "validation", "test").index(self.split), i, epoch]
            rng = np.random.default_rng(seed)
            values.append([shape(self.kinds[label], rng) for _ in self.channels])
            labels.append(-1 if self.split == "train" and i % 6 == 5 else label)
        truth = torch.tensor(labels)
        if self.soft:
            known = torch.nn.functional.one_hot(truth.clamp_min(0), len(self.kinds)) * 0.6 + 0.2
            truth = known.masked_fill(truth[:, None] < 0, torch.nan)
        return Batch(
            self.ids[indices.numpy()],
            torch.tensor(np.array(values), dtype=torch.float32),
            self.channels,
            variance=torch.ones(len(indices), len(self.channels), 1, 1),
            truth=Truth({self.quantity("kind"): truth}),
        ).check()


def rivals():
    return {
        "hog_svm": HogSvm("kind", crops=(0.75, 1.0), cells=(8,), blurs=(1.0,), rows=800),
        "morphometry_svm": MorphometrySvm("kind"),
        "morphometry_forest": MorphometryForest("kind", trees=60, leaves=(1, 3), shares=(0.2,)),
    }


CASES = {
    "two": Toy(("smooth", "arms"), ("r",)),
    "two_soft_three_bands": Toy(("smooth", "bar"), ("g", "r", "i"), soft=True),
    "five": Toy(KINDS, ("r",)),
}


@pytest.fixture(scope="module", params=[(r, c) for r in rivals() for c in CASES], ids="-".join)
def fitted(request):
    rival, case = request.param
    untouched = rivals()[rival]
    before = dict(vars(untouched))
    done = untouched.fit(CASES[case])
    assert vars(untouched) == before and done is not untouched
    return done, CASES[case].part("test").take(torch.arange(100), 0)


def test_a_rival_is_far_better_than_chance(fitted):
    rival, batch = fitted
    answer = rival.predict(batch)["kind"]
    label = torch.arange(100) % len(answer.quantity.classes)
    accuracy = (answer.probabilities.argmax(1) == label).float().mean()
    assert accuracy > (0.9 if len(answer.quantity.classes) == 2 else 0.65)


def test_rows_are_probabilities_whatever_the_order_and_the_batch(fitted):
    rival, batch = fitted
    whole = rival.predict(batch)["kind"].probabilities
    assert whole.shape == (100, len(rival.quantity.classes))
    torch.testing.assert_close(whole.sum(1), torch.ones(100))
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))[:23]
    parts = [rival.predict(batch.take(part))["kind"].probabilities for part in order.split(7)]
    torch.testing.assert_close(torch.cat(parts), whole[order], atol=1e-3, rtol=0)


def test_objects_without_pixels_are_nan(fitted):
    rival, batch = fitted
    some = batch.take(torch.arange(4))
    some.values[1] = torch.nan
    some.variance[2] = torch.inf
    flags = torch.tensor([0, 0, 0, int(Flag.UNREADABLE)])
    broken = Batch(some.ids, some.values, some.channels, variance=some.variance, flags=flags)
    answer = rival.predict(broken)["kind"].probabilities
    assert answer.isnan().all(1).tolist() == [False, True, True, True]
    expected = rival.predict(batch)["kind"].probabilities[:1]
    torch.testing.assert_close(answer[:1], expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("rival", rivals().values(), ids=rivals())
def test_a_source_that_does_not_know_the_quantity_is_refused(rival):
    rival.name = "colour"
    with pytest.raises(ValueError, match="the source knows kind; expected colour"):
        rival.fit(CASES["two"])


def sersic(rng, size=64):
    """A Sersic galaxy in a Gaussian PSF: plain, with two arms, or lopsided with a clump."""
    n, half, fine = rng.uniform(0.7, 4), rng.uniform(3, 6.5), 5
    centre = (size - 1) / 2 + rng.uniform(-1, 1, 2)
    middle = centre * fine + (fine - 1) / 2
    r, phi = polar(size * fine, middle, rng.uniform(0.4, 1), rng.uniform(0, np.pi))
    r = r / fine
    image = np.exp(-gammaincinv(2 * n, 0.5) * ((r / half) ** (1 / n) - 1))
    kind = rng.integers(3)
    if kind == 1:
        image *= 1 + rng.uniform(0.3, 0.9) * np.cos(2 * phi + 6 * np.log(r + 0.5))
    if kind == 2:
        image *= 1 + rng.uniform(0.2, 0.8) * np.cos(phi + 1)
        clump = polar(size * fine, middle + rng.normal(0, 0.7 * half * fine, 2), 1, 0)[0] / fine
        image += rng.uniform(0.5, 3) * np.exp(-0.5 * (clump / 1.5) ** 2)
    image = image.reshape(size, fine, size, fine).mean((1, 3))
    image = ndimage.gaussian_filter(image, 1.2)
    return image * rng.uniform(3e3, 3e4) / image.sum() + rng.normal(0, 1, image.shape)


def as_batch(images):
    values = torch.as_tensor(np.array(images), dtype=torch.float32)[:, None]
    ids = np.array([str(i) for i in range(len(values))])
    return Batch(ids, values, ("r",), variance=torch.ones(1))


def column(found, name):
    return found[:, morphometry.NAMES.index(name)]


# Tolerances: correlation, median bias. Concentration: our profile is linear between whole pixels,
# statmorph's apertures are exact, so the 20 % radius of a cusp is a few per cent larger here.
# Asymmetry: our sky term knows the noise that turning between pixels takes away. Smoothness is
# left out: at a box of one to three pixels statmorph's whole-pixel, half-pixel-shifted box
# measures the gradient (correlation 0.5 for Petrosian radii of 10 to 30 pixels).
AGREEMENT = {
    "concentration": (0.97, 0.13),
    "asymmetry": (0.97, 0.02),
    "gini": (0.95, 0.005),
    "m20": (0.93, 0.02),
    "axis_ratio": (0.98, 0.01),
    "radius_petrosian": (0.98, 0.1),
    "shape_asymmetry": (0.9, 0.06),
}


def test_morphometry_agrees_with_statmorph():
    statmorph = pytest.importorskip("statmorph")
    rng = np.random.default_rng(1)
    images = [sersic(rng) for _ in range(16)]
    found = morphometry.features(as_batch(images)).numpy()
    rows = []
    for image in images:
        soft = ndimage.gaussian_filter(image, 1)
        labels = ndimage.label(soft > 0.56)[0]
        segment = (labels == labels.flat[soft.argmax()]).astype(int)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            m = statmorph.SourceMorphology(
                image, segment, 1, weightmap=np.ones_like(image), skybox_size=16, niter_bh_mid=1
            )
            rows.append(
                [
                    m.concentration,
                    m.asymmetry,
                    m.gini,
                    m.m20,
                    1 - m.ellipticity_asymmetry,
                    m.rpetro_circ,
                    m.shape_asymmetry,
                    m.flag,
                ]
            )
    theirs = np.array(rows)
    good = theirs[:, -1] < 2
    assert good.sum() >= 12
    for i, (name, (correlation, bias)) in enumerate(AGREEMENT.items()):
        ours, other = column(found, name)[good], theirs[good, i]
        assert np.corrcoef(ours, other)[0, 1] > correlation, name
        assert abs(np.median(ours - other)) < bias, name


def test_turning_the_sky_does_not_change_the_galaxy():
    rng = np.random.default_rng(2)
    images = np.array([sersic(rng) for _ in range(12)])
    found = morphometry.features(as_batch(images))
    for turned in (np.rot90(images, 1, (1, 2)), images[:, :, ::-1]):
        again = morphometry.features(as_batch(turned.copy()))
        for name in ("concentration", "asymmetry", "gini", "m20"):
            torch.testing.assert_close(
                column(found, name), column(again, name), atol=1e-4, rtol=0, msg=name
            )
        for name in ("radius_half", "axis_ratio", "arms2", "mode2_ring2", "residual_symmetry"):
            torch.testing.assert_close(
                column(found, name), column(again, name), atol=2e-3, rtol=2e-3, msg=name
            )


def test_features_have_a_name_each_and_are_finite():
    batch = CASES["two_soft_three_bands"].take(torch.arange(6), 0)
    found = morphometry.features(batch)
    names = morphometry.names(batch.channels)
    assert found.shape == (6, len(names)) and len(set(names)) == len(names)
    assert found.isfinite().all()


def test_gini_knows_even_and_uneven_light():
    even = torch.full((1, 8, 8), 3.0)
    assert gini(even, even > 0).item() == pytest.approx(0, abs=1e-6)
    point = torch.zeros(1, 8, 8)
    point[0, 3, 3] = 7
    assert gini(point, even > 0).item() == pytest.approx(1, abs=1e-6)


def test_a_symmetric_galaxy_has_its_centre_found_and_no_asymmetry():
    r, _ = polar(48, (23.3, 24.6), 0.6, 0.7)
    image = torch.tensor(1e5 * np.exp(-0.5 * (r / 4) ** 2), dtype=torch.float32)[None]
    centre = symmetric_centre(image, torch.tensor([[24.0, 24.0]]), torch.tensor([3.0]))
    torch.testing.assert_close(centre, torch.tensor([[23.3, 24.6]]), atol=0.05, rtol=0)
    whole = torch.ones_like(image)
    assert abs(asymmetry(image, whole > 0, centre, whole).item()) < 0.02
    noise = torch.randn(200, 48, 48, generator=torch.Generator().manual_seed(0))
    noisy = asymmetry(image + noise, whole.expand(200, -1, -1) > 0, centre.expand(200, 2), whole)
    assert abs(noisy.mean().item()) < 0.02


@pytest.mark.parametrize("winding", [0, 5, 9])
@pytest.mark.parametrize("arms", [1, 2, 3])
def test_modes_find_the_number_of_arms_and_their_winding(arms, winding):
    r, phi = polar(65, (32, 32), 1, 0)
    light = 100 * np.exp(-r / 8) * (1 + 0.5 * np.cos(arms * phi + winding * np.log(r.clip(1))))
    image, y, x = (
        torch.tensor(a, dtype=torch.float32)[None]
        for a in (light, r * np.sin(phi), r * np.cos(phi))
    )
    found = modes.measure(image, image > -1, y, x, torch.tensor([13.0]))[0]
    value = dict(zip(modes.NAMES, found.tolist(), strict=True))
    assert abs(value[f"winding{arms}"] - winding) <= 1
    strongest = max(value[f"{what}{arms}"] for what in ("arms", "straight"))
    others = [value[f"{what}{m}"] for m in {1, 2, 3, 4} - {arms} for what in ("arms", "straight")]
    assert strongest > 3 * max(others)


def test_hog_is_scikit_images_on_the_prepared_picture():
    stamps = prepare(CASES["two_soft_three_bands"].take(torch.arange(3), 0))
    setting = hog.Setting(0.75, 6, 1.0)
    pictures = hog.picture(stamps.image, setting)
    assert pictures.shape == (3, 24, 24)
    expected = [
        skimage_hog(p, 9, pixels_per_cell=(6, 6), cells_per_block=(2, 2)) for p in pictures
    ]
    np.testing.assert_allclose(hog.features(stamps.image, setting), expected, atol=1e-6)


def test_a_missing_band_leaves_the_other_bands_measurement():
    batch = CASES["two_soft_three_bands"].take(torch.arange(5), 0)
    batch.variance[:, 1] = torch.inf
    batch.values[:, 1] = torch.nan
    without = Batch(batch.ids, batch.values[:, [0, 2]], ("g", "i"), variance=torch.ones(1))
    found = morphometry.features(batch)[:, : len(morphometry.NAMES)]
    expected = morphometry.features(without)[:, : len(morphometry.NAMES)]
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
