"""Redshifts from magnitudes: the network and its rivals on the mock sky, with bands missing."""

from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
import torch
from astropy.table import Table

from deepfield.data.simulated_photometry import SimulatedPhotometry
from deepfield.nets.committee import CommitteeHead, Members
from deepfield.nets.heads.mixture import Mixture, MixtureHead
from deepfield.nets.photometry import Photometry
from deepfield.nets.seeded import seeded
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.flags import Flag
from deepfield.nouns.quantity import Quantity
from deepfield.recipes.photoz_colours import mock, photoz_colours
from deepfield.rivals.band_fluxes import Fluxes, fluxes
from deepfield.rivals.boosting_redshift import BoostingRedshift
from deepfield.rivals.forest_redshift import ForestRedshift
from deepfield.rivals.missing_bands import Gaussian
from deepfield.rivals.nearest_neighbours_redshift import NearestNeighboursRedshift
from deepfield.scores.redshifts import sigma_mad
from deepfield.train.loop import fit
from deepfield.verbs.predict import predict
from deepfield.verbs.train import train
from deepfield.weights.files import Card, load, predictor, save

REDSHIFT = Quantity("redshift")
SMALL = {"members": 2, "width": 48, "components": 3, "epochs": 10, "batch_size": 128, "rate": 4e-3}
RIVALS = (
    partial(NearestNeighboursRedshift, neighbours=(70, 120)),
    partial(BoostingRedshift, leaves=(8,), trees=(60,), rate=0.1),
    partial(ForestRedshift, leaves=(2,)),
)
KINDS = ("neighbours", "boosting", "forest")


@pytest.fixture(scope="module")
def sky():
    return mock(objects={"train": 3000, "validation": 300, "test": 500}, seed=0)


@pytest.fixture(scope="module")
def learnt(sky):
    recipe = photoz_colours(sky, dropout=0.0, **SMALL)
    fit(recipe.net, recipe.task, sky, recipe.training, progress=False)
    return recipe


@pytest.fixture(scope="module")
def batch(sky):
    test = sky.part("test")
    return test.take(torch.arange(len(test)), 0)


def posterior(recipe, batch):
    with torch.no_grad():
        return recipe.task.predict(recipe.net.eval(), batch)["posterior"]


def spread(answer):
    low, high = answer.quantiles([0.16, 0.84])[:, 0].unbind(1)
    return (high - low) / 2


def without(batch, *columns):
    variance = batch.variance.clone()
    variance[:, list(columns)] = torch.inf
    return replace(batch, variance=variance)


class Line:
    """A source whose redshift is a straight function of its colours, with Gaussian errors."""

    channels = ("g", "r", "i")
    grid = ()

    def __init__(self, split="train", scatter=0.02):
        self.split, self.scatter = split, scatter
        rng = np.random.default_rng(["train", "validation", "test"].index(split))
        count = 1500 if split == "train" else 600
        self.ids = np.array([f"{split}-{i}" for i in range(count)])
        colours = rng.uniform(0, 1, (count, 2))
        i = rng.uniform(18, 20, count)
        magnitudes = np.stack([i + colours.sum(1), i + colours[:, 1], i], 1)
        self.flux = torch.from_numpy(10 ** (-0.4 * (magnitudes - 31.4))).float()
        z = 0.5 + 0.3 * colours[:, 0] - 0.2 * colours[:, 1] + scatter * rng.normal(size=count)
        self.redshift = torch.from_numpy(z).float()

    def __len__(self):
        return len(self.ids)

    def quantity(self, name):
        return REDSHIFT

    def part(self, split):
        return Line(split, self.scatter)

    def take(self, rows, epoch):
        return Batch(
            self.ids[rows.numpy()],
            self.flux[rows],
            self.channels,
            (),
            torch.ones_like(self.flux[rows]),
            truth=Truth({REDSHIFT: self.redshift[rows]}),
        )


def test_the_mock_is_the_same_in_any_batch(sky):
    both = sky.take(torch.tensor([5, 2000]), 3)
    one = sky.take(torch.tensor([2000]), 3)
    assert torch.equal(both.values[1], one.values[0])
    again = mock(objects={"train": 2001}, seed=0).take(torch.tensor([2000]), 3)
    assert torch.allclose(again.values, one.values)
    assert not torch.equal(sky.take(torch.tensor([5]), 4).values, both.values[:1])


def test_the_mock_has_the_noise_that_it_says_and_the_gaps(sky):
    rows = torch.arange(400)
    seen = [sky.take(rows, epoch) for epoch in (0, 1)]
    pull = (seen[0].values - seen[1].values) / (2 * seen[0].variance).sqrt()
    there = seen[0].variance.isfinite()
    assert pull[there].std() == pytest.approx(1, abs=0.05)
    assert float((~there).float().mean()) == pytest.approx(0.02, abs=0.01)
    flagged = (seen[0].flags & int(Flag.MISSING_PIXELS)) > 0
    assert torch.equal(flagged, (~there).any(1))
    with pytest.raises(ValueError, match="share of the bands"):
        SimulatedPhotometry({"train": 1}, gaps=1.5)


def test_the_network_learns_redshifts_on_the_mock(learnt, batch):
    answer, true = posterior(learnt, batch), batch.truth["redshift"]
    scores = learnt.task.score({"posterior": answer}, batch.truth)
    assert scores["sigma_mad"] < 0.06
    assert sigma_mad(true.median().expand_as(true), true) > 0.15
    inside = (answer.ranks(true[:, None])[:, 0] - 0.5).abs() < 0.34
    assert 0.5 < float(inside.float().mean()) < 0.88
    assert (answer.samples >= 0).all()


def test_a_missing_band_widens_the_density_and_does_not_move_it_far(learnt, batch):
    whole = posterior(learnt, batch)
    for column in range(len(batch.channels)):
        part = posterior(learnt, without(batch, column))
        assert (spread(part) / spread(whole)).median() > 0.97
        jump = (part.quantiles([0.5]) - whole.quantiles([0.5]))[:, 0, 0].abs()
        assert float((jump < 3 * spread(part)).float().mean()) > 0.9
    few = posterior(learnt, without(batch, 0, 1, 4, 5))
    assert (spread(few) / spread(whole)).median() > 1.3


def test_all_ways_to_say_missing_are_alike(learnt, batch):
    codes = [torch.nan, 0.0, 1e30, -99.0]
    answers = []
    for code in codes:
        gone = without(batch.take(torch.arange(20)), 2)
        values = gone.values.clone()
        values[:, 2] = code
        answers.append(posterior(learnt, replace(gone, values=values)).samples)
    assert all(torch.equal(answers[0], other) for other in answers[1:])


def test_bands_go_by_name(learnt, batch):
    order = [3, 1, 5, 0, 2, 4]
    turned = replace(
        batch,
        values=batch.values[:, order],
        variance=batch.variance[:, order],
        channels=tuple(batch.channels[i] for i in order),
    )
    whole = posterior(learnt, batch).samples
    assert torch.equal(posterior(learnt, turned).samples, whole)
    fewer = replace(
        batch,
        values=batch.values[:, 1:],
        variance=batch.variance[:, 1:],
        channels=batch.channels[1:],
    )
    lost = posterior(learnt, without(batch, 0)).samples
    assert torch.equal(posterior(learnt, fewer).samples, lost)
    strange = replace(batch, channels=("a", "b", "c", "d", "e", "f"))
    with pytest.raises(ValueError, match="the network knows u, g, r, i, z, y"):
        posterior(learnt, strange)


def test_an_answer_does_not_depend_on_the_batch(learnt, batch):
    alone = posterior(learnt, batch.take(torch.tensor([7])))
    assert torch.allclose(alone.samples[0], posterior(learnt, batch).samples[7], atol=1e-5)


def test_weights_come_back_without_the_table(learnt, batch, sky, tmp_path):
    before = predictor(learnt, channels=sky.channels, size=1)
    settings = {**photoz_colours.__kwdefaults__, **SMALL}
    card = Card(
        recipe="photoz_colours",
        settings=settings,
        channels=sky.channels,
        quantities=(asdict(sky.quantity("redshift")),),
        grid=(),
        data="the mock sky",
        objects=3000,
        seed=0,
        commit="none",
    )
    save(before, card, tmp_path / "a.safetensors")
    after, _ = load(tmp_path / "a.safetensors")
    told = [one.predict(batch)["posterior"].samples for one in (before, after)]
    assert torch.equal(*told)


def test_the_redshift_may_have_any_name(sky, tmp_path):
    batch = sky.part("train").take(torch.arange(300), 0)
    table = Table({"id": batch.ids, "zpec": batch.truth["redshift"].numpy()})
    for band, flux in zip(batch.channels, batch.values.numpy().T, strict=True):
        table[f"mag_{band}"] = 31.4 - 2.5 * np.log10(np.maximum(flux, 1))
        table[f"mag_err_{band}"] = np.full(len(table), 0.1)
    table.write(tmp_path / "mine.csv")
    small = {"epochs": 1, "members": 2, "width": 8}
    train(
        "photoz_colours",
        out=tmp_path / "run",
        images=tmp_path / "mine.csv",
        target="zpec",
        **small,
    )
    model = tmp_path / "run" / "model.safetensors"
    told = predict("photoz_colours", images=tmp_path / "mine.csv", weights=model)
    assert np.isfinite(told["redshift"]).all()


def test_redshifts_beyond_the_range_are_refused(sky):
    with pytest.raises(ValueError, match="give more"):
        photoz_colours(sky, highest=0.5)


def test_inputs_are_standardised_and_blind_to_the_unit(batch):
    layer = Photometry(batch.channels)
    layer.standardise([batch])
    numbers = layer(batch)[0][:, : 3 * len(batch.channels) - 1]
    assert numbers.isfinite().all()
    assert numbers.median(0).values.abs().max() < 0.1
    other = Photometry(batch.channels)
    scaled = replace(batch, values=batch.values * 1e3, variance=batch.variance * 1e6)
    other.standardise([scaled])
    assert torch.allclose(other(scaled)[0][:, :-6], layer(batch)[0][:, :-6], atol=1e-3)
    with pytest.raises(ValueError, match="two bands"):
        Photometry(("r",))
    with pytest.raises(ValueError, match="expected a table"):
        layer(replace(batch, variance=None))


def test_hidden_bands_are_hidden_in_training_alone(batch):
    layer = Photometry(batch.channels, hidden=0.5)
    whole = without(batch).take(batch.variance.isfinite().all(1).nonzero()[:, 0])
    shown = layer.train()(whole)[0][:, -6:]
    assert float(shown.mean()) == pytest.approx(0.5, abs=0.05)
    assert (shown.sum(1) < 6).all()
    assert layer.eval()(whole)[0][:, -6:].sum() == 0


def test_a_committee_is_an_even_mixture():
    head = seeded(
        lambda: CommitteeHead(partial(MixtureHead, size=1), members=3, features=8), seed=0
    )
    numbers = torch.randn(2, 24, generator=torch.Generator().manual_seed(0))
    together, apart = head.eval()(numbers), head.train()(numbers)
    grid = torch.linspace(-12, 12, 4001)[None, :, None].expand(2, -1, 1)
    density = together.log_density(grid).exp()
    assert torch.allclose(torch.trapezoid(density, grid[:, :, 0]), torch.ones(2), atol=1e-4)
    assert (apart.log_density(grid) <= together.log_density(grid) + 1e-6).all()
    samples = together.samples(100)
    assert samples.shape == (2, 100, 1)
    assert torch.equal(samples, together.samples(100))
    mean = torch.trapezoid(density * grid[:, :, 0], grid[:, :, 0])
    assert torch.allclose(samples[:, :, 0].mean(1), mean, atol=0.15)
    before = together.log_density(grid)
    head.standardise(torch.tensor([[4.2], [4.5], [5.0], [5.5], [5.8]]).repeat(20, 1))
    moved, (mean, deviation) = head.eval()(numbers), (head.mean, head.deviation)
    assert float(mean) == 5
    assert torch.allclose(
        moved.log_density(mean + deviation * grid), before - deviation.log(), atol=1e-3
    )
    middle = (moved.samples(100)[:, :, 0].mean(1) - mean) / deviation
    assert torch.allclose(middle, samples[:, :, 0].mean(1), atol=0.1)


@pytest.mark.parametrize("wrong", [0.5, 1.0, 2.0])
def test_a_calibrated_committee_covers_what_it_says(wrong):
    build = partial(MixtureHead, size=1, components=2)
    head = seeded(lambda: CommitteeHead(build, members=3, features=8), seed=0)
    head.eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(0)
    numbers = torch.randn(4000, 24, generator=rng)
    said = head(numbers)
    true = Mixture(said.log_weights, said.means, said.roots / wrong).samples(64)
    true = true[torch.arange(4000), torch.randint(64, (4000,), generator=rng)]
    head.calibrate(said.take(torch.arange(2000)), true[:2000])
    found, unseen = head(numbers[2000:]), true[2000:]
    ranks = found.cdf(unseen[..., None])[:, 0, 0]
    inside = [float(((ranks - 0.5).abs() < share / 2).float().mean()) for share in (0.68, 0.95)]
    assert inside == [pytest.approx(0.68, abs=0.03), pytest.approx(0.95, abs=0.02)]
    assert float(found.samples(64).std() / true.std()) == pytest.approx(1, abs=0.05)


def test_a_user_gets_calibrated_densities_without_asking(sky):
    recipe = photoz_colours(sky, dropout=0.2, **{**SMALL, "epochs": 4})
    trained = predictor(recipe, channels=sky.channels, size=1).fit(sky)
    held_out = sky.part("validation")
    for part, margin in ((held_out, 0.02), (sky.part("test"), 0.08)):
        seen = part.take(torch.arange(len(part)), 0)
        ranks = trained.predict(seen)["posterior"].ranks(seen.truth["redshift"][:, None])[:, 0]
        inside = float(((ranks - 0.5).abs() < 0.34).float().mean())
        assert inside == pytest.approx(0.68, abs=margin)


def test_members_do_not_see_each_other():
    trunk = seeded(lambda: Members(5, members=3, width=8, layers=2), seed=1).eval()
    numbers = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    before = trunk(numbers)
    with torch.no_grad():
        trunk.weights[0][1].zero_()
    after = trunk(numbers)
    assert torch.equal(before[:, :8], after[:, :8])
    assert torch.equal(before[:, 16:], after[:, 16:])
    assert not torch.equal(before[:, 8:16], after[:, 8:16])


@pytest.mark.parametrize("rival", RIVALS, ids=KINDS)
def test_rivals_are_calibrated_and_find_a_line(rival):
    source = Line()
    fitted = rival().fit(source)
    test = source.part("test")
    batch = test.take(torch.arange(len(test)), 0)
    answer = fitted.predict(batch)["posterior"]
    error = answer.quantiles([0.5])[:, 0, 0] - test.redshift
    assert float(error.square().mean().sqrt()) < 0.024  # of which 0.02 is noise
    inside = (answer.ranks(test.redshift[:, None])[:, 0] - 0.5).abs() < 0.34
    assert 0.58 < float(inside.float().mean()) < 0.78


def test_neighbours_extend_a_line_without_scatter():
    source = Line(scatter=0.0)
    test = source.part("test")
    answer = NearestNeighboursRedshift().fit(source).predict(test.take(torch.arange(100), 0))
    error = answer["posterior"].quantiles([0.5])[:, 0, 0] - test.redshift[:100]
    assert error.abs().max() < 1e-3


@pytest.mark.parametrize("rival", RIVALS, ids=KINDS)
def test_rivals_answer_with_bands_missing_and_nan_without_any(rival):
    source = Line()
    fitted = rival().fit(source)
    batch = source.part("test").take(torch.arange(200), 0)
    whole = fitted.predict(batch)["posterior"]
    part = fitted.predict(without(batch, 1))["posterior"]
    assert part.samples.isfinite().all()
    assert (part.quantiles([0.5]) - whole.quantiles([0.5])).abs().median() < 0.1
    none = fitted.predict(without(batch, 0, 1, 2))["posterior"]
    assert none.samples.isnan().all()


def test_a_missing_magnitude_is_what_the_others_make_likely():
    rng = np.random.default_rng(0)
    first = rng.normal(20, 1, 2000)
    table = np.stack([first, first + 0.5, first - 1 + 0.1 * rng.normal(size=2000)], 1)
    gaps = table.copy()
    gaps[::3, 1] = np.nan
    filled = Gaussian.fit(gaps).fill(gaps)
    assert np.abs(filled - table).max() < 0.1
    assert np.array_equal(filled[1::3], table[1::3])


def test_apertures_measure_the_light_of_images():
    y, x = torch.meshgrid(*[torch.arange(48.0) - 23.5] * 2, indexing="ij")
    shape = torch.exp(-(x**2 + y**2) / (2 * 2.5**2)) / (2 * torch.pi * 2.5**2)
    total = torch.tensor([[400.0, 1000.0], [3000.0, 2000.0]])
    noise = torch.randn(2, 2, 48, 48, generator=torch.Generator().manual_seed(0))
    values = total[:, :, None, None] * shape + 0.2 * noise
    batch = Batch(
        np.array(["a", "b"]), values, ("g", "r"), variance=torch.full((1, 1, 1, 1), 0.04)
    )
    found = fluxes(batch)
    assert np.allclose(found.flux, total, rtol=0.06)
    assert np.allclose(found.flux[:, 0] / found.flux[:, 1], [0.4, 1.5], rtol=0.02)
    assert (found.sigma > 1).all() and (found.sigma < 5).all()
    lost = fluxes(replace(batch, variance=torch.tensor([0.04, torch.inf])[None, :, None, None]))
    assert np.isinf(lost.sigma[:, 1]).all() and np.isfinite(lost.sigma[:, 0]).all()
    with pytest.raises(ValueError, match="with variance"):
        fluxes(replace(batch, variance=None))


def test_asinh_magnitudes_are_magnitudes_where_light_is_bright():
    bright = Fluxes(np.array([[1e4, 0.0]]), np.array([[1.0, 1.0]]))
    found = bright.magnitudes(np.ones(2))
    assert found[0, 0] == pytest.approx(31.4 - 10, abs=1e-6)
    assert found[0, 1] == pytest.approx(31.4)
