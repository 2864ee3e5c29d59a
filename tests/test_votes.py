"""Votes: trees, exact likelihoods, the task, its scores, and rivals that answer alike."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from deepfield.data.blank import Blank
from deepfield.losses.votes import dirichlet_multinomial, multinomial
from deepfield.nets.network import Network
from deepfield.nets.staged import Staged
from deepfield.nets.thin import thin
from deepfield.nets.views import Views, parts, places
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.decision_tree import DecisionTree, Question
from deepfield.nouns.galaxy_zoo import CANDELS, GALAXY_ZOO_2
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.votes import Votes
from deepfield.recipes.galaxy_zoo import galaxy_zoo
from deepfield.scores import votes as scores
from deepfield.sky.ballot import ballot
from deepfield.tasks.votes import CertainFractions, VoteFractions

TREE = DecisionTree(
    (
        Question("shape", ("smooth", "disc", "star")),
        Question("bar", ("yes", "no"), after=("shape_disc",)),
        Question("odd", ("yes", "no"), after=("shape_smooth", "shape_disc")),
    )
)
FRACTIONS = torch.tensor([[0.5, 0.3, 0.2, 0.25, 0.75, 0.1, 0.9]])
COUNTS = torch.tensor([[20.0, 12, 8, 3, 9, 4, 28], [0, 0, 40, 0, 0, 0, 0]])


def truth(votes, tree=TREE):
    return Truth(dict(zip(tree.quantities, votes.T, strict=True)))


def batch(votes, tree=TREE):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(len(votes), 1, 16, 16, generator=generator)
    return Batch(
        np.arange(len(votes)).astype(str),
        values,
        ("r",),
        variance=torch.ones(1, 1, 1, 1),
        truth=truth(votes, tree),
    )


def tiny(task):
    torch.manual_seed(0)
    return Network(thin(2, (4, 8)), outputs=task.outputs, channels=1, size=16)


# The tree


def test_probabilities_multiply_down_the_tree():
    joint = TREE.joint(FRACTIONS)[0]
    expected = [0.5, 0.3, 0.2, 0.3 * 0.25, 0.3 * 0.75, 0.8 * 0.1, 0.8 * 0.9]
    assert torch.allclose(joint, torch.tensor(expected))
    assert torch.allclose(TREE.asked(FRACTIONS)[0], torch.tensor([1.0, 0.3, 0.8]))


def test_galaxy_zoo_has_the_papers_answers_and_loses_no_volunteer():
    assert len(GALAXY_ZOO_2.questions) == 11
    assert len(GALAXY_ZOO_2.columns) == 37
    logits = torch.randn(50, 37, generator=torch.Generator().manual_seed(0))
    fractions = GALAXY_ZOO_2.normalised(logits.exp())
    asked, joint = GALAXY_ZOO_2.asked(fractions), GALAXY_ZOO_2.joint(fractions)
    assert torch.allclose(GALAXY_ZOO_2.total(joint), asked, atol=1e-6)
    assert float(asked.max()) <= 1 + 1e-6
    column = GALAXY_ZOO_2.columns.index
    edge, face = joint[:, column("edgeon_yes")], joint[:, column("edgeon_no")]
    assert torch.allclose(
        edge + face, joint[:, column("smooth_or_features_features_or_disk")], atol=1e-6
    )


def test_joint_shares_have_gradients():
    logits = torch.randn(4, 7, requires_grad=True)
    TREE.joint(TREE.normalised(logits.exp()))[:, 3].sum().backward()
    assert bool((logits.grad[:, 3:5].abs() > 0).all())
    assert bool((logits.grad[:, :3].abs() > 0).all())
    assert bool((logits.grad[:, 5:] == 0).all())


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        ((), "expected at least one"),
        ((Question("a", ("x",)),), "question a has 1 answers"),
        ((Question("a", ()),), "question a has 0 answers"),
        ((Question("a", ("x", "x")),), "answers are repeated: a_x"),
        ((Question("a", ("x", "y"), after=("b_x",)),), "first asked of everybody"),
        (
            (Question("a", ("x", "y")), Question("b", ("x", "y"), after=("c_x",))),
            "question b comes after c_x; expected answers of earlier questions: a_x, a_y",
        ),
    ],
)
def test_trees_that_cannot_be_are_refused(questions, said):
    with pytest.raises(ValueError, match=said):
        DecisionTree(questions)


# Likelihoods


def test_the_multinomial_is_scipys():
    rng = np.random.default_rng(0)
    p, votes = rng.dirichlet(np.ones(5), 20), rng.integers(0, 12, (20, 5))
    ours = multinomial(torch.tensor(p).log(), torch.tensor(votes).double())
    exact = [-stats.multinomial(v.sum(), q).logpmf(v) for v, q in zip(votes, p, strict=True)]
    assert np.allclose(ours, exact, rtol=1e-10)


def test_the_dirichlet_multinomial_is_scipys():
    rng = np.random.default_rng(1)
    p, votes = rng.dirichlet(np.ones(4), 20), rng.integers(0, 12, (20, 4))
    sure = rng.lognormal(2, 1, 20)
    ours = dirichlet_multinomial(torch.tensor(p), torch.tensor(sure), torch.tensor(votes).double())
    exact = [
        -stats.dirichlet_multinomial(a * q, v.sum()).logpmf(v)
        for v, q, a in zip(votes, p, sure, strict=True)
    ]
    assert np.allclose(ours, exact, rtol=1e-9)


def test_golden_values():
    votes, p = torch.tensor([3.0, 1.0]).double(), torch.tensor([0.75, 0.25]).double()
    # 4 * 0.75^3 * 0.25 = 27/64; Beta(3, 1) prior: 4 B(6, 2) / B(3, 1) = 4 * 3 / 42.
    assert torch.allclose(multinomial(p.log(), votes).exp(), torch.tensor(64 / 27).double())
    pooled = dirichlet_multinomial(p, torch.tensor(4.0).double(), votes)
    assert torch.allclose(pooled.exp(), torch.tensor(42 / 12).double())


def test_certainty_is_the_multinomial():
    p, votes = FRACTIONS[:, :3].double(), COUNTS[:1, :3].double()
    sure = dirichlet_multinomial(p, torch.tensor([1e8]).double(), votes)
    assert torch.allclose(sure, multinomial(p.log(), votes), rtol=1e-5)


# The task


@pytest.mark.parametrize("make", [VoteFractions, CertainFractions])
def test_learning_one_batch_comes_near_the_votes(make):
    task = make(TREE)
    net, seen = tiny(task), batch(COUNTS.repeat(3, 1))
    optimizer, losses = torch.optim.Adam(net.parameters(), 0.02), []
    for _ in range(60):
        loss = sum(task.losses(net, seen).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    net.train()  # batch statistics: six objects are too few for others
    assert task.score(task.predict(net, seen), seen.truth)["rmse_fractions"] < 0.08


def test_a_question_that_nobody_was_asked_costs_nothing():
    task, net = VoteFractions(TREE), tiny(VoteFractions(TREE)).eval()
    with torch.no_grad():
        one = batch(COUNTS[1:])
        logs, sure = task._split(net(one))
        expected = dirichlet_multinomial(logs[:, :3].exp(), sure[:, 0], COUNTS[1:, :3]).mean() / 3
        assert torch.allclose(task.losses(net, one)["dirichlet_multinomial"], expected, rtol=1e-4)


def test_bad_counts_of_one_object_cost_nothing():
    task, net = VoteFractions(TREE), tiny(VoteFractions(TREE)).eval()
    bad = COUNTS.clone()
    bad[0, 3], bad[1, 0] = -2, torch.nan
    clean = COUNTS.clone()
    clean[0, 3:5], clean[1, :3] = 0, 0
    with torch.no_grad():
        both = [float(task.losses(net, batch(v))["dirichlet_multinomial"]) for v in (bad, clean)]
        prediction = task.predict(net, batch(bad))
    assert both[0] == pytest.approx(both[1])
    assert np.isfinite(task.score(prediction, truth(bad))["rmse_fractions"])


def test_votes_for_an_answer_must_be_there():
    task = VoteFractions(TREE)
    some = Truth(dict(zip(TREE.quantities[:-1], COUNTS[:, :-1].T, strict=True)))
    with pytest.raises(ValueError, match=r"no votes for odd_no; expected a column of counts"):
        task.losses(
            tiny(task),
            Batch(
                np.array(["a", "b"]),
                torch.zeros(2, 1, 16, 16),
                ("r",),
                variance=torch.ones(1, 1, 1, 1),
                truth=some,
            ),
        )


# The answer


def test_the_spread_is_that_of_a_dirichlet():
    sure = torch.tensor([[9.0, 9.0, torch.inf]])
    votes = Votes(TREE, FRACTIONS, sure)
    drawn = torch.distributions.Dirichlet(9 * FRACTIONS[0, :3]).sample((200000,))
    assert torch.allclose(votes.sigma()[0, :3], drawn.std(0), atol=2e-3)
    assert bool((votes.sigma()[0, 5:] == 0).all())
    columns = votes.columns()
    assert columns["bar_asked"][0] == pytest.approx(0.3)
    assert columns["bar_yes"][0] == pytest.approx(0.25)


def test_answers_join_pool_and_blank():
    votes = Votes(TREE, FRACTIONS.repeat(3, 1), torch.full((3, 3), 4.0))
    again = Votes.join([votes[torch.tensor([0])], votes[torch.tensor([1, 2])]])
    assert torch.equal(again.fractions, votes.fractions)
    pooled = Votes.pool([votes, Votes(TREE, votes.fractions, 4 * votes.concentration)])
    assert torch.allclose(pooled.fractions, votes.fractions)
    assert torch.allclose(pooled.concentration, torch.tensor(8.0))
    blank = votes.blank(torch.tensor([False, True, False])).columns()
    assert np.isnan(blank["shape_disc"]).tolist() == [False, True, False]
    with pytest.raises(ValueError, match="no answer 'ring'; there is shape_smooth"):
        votes.scalar("ring")
    with pytest.raises(ValueError, match=r"expected \[object, 7 answers\]"):
        Votes(TREE, FRACTIONS[:, :5], torch.ones(1, 3))


# Scores


@pytest.fixture(scope="module")
def election():
    """Votes drawn from known fractions."""
    generator = torch.Generator().manual_seed(3)
    fractions = TREE.normalised(torch.randn(3000, 7, generator=generator).mul(1.5).exp())
    votes = ballot(TREE, fractions, np.arange(3000), volunteers=40, seed=0, split="test")
    return fractions, votes


def test_the_ballot_is_multinomial_down_the_tree(election):
    fractions, votes = election
    assert bool((votes[:, :3].sum(1) == 40).all())
    assert torch.equal(votes[:, 3:5].sum(1), votes[:, 1])
    assert torch.equal(votes[:, 5:].sum(1), votes[:, 0] + votes[:, 1])
    joint = TREE.joint(fractions)
    pull = (votes - 40 * joint) / (40 * joint * (1 - joint)).sqrt()
    assert float(pull.mean()) == pytest.approx(0, abs=0.02)
    assert float(pull.square().mean()) == pytest.approx(1, abs=0.03)
    few = ballot(TREE, fractions[5:7], np.arange(5, 7), volunteers=40, seed=0, split="test")
    assert torch.equal(few, votes[5:7])


def test_who_knows_the_truth_has_the_irreducible_error_and_is_calibrated(election):
    fractions, votes = election
    joint = TREE.joint(fractions)
    exact = float((joint * (1 - joint) / 40).mean().sqrt())
    answer = Votes(TREE, fractions, torch.full((3000, 3), torch.inf))
    found = CertainFractions(TREE).score(Prediction({"votes": answer}), truth(votes))
    assert found["rmse_irreducible"] == pytest.approx(exact, rel=0.01)
    assert found["rmse_over_irreducible"] == pytest.approx(1, abs=0.02)
    assert found["accuracy_agreed"] > 0.99
    assert abs(found["bias_fractions"]) < 0.004
    assert found["calibration_error"] < 0.008
    assert found["pit_ks_votes"] < 0.02
    assert found["coverage_68_votes"] == pytest.approx(0.68, abs=0.02)


def test_who_is_too_sure_or_too_shy_is_found_out(election):
    fractions, votes = election
    noise = torch.randn(3000, 7, generator=torch.Generator().manual_seed(1))
    off = TREE.normalised(fractions * noise.mul(0.5).exp())
    for sure, low, high in ((1e6, 0.0, 0.6), (2.0, 0.74, 1.0)):
        answer = Votes(TREE, off, torch.full((3000, 3), sure))
        found = VoteFractions(TREE).score(Prediction({"votes": answer}), truth(votes))
        assert low < found["coverage_68_votes"] < high
        assert found["rmse_over_irreducible"] > 1.3


def test_ranks_are_those_of_the_beta_binomial():
    p, sure, k, n = 0.3, 5.0, 4, 11
    exact = stats.betabinom(n, sure * p, sure * (1 - p))
    ranks = scores.vote_ranks(*(np.array([[x]]) for x in (p, sure, k, n)))
    low, high = exact.cdf(k - 1), exact.cdf(k)
    expected = ((scores.LEVELS - low) / (high - low)).clip(0, 1)
    assert np.allclose(ranks, expected, atol=1e-9)


def test_objects_without_votes_or_answers_are_left_out(election):
    fractions, votes = election
    some = votes[:200].clone()
    some[:20] = 0
    answer = Votes(TREE, fractions[:200], torch.full((200, 3), torch.inf))
    nothing = torch.arange(200) >= 180
    found = CertainFractions(TREE).score(Prediction({"votes": answer.blank(nothing)}), truth(some))
    middle = CertainFractions(TREE).score(
        Prediction({"votes": answer[torch.arange(20, 180)]}), truth(some[20:180])
    )
    assert found == middle
    none = CertainFractions(TREE).score(Prediction({"votes": answer}), truth(0 * some))
    assert np.isnan(none["rmse_fractions"])


# Views


def test_parts_of_a_turned_stamp_are_the_same_in_another_order():
    image = torch.randn(1, 2, 12, 12, generator=torch.Generator().manual_seed(0))
    where = places(12, 7)
    here = parts(image, where)
    for other in (image.rot90(1, (-2, -1)), image.flip(-1)):
        there = parts(other, where)
        gaps = (here[:, None] - there).abs().amax((2, 3, 4))
        assert float(gaps.min(1).values.max()) < 1e-4
    # Unturned parts are corners of the stamp, pixel by pixel, with the centre in their corner.
    assert torch.allclose(here[0], image[0, :, 5:, 5:], atol=1e-5)


def test_views_share_one_trunk_and_refuse_parts_that_do_not_overlap():
    whole = thin(2, (4, 8))
    net = Views(whole, features=8, size=12, part=7, hidden=5)
    assert net(torch.zeros(3, 2, 12, 12)).shape == (3, 5)
    inside = sum(p.numel() for p in net.shared.parameters())
    assert inside == sum(p.numel() for p in whole.parameters())
    with pytest.raises(ValueError, match="expected more than 6 px"):
        places(12, 6)


@pytest.mark.parametrize("size", [16, 48])
def test_every_stage_has_a_say(size):
    net = Staged(2, (4, 8), features=5).eval()
    image = torch.randn(3, 2, size, size, generator=torch.Generator().manual_seed(0))
    whole = net(image)
    assert whole.shape == (3, 5)
    weights = net.joint[1].weight
    for place in range(24):  # means and maxima of 4 and of 8 channels
        with torch.no_grad():
            kept = weights[:, place].clone()
            weights[:, place] += 1.0
            assert not torch.allclose(net(image), whole)
            weights[:, place] = kept
    # Where a pattern lies makes no difference to it, but for the edges.
    inside = torch.zeros(1, 2, 48, 48)
    inside[..., 20:24, 20:24] = 1.0
    assert torch.allclose(net(inside), net(inside.roll((4, -4), (2, 3))), atol=1e-5)


@pytest.mark.parametrize("number", [1, 16])
def test_the_recipe_builds_small_networks(number):
    source = Blank(("g", "r", "i"), GALAXY_ZOO_2.quantities)
    recipe = galaxy_zoo(source, parts=number)
    assert sum(p.numel() for p in recipe.net.parameters()) < 6e5
    images = Batch(
        np.array(["a"]),
        torch.zeros(1, 3, 48, 48),
        ("g", "r", "i"),
        variance=torch.ones(1, 1, 1, 1),
    )
    answer = recipe.task.predict(recipe.net.eval(), images)["votes"]
    assert answer.fractions.shape == (1, 37)
    assert isinstance(recipe.net, nn.Module)
    with pytest.raises(ValueError, match="4 parts; expected 1"):
        galaxy_zoo(source, parts=4)


def test_one_question_is_a_tree_too():
    assert CANDELS.joint(torch.full((2, 5), 0.2)).tolist() == torch.full((2, 5), 0.2).tolist()
