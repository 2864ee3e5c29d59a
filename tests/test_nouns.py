"""The contracts: what enters is checked, and every answer keeps the same laws."""

import numpy as np
import pytest
import torch
from astropy.table import Table

from deepfield.nouns.batch import Batch, Truth, missing
from deepfield.nouns.catalogue import catalogue
from deepfield.nouns.flags import Flag
from deepfield.nouns.prediction import Classes, Prediction, Score
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.recipe import Claim
from deepfield.sky.surveys import sdss

KIND = Quantity("kind", classes=("a", "b", "c"))


def batch(**changes):
    given = {
        "ids": np.array(["x", "y"]),
        "values": torch.zeros(2, 3, 8, 8),
        "channels": ("g", "r", "i"),
        "variance": torch.ones(2, 3, 1, 1),
        "flags": torch.tensor([0, 4]),
        "truth": Truth({KIND: torch.tensor([0, 2])}),
    }
    return Batch(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": torch.zeros(2, 8, 8)}, "values have shape"),
        ({"channels": ("g", "r")}, "expected .object, 2 channels"),
        ({"values": torch.zeros(2, 3, 8, 8, dtype=torch.int64)}, "expected a float type"),
        ({"ids": np.array(["x"])}, "1 ids for 2 objects"),
        ({"variance": torch.zeros(2, 3, 1, 1)}, "infinite variance"),
        ({"variance": torch.ones(2, 4, 1, 1)}, "variance has shape"),
        ({"variance": torch.ones(3, 1, 1)}, "as many axes"),
        ({"psf": Psf(torch.ones(3, 1, 1, 1))}, "3 PSFs for 2 objects"),
        ({"truth": Truth({KIND: torch.zeros(3)})}, "kind has 3 rows"),
        ({"flags": torch.zeros(1)}, "flags has 1 rows"),
    ],
)
def test_a_batch_that_does_not_fit_together_is_refused(changes, message):
    assert batch().check() is not None
    with pytest.raises(ValueError, match=message) as error:
        batch(**changes).check()
    assert "\n" not in str(error.value)


def test_taking_objects_keeps_everything_together():
    whole = batch(sky_position=torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    second = whole.take(torch.tensor([1]))
    assert second.ids.tolist() == ["y"] and len(second) == 1
    assert second.truth["kind"].tolist() == [2] and second.flags.tolist() == [4]
    assert second.sky_position.tolist() == [[3.0, 4.0]]
    shared = batch(variance=torch.ones(1, 3, 1, 1)).take(torch.tensor([1, 0, 1]))
    assert shared.check().variance.shape == (1, 3, 1, 1)


def test_missing_is_what_has_no_value_or_no_weight():
    variance = torch.ones(2, 3, 8, 8)
    variance[0, 1] = torch.inf
    values = torch.zeros(2, 3, 8, 8)
    values[1, 2, 3, 4] = torch.nan
    found = missing(batch(values=values, variance=variance))
    assert found.sum() == 65 and found[0, 1].all() and found[1, 2, 3, 4]


@pytest.mark.parametrize(
    "kernel", [torch.ones(1, 1, 2, 2) / 4, torch.ones(1, 3, 3) / 9, torch.ones(1, 1, 3, 3)]
)
def test_a_psf_without_centre_axes_or_unit_sum_is_refused(kernel):
    with pytest.raises(ValueError, match="PSF kernel"):
        Psf(kernel)


def test_a_question_of_one_class_is_refused():
    with pytest.raises(ValueError, match="only one class"):
        Quantity("kind", classes=("spiral",))
    with pytest.raises(ValueError, match="repeated"):
        Quantity("kind", classes=("a", "a"))


def test_a_survey_says_which_bands_it_has():
    assert sdss().select(("r", "g")).channels == ("r", "g")
    with pytest.raises(ValueError, match=r"no band K; it has g, r, i"):
        sdss().select(("K",))


ANSWERS = {
    "classes": (Classes(KIND, torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])), "c"),
    "score": (Score(Quantity("oddity"), torch.tensor([0.2, 0.9])), "oddity"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_keeps_the_contract(name):
    answer, what = ANSWERS[name]
    assert len(answer) == 2 and len(answer.columns()) == 2
    assert len(answer.scalar(what)) == 2
    with pytest.raises(ValueError):
        answer.scalar("nothing of the kind")
    order = torch.tensor([1, 0, 1])
    assert torch.equal(answer[order].scalar(what), answer.scalar(what)[order])
    joined = type(answer).join([answer, answer[order]])
    assert torch.equal(joined.scalar(what), torch.cat([answer.scalar(what)] * 2)[[0, 1, 3, 2, 3]])
    assert torch.allclose(type(answer).pool([answer, answer]).scalar(what), answer.scalar(what))
    blank = answer.blank(torch.tensor([True, False]))
    assert blank.scalar(what)[0].isnan() and blank.scalar(what)[1] == answer.scalar(what)[1]


def test_a_catalogue_keeps_the_users_columns_order_and_flags():
    answers = Prediction(
        {
            "kind": ANSWERS["classes"][0],
            "out_of_domain": Score(Quantity("out_of_domain"), torch.tensor([0.2, 0.995])),
        }
    )
    known = Table({"object_id": ["x", "y"], "ra": [1.0, 2.0]})
    table = catalogue(batch(), answers, known=known, provenance={"weights": "abc"})
    assert table.colnames[:2] == ["object_id", "ra"] and table.meta["weights"] == "abc"
    assert table["flags"].tolist() == [0, int(Flag.UNREADABLE | Flag.OUT_OF_DOMAIN)]
    with pytest.raises(ValueError, match="1 known rows for 2 objects"):
        catalogue(batch(), answers, known=known[:1])


def test_a_claim_does_not_hold_without_a_number():
    claim = Claim("x", "here", at_least=0.5, at_most=0.9)
    assert [claim.holds(x) for x in (0.4, 0.7, 0.95, float("nan"))] == [False, True, False, False]
