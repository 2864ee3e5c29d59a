"""Tasks: losses with gradients, predictions that do not depend on batches, scores."""

import numpy as np
import pytest
import torch
from torch import nn

from deepfield.nets.network import Network
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.tasks.classification import Classification

KIND = Quantity("kind", classes=("a", "b", "c"))


def tiny():
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    return Network(trunk, outputs=3, channels=1, size=12)


def batch(labels):
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(len(labels), 1, 12, 12, generator=generator)
    return Batch(
        np.arange(len(labels)).astype(str),
        values,
        ("r",),
        variance=torch.ones_like(values),
        truth=Truth({KIND: labels}),
    )


HARD = torch.tensor([0, 1, 2, 1, 0, 2])
SOFT = torch.nn.functional.one_hot(HARD, 3).float()


@pytest.mark.parametrize("labels", [HARD, SOFT], ids=["labels", "soft"])
def test_learning_one_batch_lowers_the_loss(labels):
    net, task = tiny(), Classification(KIND)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    losses = []
    for _ in range(40):
        loss = sum(task.losses(net, batch(labels)).values())
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None for p in net.parameters())
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_soft_labels_that_are_certain_are_labels():
    net, task = tiny(), Classification(KIND, weights=(1.0, 2.0, 0.5))
    hard = task.losses(net, batch(HARD))["cross_entropy"]
    soft = task.losses(net, batch(SOFT))["cross_entropy"]
    assert torch.allclose(hard, soft)


def test_unknown_labels_count_for_nothing():
    net, task = tiny(), Classification(KIND)
    some = HARD.clone()
    some[3:] = -1
    whole = task.losses(net, batch(some))["cross_entropy"]
    known = task.losses(net, batch(some).take(torch.arange(3)))["cross_entropy"]
    assert torch.allclose(whole, known)


def test_predictions_do_not_depend_on_batch_or_order():
    net, task, whole = tiny().eval(), Classification(KIND), batch(HARD)
    with torch.no_grad():
        together = task.predict(net, whole)["kind"].probabilities
        order = torch.tensor([4, 2, 0, 5, 1, 3])
        alone = torch.cat(
            [task.predict(net, whole.take(i[None]))["kind"].probabilities for i in order]
        )
    assert torch.allclose(together.sum(1), torch.ones(6))
    assert torch.allclose(together[order], alone, atol=1e-6)


def test_scores_leave_out_what_is_not_measured_or_known():
    probabilities = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 1, 0], [torch.nan] * 3])
    visible = Quantity("visible")
    truth = Truth({KIND: torch.tensor([0, 1, -1, 2]), visible: torch.tensor([1.0, 0, 1, 1])})
    scores = Classification(KIND).score(Prediction({"kind": Classes(KIND, probabilities)}), truth)
    assert scores["accuracy"] == 1.0
    assert scores["visible_fraction"] == 0.5


def test_two_classes_have_lens_challenge_scores():
    lens = Quantity("kind", classes=("other", "lens"))
    p = torch.tensor([0.1, 0.2, 0.9, 0.95])
    answer = Prediction({"kind": Classes(lens, torch.stack([1 - p, p], 1))})
    scores = Classification(lens).score(answer, Truth({lens: torch.tensor([0, 0, 1, 1])}))
    assert scores["tpr0"] == scores["tpr10"] == scores["auroc"] == 1.0
    assert scores["negatives"] == 2


def test_a_question_without_classes_is_refused():
    with pytest.raises(ValueError, match="has no classes"):
        Classification(Quantity("redshift"))
