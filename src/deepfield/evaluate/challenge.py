"""Challenges: every method again, on the same objects seen otherwise."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from deepfield.evaluate.compare import NET, Comparison, compare
from deepfield.evaluate.metrics import LOST, LOWER
from deepfield.evaluate.statistics import statistics
from deepfield.nouns.contracts import Predictor, Task
from deepfield.nouns.source import Source
from deepfield.scores.bootstrap import Resampled, resample


def challenge(
    comparison: Comparison,
    predictors: Mapping[str, Predictor],
    task: Task,
    views: Mapping[str, Source],
    *,
    batch_size: int = 256,
    progress: bool = True,
) -> dict[str, Comparison]:
    """Compare the methods of a comparison again, on every other view of its objects.

    Args:
        comparison: of the objects as they are.
        predictors, task: those of the comparison.
        views: by name, the same objects, under the same ids.
        batch_size: objects at a time.
        progress: show a bar while it runs.

    Returns:
        a comparison a view.

    Raises:
        ValueError: a view that shares no object with the comparison.
    """
    found: dict[str, Comparison] = {}
    for name, view in views.items():
        if not np.isin(comparison.batch.ids, view.ids).any():
            raise ValueError(
                f"the challenge {name} shares no object with the test objects; expected a view "
                "of them, under the same ids"
            )
        found[name] = compare(
            predictors,
            task,
            view,
            name=f"{comparison.name}, {name}",
            batch_size=batch_size,
            seed=comparison.seed,
            progress=progress,
        )
    return found


def challenged(comparison: Comparison, others: Mapping[str, Comparison]) -> Comparison:
    """A comparison that also holds the scores of other views of its objects.

    Every score, interval and gap of a view is added as ``<metric>_<name>``. For what can be
    resampled, ``lost_<metric>_<name>`` is by how much a method got worse on the objects that it
    answered in both views, with a paired interval; its gap is the network's loss minus the
    rival's.

    Args:
        comparison: of the objects as they are.
        others: by name, of other views of them.
    """
    scores = {method: dict(found) for method, found in comparison.scores.items()}
    intervals = {method: dict(found) for method, found in comparison.intervals.items()}
    gaps = {rival: dict(found) for rival, found in comparison.gaps.items()}
    for name, other in others.items():
        for method, values in other.scores.items():
            scores[method] |= {f"{metric}_{name}": value for metric, value in values.items()}
        for mine, theirs in ((intervals, other.intervals), (gaps, other.gaps)):
            for method, found in theirs.items():
                mine[method] |= {f"{metric}_{name}": limits for metric, limits in found.items()}
        for method in other.scores:
            lost = _lost(comparison, other, method)
            for metric, (own, nets) in lost.items():
                named = f"{LOST}{metric}_{name}"
                intervals[method][named] = own.interval()
                scores[method][named] = own.value
                if method != NET:
                    gaps[method][named] = (nets - own).interval()
    return replace(comparison, scores=scores, intervals=intervals, gaps=gaps)


def _lost(
    first: Comparison, second: Comparison, method: str
) -> dict[str, tuple[Resampled, Resampled]]:
    """By metric, how much worse a method and the network are in the second view."""
    both = _answered_in_both(first, second, method)
    if not len(both[0]):
        return {}
    known = {
        (who, view): statistics(comparison.predictions[who].take(at), comparison.truth.take(at))
        for who in (method, NET)
        for view, comparison, at in zip((0, 1), (first, second), both, strict=True)
    }
    drawn = resample(
        {
            f"{who}/{view}/{name}": s
            for (who, view), each in known.items()
            for name, s in each.items()
        },
        len(both[0]),
        seed=first.seed,
    )

    def worse(who: str, metric: str) -> Resampled:
        before, after = drawn[f"{who}/0/{metric}"], drawn[f"{who}/1/{metric}"]
        return after - before if metric.startswith(LOWER) else before - after

    shared = set.intersection(*(set(each) for each in known.values()))
    return {
        metric: (worse(method, metric), worse(NET, metric))
        for metric in known[method, 0]
        if metric in shared
    }


def _answered_in_both(first: Comparison, second: Comparison, method: str) -> tuple[Tensor, Tensor]:
    """[object] positions in either batch of the objects that a method answered in both."""
    here, there = (comparison.rows[method].numpy() for comparison in (first, second))
    _, one, other = np.intersect1d(
        first.batch.ids[here], second.batch.ids[there], assume_unique=True, return_indices=True
    )
    order = np.argsort(one)
    return torch.from_numpy(here[one[order]]), torch.from_numpy(there[other[order]])
