"""Any features with any learner, and the perceptron that knows nothing of images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.data.displaced import Cut, displaced
from deepfield.data.seen import Seen
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.quantity import Quantity
from deepfield.rivals.classical import Classical
from deepfield.rivals.examples import Examples
from deepfield.rivals.features.photometry import Photometry
from deepfield.rivals.features.pixels import Pixels
from deepfield.rivals.features.words import Words
from deepfield.rivals.learners.boosting import Boosting
from deepfield.rivals.learners.forest import Forest
from deepfield.rivals.learners.logistic import Logistic
from deepfield.rivals.learners.one_hidden import OneHidden
from deepfield.rivals.learners.preparation import preparation
from deepfield.rivals.learners.rbf_machine import RbfMachine
from deepfield.rivals.perceptron import Perceptron, Shape, network, turned

torch.set_num_threads(1)
LEARNERS = {
    "logistic": Logistic((0.1, 1.0)),
    "support_vectors": RbfMachine((10.0,), (0.5, 1.0)),
    "forest": Forest((1,), (0.5,), trees=40),
    "boosting": Boosting(trees=30),
    "one_hidden": OneHidden((32,), (0.01, 1.0), epochs=40),
}
each_learner = pytest.mark.parametrize("learner", LEARNERS)


def table(count, seed, rule, columns=4):
    x = np.random.default_rng(seed).normal(size=(count, columns))
    return Examples(x, rule(x).astype(int), np.ones(count))


def straight(x):
    return x[:, 0] + x[:, 1] > 0


def chequered(x):
    return x[:, 0] * x[:, 1] > 0


@each_learner
def test_a_learner_finds_the_rule_that_it_can_express(learner):
    for rule in (straight, chequered):
        train, held_out, test = (table(n, s, rule) for s, n in enumerate((500, 200, 400)))
        taught = LEARNERS[learner].teach(train, held_out, 3)
        found = taught.probabilities(test.features)
        np.testing.assert_allclose(found.sum(1), 1)
        assert (found[:, 2] == 0).all()  # a class that never occurs
        right = (found.argmax(1) == test.labels).mean()
        if learner == "logistic" and rule is chequered:
            assert right < 0.65  # no line parts a chessboard
        else:
            assert right > 0.85
            # Calibrated: as sure as it is right.
            assert found.max(1).mean() == pytest.approx(right, abs=0.08)


@each_learner
def test_gaps_are_no_obstacle_and_a_column_may_be_empty(learner):
    train, held_out = table(300, 0, straight), table(150, 1, straight)
    rng = np.random.default_rng(2)
    for each in (train, held_out):
        each.features[rng.random(each.features.shape) < 0.1] = np.nan
        each.features[:, 3] = np.nan
    taught = LEARNERS[learner].teach(train, held_out, 2)
    found = taught.probabilities(np.array([[2.0, 2.0, 0, np.nan], [-2.0, -2.0, np.nan, 0]]))
    assert found.argmax(1).tolist() == [1, 0]
    assert np.isfinite(taught.probabilities(np.full((1, 4), np.nan))).all()


@each_learner
def test_objects_count_with_their_weight(learner):
    train, held_out = table(300, 0, straight), table(150, 1, straight)
    wrong = np.random.default_rng(2).random(300) < 0.45
    labels = np.where(wrong, 1 - train.labels, train.labels)
    trusted = Examples(train.features, labels, np.where(wrong, 0.01, 1.0))
    taught = LEARNERS[learner].teach(trusted, held_out, 2)
    test = table(300, 3, straight)
    assert (taught.probabilities(test.features).argmax(1) == test.labels).mean() > 0.8


@each_learner
def test_few_components_keep_what_varies_most(learner):
    train, held_out = (table(n, s, straight, 12) for s, n in enumerate((400, 200)))
    for each in (train, held_out):
        each.features[:, 2:] = each.features[:, :1] - each.features[:, 1:2]  # says nothing
    for components, least, most in ((1, 0.0, 0.7), (2, 0.8, 1.0)):
        reduced = replace(LEARNERS[learner], components=components)
        taught = reduced.teach(train, held_out, 2)
        right = (taught.probabilities(held_out.features).argmax(1) == held_out.labels).mean()
        assert least <= right <= most


def test_components_below_one_are_refused():
    with pytest.raises(ValueError, match="0 components"):
        preparation("standard", objects=5, columns=3, components=0)


class Shapes:
    """Round, and long galaxies of any direction, a little off the middle of wide stamps."""

    channels = ("g", "r")
    grid = ("y", "x")

    def __init__(self, split="train", size=40):
        self.split, self.size = split, size
        counts = {"train": 400, "validation": 150}
        self.ids = np.array([f"{split}{i}" for i in range(counts.get(split, 200))])

    def __len__(self):
        return len(self.ids)

    def quantity(self, name):
        return Quantity(name, classes=("round", "long"))

    def part(self, split):
        return Shapes(split, self.size)

    def take(self, indices, epoch):
        y, x = np.mgrid[: self.size, : self.size] - (self.size - 1) / 2
        values = []
        for i in indices.tolist():
            rng = np.random.default_rng([len(self.split), i])
            angle, ratio = rng.uniform(0, np.pi), (0.95, 0.35)[i % 2]
            dx, dy = rng.uniform(-1, 1, 2)
            u = (x - dx) * np.cos(angle) + (y - dy) * np.sin(angle)
            v = ((y - dy) * np.cos(angle) - (x - dx) * np.sin(angle)) / ratio
            disc = rng.uniform(10, 30) / ratio**0.5 * np.exp(-np.hypot(u, v) * ratio**0.5 / 2)
            values.append(disc + rng.normal(size=(2, self.size, self.size)))
        return Batch(
            self.ids[indices.numpy()],
            torch.tensor(np.array(values), dtype=torch.float32),
            self.channels,
            variance=torch.ones(len(indices), 2, 1, 1),
            truth=Truth({self.quantity("kind"): indices % 2}),
        )


SOURCE = Seen(Shapes(), Cut(24))


def right(rival, source):
    batch = source.part("test").take(torch.arange(200), 0)
    return float(
        (rival.predict(batch)["kind"].probabilities.argmax(1) == batch.truth["kind"])
        .float()
        .mean()
    )


@pytest.fixture(scope="module")
def joined():
    features = [Words(words=12, objects=60), Pixels(crop=0.8, block=3), Photometry()]
    rival = Classical("kind", features, Forest((1,), (0.5,), trees=40))
    before = dict(vars(rival))
    fitted = rival.fit(SOURCE)
    assert vars(rival) == before
    assert fitted is not rival
    return fitted


@pytest.fixture(scope="module")
def perceptron():
    shapes = (Shape(2, (32,)), Shape(3, (32,)))
    state = torch.random.get_rng_state()
    fitted = Perceptron("kind", shapes=shapes, epochs=24).fit(SOURCE)
    assert torch.equal(torch.random.get_rng_state(), state)
    return fitted


def test_features_of_several_kinds_are_learnt_from_together(joined):
    assert right(joined, SOURCE) > 0.85
    batch = SOURCE.take(torch.arange(3), 0)
    assert joined.table(batch).shape == (3, 12 + 2 * 6 * 6 + 5)


@pytest.mark.parametrize("rival", ["joined", "perceptron"])
def test_broken_stamps_are_nan_and_nothing_depends_on_the_batch(rival, request):
    fitted = request.getfixturevalue(rival)
    batch = SOURCE.part("test").take(torch.arange(5), 0)
    whole = fitted.predict(batch)["kind"].probabilities
    torch.testing.assert_close(whole.sum(1), torch.ones(5))
    alone = fitted.predict(batch.take(torch.tensor([3])))["kind"].probabilities
    torch.testing.assert_close(alone[0], whole[3], atol=1e-3, rtol=0)
    batch.values[0] = 4.0
    batch.values[1] = torch.nan
    batch.variance[2] = torch.inf
    answer = fitted.predict(batch)["kind"].probabilities
    assert answer.isnan().all(1).tolist() == [True, True, True, False, False]
    torch.testing.assert_close(answer[3:], whole[3:], atol=1e-3, rtol=0)


def test_a_perceptron_learns_places_and_not_shapes(perceptron):
    assert perceptron.shape in perceptron.__dict__["shapes"]
    here, there = right(perceptron, SOURCE), right(perceptron, displaced(SOURCE, 6))
    assert here > 0.8
    assert there < here - 0.1
    inputs = 2 * (24 // perceptron.shape.block) ** 2
    assert perceptron.parameters() == inputs * 32 + 32 + 32 * 2 + 2


def test_the_same_seed_is_the_same_perceptron():
    few = Perceptron("kind", limit=80, held_out=40, shapes=(Shape(3, (8,)),), epochs=3)
    first, again = (few.fit(SOURCE).net.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_views_are_the_eight_of_the_square():
    image = torch.arange(9).reshape(3, 3)
    views = {tuple(turned(image, code).flatten().tolist()) for code in range(8)}
    assert len(views) == 8


def test_every_weight_of_a_fully_connected_layer_counts():
    # 512 x 512 pixels to as many neurons would be (512^2)^2 = 6.87e10 of them.
    with torch.device("meta"):
        layer = network(512 * 512, (), 512 * 512)[1]
    assert layer.weight.numel() == 512**4 == 68_719_476_736


def test_what_cannot_be_learnt_is_refused():
    with pytest.raises(ValueError, match="no features to learn kind from"):
        Classical("kind", [], Logistic())
    with pytest.raises(ValueError, match="the source knows kind; expected colour"):
        Classical("colour", [Photometry()], Logistic()).fit(SOURCE)
    with pytest.raises(ValueError, match="the source knows kind; expected colour"):
        Perceptron("colour").fit(SOURCE)
