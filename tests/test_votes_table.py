"""Tables of votes: published fractions become counts, and what cannot be is flagged."""

import numpy as np
import pytest
import torch
from astropy.table import Table
from PIL import Image

from deepfield.data.labelled import LabelledImages
from deepfield.data.votes_table import BAD, counted, from_fractions, tidy
from deepfield.evaluate.statistics import statistics
from deepfield.nouns.batch import Truth
from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.votes import Votes
from deepfield.sky.ballot import ballot
from deepfield.tasks.votes import VoteFractions

NUMBER = 60


@pytest.fixture(scope="module")
def votes():
    """Counts of forty volunteers."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(NUMBER, 37, generator=generator)
    fractions = GALAXY_ZOO_2.normalised(logits.exp())
    return ballot(GALAXY_ZOO_2, fractions, np.arange(NUMBER), volunteers=40, seed=0, split="test")


def published(votes):
    """The same as Galaxy Zoo 2 publishes them."""
    fractions = GALAXY_ZOO_2.normalised(votes).nan_to_num()
    table = Table({"objid": np.arange(NUMBER), "total_classifications": np.full(NUMBER, 40.0)})
    number = 0
    for task, question in enumerate(GALAXY_ZOO_2.questions, 1):
        for answer in question.answers:
            name = f"t{task:02d}_{question.name}_a{number + 1:02d}_{answer}_weighted_fraction"
            table[name] = fractions[:, number].numpy().round(3)
            number += 1
    return table


def counts(table):
    return torch.stack([torch.from_numpy(np.asarray(table[n])) for n in GALAXY_ZOO_2.columns], 1)


def test_counts_come_back_from_published_fractions(votes):
    table = tidy(published(votes))
    assert torch.equal(counts(table), votes)
    assert table[BAD].tolist() == [0] * NUMBER
    assert table.colnames[:2] == ["objid", "total_classifications"]
    assert not [name for name in table.colnames if name.startswith("t01")]


def test_a_tidy_table_stays_as_it_is(votes):
    once = tidy(published(votes))
    again = tidy(once)
    assert torch.equal(counts(again), counts(once))


def test_what_cannot_be_is_flagged_and_the_rest_kept(votes):
    table = published(votes)
    table["t01_smooth_or_features_a01_smooth_weighted_fraction"][3] += 0.5
    table["t03_bar_a06_bar_weighted_fraction"][5] = -0.25
    table["total_classifications"][7] = 0
    found = tidy(table)
    assert found[BAD][[3, 5, 7]].tolist() == [1, 1, 11]
    assert found[BAD].sum() == 13
    assert np.isnan(found["bar_bar"][5])
    assert np.isfinite(found["smooth_or_features_smooth"][5])


def test_more_votes_than_volunteers_were_led_there(votes):
    bad = votes.clone()
    bar = GALAXY_ZOO_2.columns.index("bar_bar")
    bad[2, bar] += 30
    bad[4, 0] = -1
    found = counted(GALAXY_ZOO_2, bad)
    assert found.bad[2] == 1
    assert found.bad[4] >= 1
    assert bool(found.votes[2, bar].isnan())
    assert torch.equal(found.votes[5:], votes[5:])


def test_a_question_that_nobody_was_asked_has_no_votes():
    fractions = torch.zeros(1, 37)
    fractions[0, 2] = 1
    found = from_fractions(GALAXY_ZOO_2, fractions, torch.tensor([40.0]))
    assert found.bad.tolist() == [0]
    assert float(found.votes.sum()) == 40


def test_tables_without_votes_are_refused(votes):
    with pytest.raises(ValueError, match="no votes for smooth_or_features_smooth, "):
        tidy(Table({"id": ["a"], "kind": ["spiral"]}))
    short = published(votes)
    short.remove_column("t08_odd_feature_a19_ring_weighted_fraction".replace("a19", "a19"))
    with pytest.raises(ValueError, match="no votes for odd_feature_ring; expected a column"):
        tidy(short)
    without = published(votes)
    without.remove_column("total_classifications")
    with pytest.raises(ValueError, match="no votes for total_classifications"):
        tidy(without)
    nothing = published(votes)
    nothing["total_classifications"] = -1.0
    with pytest.raises(ValueError, match="none of 60 objects has votes that can be"):
        tidy(nothing)
    words = tidy(published(votes))
    words["bar_bar"] = ["many"] * NUMBER
    with pytest.raises(ValueError, match="column bar_bar holds"):
        tidy(words)


def test_published_votes_are_labels_as_they_are(votes, tmp_path):
    table = published(votes)[:4]
    for name in table["objid"]:
        pixels = np.random.default_rng(int(name)).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    table.rename_column("objid", "id")
    table.write(tmp_path / "votes.csv")
    source = LabelledImages.open(tmp_path, tmp_path / "votes.csv", size=8)
    truth = source.take(torch.arange(4), 0).truth
    assert torch.equal(GALAXY_ZOO_2.stacked(dict(truth)), votes[:4].float())


def test_errors_of_votes_come_with_intervals(votes):
    fractions = GALAXY_ZOO_2.normalised(votes + 1.0).float()
    answer = Votes(GALAXY_ZOO_2, fractions, torch.full((NUMBER, 11), 10.0))
    truth = Truth(dict(zip(GALAXY_ZOO_2.quantities, votes.float().T, strict=True)))
    prediction = Prediction({"votes": answer})
    found = statistics(prediction, truth)["rmse_fractions"](np.ones((1, NUMBER)))[0]
    assert found == pytest.approx(
        VoteFractions(GALAXY_ZOO_2).score(prediction, truth)["rmse_fractions"]
    )
    assert statistics(prediction, Truth({})) == {}
