"""Which method would you measure with?"""

import math
import re
from collections.abc import Mapping

import numpy as np

from deepfield.evaluate.compare import NET, Comparison
from deepfield.evaluate.verdict import duration
from deepfield.scores.bootstrap import Interval

HEADLINE = {"sigma_mad": "scatter (sigma_MAD)"}
"""metrics that stand for all others where a task has them"""


def measured_verdict(comparison: Comparison, *, training_objects: int | None = None) -> str:
    """Plain sentences on the errors, their paired gaps, the calibration and the cost.

    The rival is the one whose errors come nearest to the network's, or undercut them most: by the
    geometric mean over the quantities.

    Args:
        comparison: of the network and its rivals.
        training_objects: that the network learned from.
    """
    ratios = {rival: _ratio(comparison, rival) for rival in comparison.gaps}
    ratios = {rival: ratio for rival, ratio in ratios.items() if math.isfinite(ratio)}
    if not ratios:
        return "There is no rival's error to compare with, so this run does not say."
    rival = max(ratios, key=lambda method: ratios[method])
    return measured_sentence(
        rival=rival,
        gaps=_gaps(comparison, rival),
        ratio=ratios[rival],
        objects=len(comparison.rows[rival]),
        coverage={method: _coverage(comparison.scores[method]) for method in (NET, rival)},
        seconds=comparison.seconds_per_object,
        training_objects=training_objects,
    )


def measured_sentence(
    *,
    rival: str,
    gaps: Mapping[str, Interval],
    ratio: float,
    objects: int,
    coverage: Mapping[str, float],
    seconds: Mapping[str, float],
    training_objects: int | None = None,
) -> str:
    """The verdict from its numbers.

    Args:
        rival: the best one's name.
        gaps: by metric, the network's error minus the rival's.
        ratio: the network's errors over the rival's, geometric mean.
        objects: that both were scored on.
        coverage: share of the truths in the 68 % intervals, of ``net`` and the rival.
        seconds: per object, of both.
        training_objects: as in ``measured_verdict``.

    Example:
        >>> measured_sentence(
        ...     rival="fit",
        ...     gaps={"rmse_magnitude": Interval(-0.02, -0.03, -0.01)},
        ...     ratio=0.8,
        ...     objects=200,
        ...     coverage={"net": 0.68, "fit": 0.5},
        ...     seconds={"net": 0.001, "fit": 4.0},
        ... )
        'Use the network: its RMSE is 0.800 times that of fit (200 objects), smaller for 1 of 1
        quantities and larger for 0, beyond the 95 % intervals of the paired gaps; its 68 %
        intervals hold 68.0 % of the truths, those of fit 50.0 %; a thousand objects take the
        network 1.0 s and fit 1.1 h.'
    """
    other = rival.replace("_", " ")
    smaller = sum(gap.high < 0 for gap in gaps.values())
    larger = sum(gap.low > 0 for gap in gaps.values())
    if smaller > larger and ratio < 1:
        use = "the network"
    elif larger > smaller and ratio > 1:
        use = other
    else:
        faster = "the network" if seconds[NET] < seconds[rival] else other
        use = f"{faster}, which is the faster"
    whose = "its" if use.startswith("the network") else "the network's"
    what = next((words for metric, words in HEADLINE.items() if metric in gaps), "RMSE")
    learned = "" if training_objects is None else f" after learning from {training_objects:,}"
    return (
        f"Use {use}: {whose} {what} is {ratio:.3f} times that of {other} ({objects:,} objects"
        f"{learned}), smaller for {smaller} of {len(gaps)} quantities and larger for {larger}, "
        f"beyond the 95 % intervals of the paired gaps; its 68 % intervals hold "
        f"{100 * coverage[NET]:.1f} % of the truths, those of {other} "
        f"{100 * coverage[rival]:.1f} %; a thousand objects take the network "
        f"{duration(1000 * seconds[NET])} and {other} {duration(1000 * seconds[rival])}."
    )


def _gaps(comparison: Comparison, rival: str) -> dict[str, Interval]:
    gaps = comparison.gaps[rival]
    return {m: gaps[m] for m in HEADLINE if m in gaps} or {
        m: gap for m, gap in gaps.items() if re.fullmatch(r"rmse_(?!.*_sn\d+$).*", m)
    }


def _ratio(comparison: Comparison, rival: str) -> float:
    """The network's errors over the rival's, geometric mean over the quantities."""
    logs = []
    for metric, gap in _gaps(comparison, rival).items():
        theirs = comparison.intervals[rival][metric].value
        if theirs > 0 and theirs + gap.value > 0:
            logs.append(math.log((theirs + gap.value) / theirs))
    return math.exp(float(np.mean(logs))) if logs else math.nan


def _coverage(scores: Mapping[str, float]) -> float:
    found = [value for metric, value in scores.items() if metric.startswith("coverage_68_")]
    return float(np.mean(found)) if found else math.nan
