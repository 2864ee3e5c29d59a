"""Scores of vote fractions: errors beside those that nobody can avoid, and calibration."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from deepfield.scores.binomial import binomial_interval
from deepfield.scores.calibration import Reliability
from deepfield.scores.known import as_array
from deepfield.scores.resampled import Statistic, once, share

LEVELS = np.linspace(0, 1, 101)
AGREEMENT = 0.8
BINS = 15
CERTAIN = 1e6
"""concentration beyond which votes are as good as binomial"""
CHUNK = 4096


def rmse(predicted: Tensor | np.ndarray, observed: Tensor | np.ndarray) -> float:
    """Root of the mean squared difference over all objects and answers; NaN is left out.

    Args:
        predicted, observed: [object, answer] shares of all volunteers.

    Example:
        >>> rmse(np.array([[0.5, 0.5]]), np.array([[0.8, 0.2]])).__round__(3)
        0.3
    """
    return once(rmse_of(predicted, observed), len(predicted))


def rmse_of(predicted: Tensor | np.ndarray, observed: Tensor | np.ndarray) -> Statistic:
    """``rmse`` as a function of how often each object counts.

    Example:
        >>> error = rmse_of(np.array([[0.5], [0.5]]), np.array([[0.8], [0.5]]))
        >>> error(np.array([[1, 0], [0, 1]])).round(3)
        array([0.3, 0. ])
    """
    gap = _gap(predicted, observed)
    square = np.nansum(gap**2, 1)
    number = np.isfinite(gap).sum(1)
    return lambda weights: np.sqrt(share(weights @ square, weights @ number))


def rmse_irreducible(observed: Tensor | np.ndarray, volunteers: Tensor | np.ndarray) -> float:
    """The ``rmse`` of whoever knows every answer's true probability p: sqrt(mean p (1 - p) / n).

    The true p need not be known: for n binomial votes f (1 - f) / (n - 1) has the mean
    p (1 - p) / n.

    Args:
        observed: [object, answer] shares of all volunteers.
        volunteers: [object] how many there are; objects with fewer than two are left out.

    Example:
        >>> rmse_irreducible(np.array([[0.5, 0.5]]), np.array([26])).__round__(3)
        0.1
    """
    seen, count = as_array(observed).astype(float), as_array(volunteers).astype(float)[:, None]
    several = count > 1
    variance = np.where(several, seen * (1 - seen) / np.where(several, count - 1, 1), np.nan)
    known = np.isfinite(variance).any()
    return float(np.sqrt(np.nanmean(variance))) if known else float("nan")


def bias(predicted: Tensor | np.ndarray, observed: Tensor | np.ndarray) -> float:
    """Mean of predicted less observed for the answer where it is farthest from 0.

    Args:
        predicted, observed: [object, answer].

    Example:
        >>> bias(np.array([[0.5, 0.5]]), np.array([[0.4, 0.5]])).__round__(3)
        0.1
    """
    gap = _gap(predicted, observed)
    known = gap[:, np.isfinite(gap).any(0)]
    means = np.nanmean(known, 0)
    return float(means[np.abs(means).argmax()]) if means.size else float("nan")


def scatter(predicted: Tensor | np.ndarray, observed: Tensor | np.ndarray) -> float:
    """Standard deviation of predicted less observed, each answer about its own mean.

    Args:
        predicted, observed: [object, answer].

    Example:
        >>> scatter(np.array([[0.5], [0.5]]), np.array([[0.4], [0.6]])).__round__(3)
        0.1
    """
    gap = _gap(predicted, observed)
    gap = gap[:, np.isfinite(gap).any(0)]
    return float(np.sqrt(np.nanmean((gap - np.nanmean(gap, 0)) ** 2))) if gap.size else np.nan


def accuracy_agreed(
    predicted: Tensor | np.ndarray,
    votes: Tensor | np.ndarray,
    questions: Sequence[slice],
    *,
    agreement: float = AGREEMENT,
) -> float:
    """How often the likeliest answer is the one that at least this share of volunteers gave.

    Counted are all questions of all objects that at least half of the volunteers were asked, and
    so agree on.

    Args:
        predicted: [object, answer] fractions among those who are asked.
        votes: [object, answer] counts.
        questions: where the answers of each question lie; the first is asked of everybody.
        agreement: share of the votes that the first answer must have.

    Returns:
        between 0 and 1; NaN where volunteers agree on nothing.

    Example:
        >>> accuracy_agreed(np.array([[0.9, 0.1]]), np.array([[10, 1]]), [slice(0, 2)])
        1.0
    """
    answers, counts = as_array(predicted).astype(float), as_array(votes).astype(float)
    everybody = counts[:, questions[0]].sum(1)
    right, among = 0, 0
    for at in questions:
        asked, most = counts[:, at].sum(1), counts[:, at].max(1)
        agreed = (asked >= 0.5 * everybody) & (most >= agreement * asked) & (asked > 0)
        agreed &= np.isfinite(answers[:, at]).all(1)
        right += int((answers[agreed, at].argmax(1) == counts[agreed, at].argmax(1)).sum())
        among += int(agreed.sum())
    return right / among if among else float("nan")


def calibration_error(
    predicted: Tensor | np.ndarray, votes: Tensor | np.ndarray, asked: Tensor | np.ndarray
) -> float:
    """Mean gap between predicted fractions and those that volunteers gave, in bins.

    The bins are ordered by the prediction and hold equally many votes.

    Args:
        predicted: [object, answer] fractions among those who are asked.
        votes, asked: [object, answer] how many gave the answer, of how many.

    Example:
        >>> calibration_error(np.full((9, 1), 0.5), np.full((9, 1), 4), np.full((9, 1), 10))
        0.1
    """
    found = vote_reliability(predicted, votes, asked)
    if not len(found.count):
        return float("nan")
    gap = np.abs(found.confidence - found.accuracy) * found.count
    return round(float(gap.sum() / found.count.sum()), 12)


def vote_reliability(
    predicted: Tensor | np.ndarray, votes: Tensor | np.ndarray, asked: Tensor | np.ndarray
) -> Reliability:
    """Fractions that volunteers gave against predicted ones, in the bins of ``calibration_error``.

    Args:
        predicted, votes, asked: as in ``calibration_error``.

    Returns:
        by bin the mean predicted fraction (``confidence``), that of the votes (``accuracy``) with
        its 95 % binomial limits, and the number of votes; no bins without votes.

    Example:
        >>> found = vote_reliability(np.full((9, 1), 0.5), np.full((9, 1), 4), np.full((9, 1), 10))
        >>> set(found.confidence.round(6).tolist()), set(found.accuracy.round(6).tolist())
        ({0.5}, {0.4})
    """
    fraction, count, total = _pairs(predicted, votes, asked)
    order = np.argsort(fraction, kind="stable")
    fraction, count, total = fraction[order], count[order], total[order]
    place = np.minimum((total.cumsum() - total / 2) / total.sum() * BINS, BINS - 1).astype(int)
    said, seen, many = (np.bincount(place, w, BINS) for w in (fraction * total, count, total))
    some = many > 0
    said, seen, many = said[some], seen[some], many[some]
    low, high = binomial_interval(seen, many)
    return Reliability(said / many, seen / many, many, low, high)


def vote_ranks(
    predicted: Tensor | np.ndarray,
    concentration: Tensor | np.ndarray,
    votes: Tensor | np.ndarray,
    asked: Tensor | np.ndarray,
) -> np.ndarray:
    """Mean probability integral transform of beta-binomial counts: uniform if they are right.

    Counts are discrete: each spreads its rank evenly between the probability of fewer votes and
    that of as many (Czado, Gneiting & Held 2009, Biometrics 65, 1254).

    Args:
        predicted: [object, answer] expected fractions.
        concentration: [object, answer] of the beta distribution about them.
        votes, asked: [object, answer] how many gave the answer, of how many.

    Returns:
        [101] share of the ranks up to 0, 0.01, ... 1; NaN without votes.

    Example:
        >>> half, many = np.full((1, 1), 0.5), np.full((1, 1), 1e9)
        >>> ranks = vote_ranks(half, many, np.array([[1]]), np.array([[2]]))
        >>> ranks[[25, 50, 75]].round(6).tolist()
        [0.0, 0.5, 1.0]
    """
    fraction, count, total, sure = _pairs(predicted, votes, asked, concentration)
    if not len(fraction):
        return np.full(len(LEVELS), np.nan)
    sums = np.zeros(len(LEVELS))
    for start in range(0, len(fraction), CHUNK):
        rows = slice(start, start + CHUNK)
        low, high = _below(fraction[rows], sure[rows], count[rows], total[rows])
        step = np.maximum(high - low, 1e-12)
        sums += ((LEVELS[:, None] - low) / step).clip(0, 1).sum(1)
    return sums / len(fraction)


def pit_ks(ranks: np.ndarray) -> float:
    """Largest distance of ``vote_ranks`` from the uniform distribution.

    Example:
        >>> pit_ks(LEVELS)
        0.0
    """
    return float(np.abs(ranks - LEVELS).max())


def _below(
    fraction: np.ndarray, sure: np.ndarray, count: np.ndarray, total: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of fewer votes than these, and of at most as many."""
    k = np.arange(int(total.max()))
    a, b = (sure * fraction)[:, None], (sure * (1 - fraction))[:, None]
    left = total[:, None] - k
    inside = left > 0
    # Ratio of the probabilities of k + 1 and of k votes.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(inside, np.log(left * (k + a) / ((k + 1) * (left - 1 + b))), -np.inf)
    logs = np.concatenate([np.zeros((len(total), 1)), ratio.cumsum(1)], 1)
    density = np.exp(logs - logs.max(1, keepdims=True))
    sums = np.concatenate([np.zeros((len(total), 1)), density.cumsum(1)], 1)
    sums /= sums[:, -1:]
    row, vote = np.arange(len(total)), count.round().astype(int)
    return sums[row, vote], sums[row, vote + 1]


def _pairs(
    predicted: Tensor | np.ndarray,
    votes: Tensor | np.ndarray,
    asked: Tensor | np.ndarray,
    concentration: Tensor | np.ndarray | None = None,
) -> tuple[np.ndarray, ...]:
    """Of every answer that somebody could give: fraction, votes, asked and concentration."""
    fraction, count, total = (as_array(x).astype(float) for x in (predicted, votes, asked))
    use = np.isfinite(fraction) & np.isfinite(count) & (total > 0)
    found = (fraction[use].clip(1e-9, 1 - 1e-9), count[use], total[use])
    if concentration is None:
        return found
    return (*found, as_array(concentration).astype(float)[use].clip(1e-6, CERTAIN))


def _gap(predicted: Tensor | np.ndarray, observed: Tensor | np.ndarray) -> np.ndarray:
    first, second = as_array(predicted).astype(float), as_array(observed).astype(float)
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(
            f"predicted fractions have shape {first.shape} and observed ones {second.shape}; "
            "expected [object, answer] both"
        )
    return first - second
