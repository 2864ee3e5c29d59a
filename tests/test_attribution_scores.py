"""Scores of attribution: perfect maps score 1, opposite ones 0, random ones as chance has it."""

import pytest
import torch
from scipy.stats import spearmanr

from deepfield.scores.attribution import (
    area,
    deletion,
    insertion,
    mass_inside,
    overlap,
    pointing_game,
    rank_correlation,
)
from deepfield.scores.neighbours import purity


def evidence(objects=50, side=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(objects, side, side, generator=generator) < 0.2


def chance(objects=50, side=12, seed=1):
    return torch.rand(objects, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("score", [pointing_game, overlap, mass_inside])
def test_the_truth_scores_one_and_its_opposite_zero(score):
    truth = evidence()
    assert score(truth.float(), truth) == pytest.approx(1)
    assert score(1 - truth.float(), truth) == 0
    assert 0.02 < score(chance(), truth) < 0.45
    assert score(truth.float() * chance(), truth) > score(chance(), truth)


@pytest.mark.parametrize("score", [pointing_game, overlap, mass_inside])
def test_objects_without_evidence_are_left_out(score):
    truth = evidence()
    truth[10:] = False
    assert score(chance(), truth) == pytest.approx(score(chance()[:10], truth[:10]))
    assert torch.tensor(score(chance(), torch.zeros_like(truth))).isnan()


def test_random_maps_score_their_share_of_the_area():
    truth, maps = evidence(2000), chance(2000)
    share = float(truth.float().mean())
    assert pointing_game(maps, truth) == pytest.approx(share, abs=0.03)
    assert mass_inside(maps, truth) == pytest.approx(share, abs=0.01)
    # Without evidence of its own a map hits by luck, not by the first pixel of the grid.
    assert pointing_game(torch.zeros(2000, 12, 12), truth) == pytest.approx(share, abs=1e-3)


def test_tolerance_counts_pixels_beside_the_evidence():
    maps, truth = torch.zeros(1, 9, 9), torch.zeros(1, 9, 9, dtype=torch.bool)
    maps[0, 4, 4] = 1
    truth[0, 6, 3] = True
    assert [pointing_game(maps, truth, tolerance=t) for t in (0, 1, 2, 3)] == [0, 0, 1, 1]


def test_overlap_of_half_the_pixels_is_a_third():
    truth = torch.zeros(1, 4, 4, dtype=torch.bool)
    truth[0, 0] = True
    maps = torch.zeros(1, 4, 4)
    maps[0, :2, :2] = 1
    assert overlap(maps, truth) == pytest.approx(1 / 3)


def test_curves_of_a_linear_score_are_sums_of_what_is_left():
    values = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    maps = values.sum(1)

    def score(x):
        return x.sum((1, 2, 3))

    ordered = maps.flatten(1).sort(1, descending=True).values
    taken = torch.cat([torch.zeros(3, 1), ordered.cumsum(1)], 1)
    whole = score(values)[:, None]
    torch.testing.assert_close(deletion(score, values, maps, steps=16), whole - taken)
    torch.testing.assert_close(insertion(score, values, maps, steps=16), taken)
    torch.testing.assert_close(
        deletion(score, values, maps, steps=4), (whole - taken)[:, [0, 4, 8, 12, 16]]
    )
    torch.testing.assert_close(
        deletion(score, values, maps, steps=1, baseline=2.0)[:, 1], torch.full((3,), 64.0)
    )


def test_the_best_order_has_the_smallest_deletion_and_largest_insertion():
    values = chance(8)[:, None]

    def score(x):
        return x.square().sum((1, 2, 3))

    best, random = values[:, 0].square(), chance(8, seed=4)
    for curve, better in ((deletion, torch.lt), (insertion, torch.gt)):
        good, poor = (area(curve(score, values, maps, steps=24)) for maps in (best, random))
        assert bool(better(good, poor).all())
    assert area(torch.ones(2, 7)).tolist() == pytest.approx([1, 1])


def test_rank_correlation_is_spearmans():
    one, two = chance(6), (chance(6) + 0.5 * chance(6, seed=3)).round(decimals=1)
    expected = [
        spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(one, two, strict=True)
    ]
    assert rank_correlation(one, two).tolist() == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(rank_correlation(one, -one), -torch.ones(6))
    assert bool(rank_correlation(one, torch.ones_like(one)).isnan().all())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: pointing_game(torch.zeros(2, 3, 4, 4), evidence(2, 4)),
            "sum the maps over bands",
        ),
        (lambda: overlap(torch.zeros(2, 4, 5), evidence(2, 4)), "expected both"),
        (lambda: deletion(len, torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)), "sum the maps"),
        (
            lambda: insertion(len, torch.zeros(2, 1, 4, 4), torch.zeros(2, 4, 4), steps=0),
            "0 steps",
        ),
        (lambda: rank_correlation(torch.zeros(2, 3), torch.zeros(2, 4)), "differ"),
        (lambda: purity(torch.zeros(5, 2), torch.zeros(5), neighbours=5), "expected more points"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_purity_is_one_of_islands_and_chance_of_a_mixture():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 3
    islands = torch.randn(600, 2, generator=generator) + 20 * labels[:, None]
    assert purity(islands, labels) == 1
    assert purity(torch.randn(600, 2, generator=generator), labels) == pytest.approx(
        1 / 3, abs=0.05
    )
    unknown = torch.where(torch.arange(600) < 300, labels, -1)
    assert purity(islands, unknown) == 1
