"""Networks and rivals on the same objects, in the same run."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.evaluate.answers import ask, place, unmeasured
from deepfield.evaluate.metrics import bounds
from deepfield.evaluate.posteriors import measured, posterior_scores, posterior_statistics
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
        predictions: by method, of these objects; NaN where a method affords fewer.
        rows: by method, [answered object] positions in the batch of the objects that it answered.
        scores: by method and metric; ``unmeasured`` counts the objects for which the method
            gave no answer, and which are left out for all methods.
        intervals: by method and metric, 95 % bootstrap over objects.
        gaps: by rival and metric, the network's score minus the rival's on the objects that the
            rival answered, paired bootstrap.
        seconds_per_object: by method.
    """

    name: str
    seed: int
    batch: Batch
    predictions: dict[str, Prediction]
    rows: dict[str, Tensor]
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

    def answered(self, method: str) -> tuple[Prediction, Truth]:
        """What a method said of the objects that it answered, and what is known of these."""
        rows = self.rows[method]
        return self.predictions[method].take(rows), self.truth.take(rows)


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
    are scored on the same ones, and counted. A method that affords fewer objects (an attribute
    ``affordable``) is scored on these alone, and the network beside it there.

    Posteriors are always scored for errors and calibration, besides what their task asks.

    Args:
        predictors: the network under the name ``net``, and its rivals; all fitted.
        task: asks the question and scores the answers.
        source: of objects that no method has learned from.
        name: of the recipe.
        batch_size: objects at a time.
        seed: of the bootstrap.
        progress: show a bar while it runs.

    Raises:
        ValueError: there is no ``net`` or it affords fewer objects than there are, the source is
            empty or has no truth, or some method measured nothing.
    """
    if NET not in predictors:
        raise ValueError(
            f"methods are {', '.join(predictors) or 'none'}; expected the network under {NET!r}"
        )
    answers = ask(predictors, source, batch_size=batch_size, progress=progress)
    if len(answers.asked[NET]) < len(source):
        raise ValueError(
            f"the network affords {len(answers.asked[NET])} of {len(source)} objects; expected all"
        )
    empty = {method: unmeasured(p) for method, p in answers.predictions.items()}
    if blind := [method for method, rows in empty.items() if bool(rows.all())]:
        raise ValueError(
            f"{', '.join(blind)} measured none of {len(source)} objects; check its input, or "
            "leave it out"
        )
    kept = _common([lost for lost in empty.values() if len(lost) == len(source)])
    batch = answers.batch if len(kept) == len(source) else answers.batch.take(kept)
    assert batch.truth is not None
    placed = {method: place(answers, method, empty[method], kept) for method in predictors}
    comparison = Comparison(
        name,
        seed,
        batch,
        predictions={method: prediction for method, (prediction, _) in placed.items()},
        rows={method: rows for method, (_, rows) in placed.items()},
        scores={},
        intervals={},
        gaps={},
        seconds_per_object=answers.seconds_per_object,
    )
    _judge(comparison, task)
    for method, lost in empty.items():
        comparison.scores[method]["unmeasured"] = int(lost.sum())
    ratio = errors_visible_ratio(comparison.scores)
    if ratio is not None:
        comparison.scores[NET]["errors_visible_ratio"] = ratio
    return comparison


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


def _judge(comparison: Comparison, task: Task) -> None:
    """Fill in scores, intervals and gaps: every method on the objects that it answered."""
    rows, scores, found = comparison.rows, comparison.scores, {}
    for method in comparison.predictions:
        scores[method], found[method] = _scored(task, *comparison.answered(method))
    every = len(comparison.batch)
    whole = [method for method in found if len(rows[method]) == every]
    _resample(comparison, {method: found[method] for method in whole}, every)
    for method in found:
        if method not in whole:
            net = comparison.predictions[NET].take(rows[method])
            _, ours = _scored(task, net, comparison.truth.take(rows[method]))
            _resample(comparison, {NET: ours, method: found[method]}, len(rows[method]))


def _scored(
    task: Task, prediction: Prediction, truth: Truth
) -> tuple[dict[str, float], dict[str, Statistic]]:
    several = measured(prediction, truth)
    scores = {**posterior_scores(several), **task.score(prediction, truth)}
    known = posterior_statistics(several, truth.get("signal_to_noise"))
    found = {**statistics(prediction, truth), **known}
    return scores, {metric: s for metric, s in found.items() if metric in scores}


def _resample(
    comparison: Comparison, found: Mapping[str, Mapping[str, Statistic]], objects: int
) -> None:
    flat = {f"{m}/{metric}": s for m, each in found.items() for metric, s in each.items()}
    resampled = resample(flat, objects, seed=comparison.seed)
    for method, metrics in found.items():
        # The network's intervals are those of all objects.
        intervals = comparison.intervals.setdefault(method, {})
        if method != NET:
            comparison.gaps[method] = {}
        for metric in metrics:
            mine = resampled[f"{method}/{metric}"]
            value, low, high = mine.interval()
            limits = np.clip([low, high], *bounds(metric)).tolist()
            intervals.setdefault(metric, Interval(value, *limits))
            if method != NET and metric in found[NET]:
                gap = (resampled[f"{NET}/{metric}"] - mine).interval()
                comparison.gaps[method][metric] = gap
