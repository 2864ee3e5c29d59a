"""Every method's posteriors beside the truth: what figures and tables are made from."""

from dataclasses import dataclass

import numpy as np

from deepfield.evaluate.compare import Comparison
from deepfield.evaluate.posteriors import measured
from deepfield.scores.coverage import Coverage, ball_coverage, central_coverage
from deepfield.scores.joint_scores import joint
from deepfield.scores.marginals import Marginal
from deepfield.scores.noise_levels import noise_levels
from deepfield.scores.uniformity import RankHistogram, rank_histogram

FEW = 1000
"""objects, below which a histogram of ranks has fewer bins"""


@dataclass(frozen=True)
class Measurements:
    """The posteriors of one method, of the objects that it answered.

    Args:
        quantities: by name, those that the truth knows.
        answers: the names of each joint posterior, by answer.
        levels: [object] nearest quoted signal-to-noise, 0 = none; None = not known.
    """

    quantities: dict[str, Marginal]
    answers: dict[str, tuple[str, ...]]
    levels: np.ndarray | None

    def together(self) -> list[Marginal]:
        """The quantities of the largest joint posterior."""
        names = max(self.answers.values(), key=len)
        return [self.quantities[name] for name in names]


def measurements(comparison: Comparison) -> dict[str, Measurements]:
    """The posteriors of every method that gives some.

    Args:
        comparison: of a network and its rivals.

    Returns:
        by method; empty where the network measures nothing that the truth knows.
    """
    every = {}
    for method in comparison.predictions:
        prediction, truth = comparison.answered(method)
        found = measured(prediction, truth)
        noise = truth.get("signal_to_noise")
        if found:
            every[method] = Measurements(
                {marginal.name: marginal for several in found.values() for marginal in several},
                {answer: tuple(m.name for m in several) for answer, several in found.items()},
                None if noise is None else noise_levels(noise),
            )
    return every


def coverages(every: dict[str, Measurements]) -> dict[str, dict[str, Coverage]]:
    """Nominal against actual coverage of central intervals, by quantity and method."""
    return {
        name: {
            method: central_coverage(found.quantities[name].pit)
            for method, found in every.items()
            if name in found.quantities
        }
        for name in _names(every)
    }


def joint_coverages(every: dict[str, Measurements]) -> dict[str, dict[str, Coverage]]:
    """Coverage of regions of joint posteriors, by where they grow from and method.

    Returns:
        nothing where no method measures two quantities together.
    """
    curves: dict[str, dict[str, Coverage]] = {}
    for method, found in every.items():
        together = found.together()
        if len(together) > 1:
            around_points, around_mean = joint(together)
            curves.setdefault("around random points (TARP)", {})[method] = ball_coverage(
                around_points
            )
            curves.setdefault("around the mean", {})[method] = ball_coverage(around_mean)
    return curves


def histograms(every: dict[str, Measurements]) -> dict[str, dict[str, RankHistogram]]:
    """Ranks of the truth in its posterior (PIT), by quantity and method."""
    return {
        name: {
            method: rank_histogram(
                found.quantities[name].pit,
                bins=20 if len(found.quantities[name].pit) >= FEW else 10,
            )
            for method, found in every.items()
            if name in found.quantities
        }
        for name in _names(every)
    }


def _names(every: dict[str, Measurements]) -> list[str]:
    """Of the quantities of all methods, in the order of the first."""
    return list(dict.fromkeys(name for found in every.values() for name in found.quantities))
