"""Quenching: a mock whose answer is known, and rankings that find it or do not."""

import numpy as np
import pytest
import torch

from deepfield.evaluate.ranking import ranking
from deepfield.recipes.quenching import mock, quenching
from deepfield.rivals.table_classes import TableForest, TableLogistic
from deepfield.scores.classification import auroc
from deepfield.sky.quenching import PROPERTIES, Property, Quenching
from deepfield.train.loop import fit

NAMES = tuple(one.name for one in PROPERTIES)
CAUSE = NAMES[0]


def alone(name: str, **counts: int):
    """A network that saw one column, and what it says of the test galaxies."""
    source = mock(objects=counts, seed=2, columns=(name,))
    recipe = quenching(source, epochs=4)
    fit(recipe.net, recipe.task, source, recipe.training, progress=False)
    batch = source.part("test").take(torch.arange(counts["test"]), 0)
    with torch.no_grad():
        answer = recipe.task.predict(recipe.net, batch)["state"]
    return answer.probabilities, batch.truth["state"]


def test_proxies_follow_the_cause_and_know_less_by_a_known_gap():
    sky = Quenching()
    values, passive = sky.draw(np.arange(40000), seed=0, split="a")
    correlations = np.corrcoef(values.T.numpy())[0, 1:]
    assert correlations.min() > 0.9
    areas = {name: sky.bayes_auc(name) for name in NAMES}
    assert areas[CAUSE] - max(areas[name] for name in NAMES[1:]) == pytest.approx(0.02, abs=0.001)
    # The property itself ranks as well as any function of it.
    for i, name in enumerate(NAMES):
        found = auroc(torch.stack([-values[:, i], values[:, i]], 1), passive)
        assert found == pytest.approx(areas[name], abs=0.008)


def test_the_bayes_area_is_half_without_a_relation_and_falls_with_scatter():
    sky = Quenching(properties=(Property("nothing", "", 0.0, 1.0, 0.0, 0.0),))
    assert sky.bayes_auc("nothing") == pytest.approx(0.5, abs=1e-6)
    areas = [
        Quenching(properties=(Property("x", "", 0.0, 1.0, r, 0.0),)).bayes_auc("x")
        for r in (0.3, 0.6, 0.9)
    ]
    assert areas == sorted(areas) and areas[-1] < 0.87


def test_one_hidden_layer_finds_the_cause_and_reaches_the_bayes_area():
    counts = {"train": 6000, "validation": 500, "test": 20000}
    found = {name: alone(name, **counts) for name in (CAUSE, NAMES[1])}
    labels = found[CAUSE][1]
    ranked = ranking({name: answer for name, (answer, _) in found.items()}, labels, draws=200)
    assert list(ranked.areas) == [CAUSE, NAMES[1]]
    assert ranked.first[CAUSE] >= 0.95
    for name in found:
        assert ranked.areas[name].value == pytest.approx(Quenching().bayes_auc(name), abs=0.01)


def test_equal_inputs_share_the_first_place():
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=2000)
    inputs = {}
    for name in "abc":
        score = labels + generator.normal(size=2000)
        inputs[name] = np.stack([-score, score], 1)
    assert max(ranking(inputs, labels, draws=300).first.values()) < 0.9


def test_coefficients_mislead_where_proxies_share_their_scatter():
    """The masses share their errors, so their difference tells the cause: both look important."""
    first = []
    for seed in range(12):
        source = mock(objects={"train": 4000, "validation": 500}, seed=seed)
        fitted = TableLogistic("state", strengths=(10.0,)).fit(source)
        first.append(NAMES[int(fitted.importances().argmax())])
    assert first.count(CAUSE) < 0.9 * len(first)


def test_rivals_classify_and_leave_empty_rows_out():
    source = mock(objects={"train": 2000, "validation": 500, "test": 1000}, seed=1)
    batch = source.part("test").take(torch.arange(1000), 0)
    batch.values[0] = torch.nan
    for rival in (TableLogistic("state"), TableForest("state", trees=40, leaves=(20,))):
        probabilities = rival.fit(source).predict(batch)["state"].probabilities
        assert bool(probabilities[0].isnan().all())
        assert auroc(probabilities, batch.truth["state"]) > 0.8


def test_a_missing_number_takes_the_columns_mean():
    source = mock(objects={"train": 600, "validation": 100}, seed=0)
    recipe = quenching(source, epochs=1)
    fit(recipe.net, recipe.task, source, recipe.training, progress=False)
    batch = source.take(torch.arange(2), 0)
    batch.values[0] = torch.nan
    with torch.no_grad():
        middle = recipe.net(batch)[0].softmax(0)
    assert bool(middle.isfinite().all()) and 0.2 < float(middle[1]) < 0.8


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Quenching(steepness=0.0),
        lambda: Quenching().bayes_auc("colour"),
        lambda: mock(objects={"train": 1}, seed=0, columns=("colour",)),
        lambda: ranking({}, np.array([0, 1])),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()
