"""Networks and rivals on the same objects, in the same run."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.evaluate.answers import ask, unmeasured
from deepfield.evaluate.statistics import statistics
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.contracts import Predictor, Task
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source
from deepfield.scores.bootstrap import Interval, resample
from deepfield.scores.resampled import Statistic

NET = "net"


@dataclass(frozen=True)
class Comparison:
    """What every method said of the same objects, and how right it was.

    Args:
        name: of the recipe.
        seed: of the bootstrap.
        batch: the objects that every method measured, without their PSFs.
        predictions: by method, of these objects.
        scores: by method and metric; ``unmeasured`` counts the objects for which the method
            gave no answer, and which are left out for all methods.
        intervals: by method and metric, 95 % bootstrap over objects.
        gaps: by rival and metric, the network's score minus the rival's, paired bootstrap.
        seconds_per_object: by method.
    """

    name: str
    seed: int
    batch: Batch
    predictions: dict[str, Prediction]
    scores: dict[str, dict[str, float]]
    intervals: dict[str, dict[str, Interval]]
    gaps: dict[str, dict[str, Interval]]
    seconds_per_object: dict[str, float]

    @property
    def truth(self) -> Truth:
        """What is known of the objects."""
        assert self.batch.truth is not None
        return self.batch.truth

    @property
    def rivals(self) -> tuple[str, ...]:
        """Every method but the network."""
        return tuple(method for method in self.scores if method != NET)


def compare(
    predictors: Mapping[str, Predictor],
    task: Task,
    source: Source,
    *,
    name: str,
    batch_size: int = 256,
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Score a network and its rivals on all objects of a source.

    Objects that some method could not measure (NaN) are left out for every method, so that all
    are scored on the same ones, and counted.

    Args:
        predictors: the network under the name ``net``, and its rivals; all fitted.
        task: asks the question and scores the answers.
        source: of objects that no method has learned from.
        name: of the recipe.
        batch_size: objects at a time.
        seed: of the bootstrap.
        progress: show a bar while it runs.

    Raises:
        ValueError: there is no ``net``, the source is empty or has no truth, or some method
            measured nothing.
    """
    if NET not in predictors:
        raise ValueError(
            f"methods are {', '.join(predictors) or 'none'}; expected the network under {NET!r}"
        )
    answers = ask(predictors, source, batch_size=batch_size, progress=progress)
    empty = {method: unmeasured(p) for method, p in answers.predictions.items()}
    if blind := [method for method, rows in empty.items() if bool(rows.all())]:
        raise ValueError(
            f"{', '.join(blind)} measured none of {len(source)} objects; check its input, or "
            "leave it out"
        )
    kept = _common(list(empty.values()))
    batch = answers.batch if len(kept) == len(source) else answers.batch.take(kept)
    predictions = {method: p.take(kept) for method, p in answers.predictions.items()}
    assert batch.truth is not None
    truth = batch.truth
    found = {method: statistics(p, truth) for method, p in predictions.items()}
    scores = {method: dict(task.score(p, truth)) for method, p in predictions.items()}
    for method, rows in empty.items():
        scores[method]["unmeasured"] = int(rows.sum())
    ratio = errors_visible_ratio(scores)
    if ratio is not None:
        scores[NET]["errors_visible_ratio"] = ratio
    intervals, gaps = _intervals(found, len(kept), seed)
    return Comparison(
        name, seed, batch, predictions, scores, intervals, gaps, answers.seconds_per_object
    )


def errors_visible_ratio(scores: Mapping[str, Mapping[str, float]]) -> float | None:
    """The network's errors over the best rival's, on objects whose features can be seen.

    Args:
        scores: by method and metric.

    Returns:
        infinite where the best rival makes no error and the network does, NaN where neither
        does, None where there is no rival or nothing is known to be visible.

    Example:
        >>> scores = {"net": {"accuracy_visible": 0.98}, "svm": {"accuracy_visible": 0.9}}
        >>> print(round(errors_visible_ratio(scores), 3))
        0.2
    """
    right = {m: s["accuracy_visible"] for m, s in scores.items() if "accuracy_visible" in s}
    if NET not in right or len(right) < 2:
        return None
    ours, best = 1 - right[NET], 1 - max(x for method, x in right.items() if method != NET)
    if best > 0:
        return ours / best
    return float("inf") if ours > 0 else float("nan")


def _common(empty: list[Tensor]) -> Tensor:
    kept = (~torch.stack(empty).any(0)).nonzero()[:, 0]
    if not len(kept):
        raise ValueError(
            f"no object of {len(empty[0])} was measured by every method; compare fewer methods"
        )
    return kept


def _intervals(
    found: Mapping[str, Mapping[str, Statistic]], objects: int, seed: int
) -> tuple[dict[str, dict[str, Interval]], dict[str, dict[str, Interval]]]:
    flat = {f"{m}/{metric}": s for m, each in found.items() for metric, s in each.items()}
    resampled = resample(flat, objects, seed=seed)
    intervals: dict[str, dict[str, Interval]] = {}
    gaps: dict[str, dict[str, Interval]] = {method: {} for method in found if method != NET}
    for method, metrics in found.items():
        intervals[method] = {}
        for metric in metrics:
            mine = resampled[f"{method}/{metric}"]
            value, low, high = mine.interval()
            # All of these scores lie between 0 and 1; their limits do too.
            intervals[method][metric] = Interval(value, *np.clip([low, high], 0, 1).tolist())
            if method != NET:
                gaps[method][metric] = (resampled[f"{NET}/{metric}"] - mine).interval()
    return intervals, gaps
