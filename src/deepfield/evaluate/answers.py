"""Every method's answers for every object, drawn once."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.contracts import Predictor
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source


@dataclass(frozen=True)
class Answers:
    """What every method says of the same objects.

    Args:
        batch: the objects, without their PSFs.
        predictions: by method, of the objects that it was asked about.
        asked: by method, [asked object] their positions in the batch, ascending.
        seconds_per_object: by method, without the time to draw the objects.
    """

    batch: Batch
    predictions: dict[str, Prediction]
    asked: dict[str, Tensor]
    seconds_per_object: dict[str, float]


def ask(
    predictors: Mapping[str, Predictor],
    source: Source,
    *,
    batch_size: int = 256,
    progress: bool = True,
) -> Answers:
    """Ask every method about every object of a source; each object is drawn once.

    A method with an attribute ``affordable`` is asked about so many objects only, picked at
    random, always the same.

    Args:
        predictors: by name; each sees the same batches, without gradients.
        source: all of its objects, in epoch 0.
        batch_size: objects at a time.
        progress: show a bar while it runs.

    Raises:
        ValueError: an empty source, or one whose batches carry no truth; a method that affords
            none.
    """
    count = len(source)
    if count == 0:
        raise ValueError("the source has no objects; expected at least one to compare on")
    batches: list[Batch] = []
    asked = {method: _affordable(predictor, count) for method, predictor in predictors.items()}
    parts: dict[str, list[Prediction]] = {method: [] for method in predictors}
    seconds = dict.fromkeys(predictors, 0.0)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), disable=not progress) as bar, torch.no_grad():
        line = bar.add_task(f"comparing {', '.join(predictors)}", total=count)
        for rows in _chunks(count, batch_size):
            batch = source.take(rows, 0)
            for method, predictor in predictors.items():
                some = torch.isin(rows, asked[method])
                if not bool(some.any()):
                    continue
                shown = batch if bool(some.all()) else batch.take(some.nonzero()[:, 0])
                start = time.perf_counter()
                parts[method].append(predictor.predict(shown))
                seconds[method] += time.perf_counter() - start
            batches.append(replace(batch, psf=None))
            bar.advance(line, len(rows))
    return Answers(
        _join(batches),
        {method: Prediction.join(predictions) for method, predictions in parts.items()},
        asked,
        {method: spent / len(asked[method]) for method, spent in seconds.items()},
    )


def unmeasured(prediction: Prediction) -> Tensor:
    """[object] bool: some answer holds nothing but NaN.

    Example:
        >>> from deepfield.nouns.prediction import Score
        >>> from deepfield.nouns.quantity import Quantity
        >>> odd = Score(Quantity("oddness"), torch.tensor([0.5, torch.nan]))
        >>> unmeasured(Prediction({"oddness": odd})).tolist()
        [False, True]
    """
    empty = np.zeros(len(next(iter(prediction.values()))), bool)
    for answer in prediction.values():
        table = answer.columns()
        numbers = [table[name] for name in table.colnames if table[name].dtype.kind == "f"]
        if numbers:
            empty |= np.all([np.isnan(column) for column in numbers], axis=0)
    return torch.from_numpy(empty)


def place(answers: Answers, method: str, lost: Tensor, kept: Tensor) -> tuple[Prediction, Tensor]:
    """A method's answers for some objects, NaN where it was not asked or measured nothing.

    Args:
        answers: of all methods.
        method: one of them.
        lost: [asked object] bool: it measured nothing.
        kept: [kept object] positions in the batch of the objects that count.

    Returns:
        the prediction of the kept objects, and [answered object] positions among them of those
        with an answer.

    Raises:
        ValueError: there is none.
    """
    prediction, asked = answers.predictions[method], answers.asked[method]
    where = torch.full((len(answers.batch),), -1)
    where[asked[~lost]] = torch.arange(len(asked))[~lost]
    there = where[kept]
    if not bool((there >= 0).any()):
        raise ValueError(f"{method} measured no object that all others did; compare fewer methods")
    return prediction.take(there.clamp(min=0)).blank(there < 0), (there >= 0).nonzero()[:, 0]


def _affordable(predictor: Predictor, count: int) -> Tensor:
    affordable = getattr(predictor, "affordable", count)
    if affordable < 1:
        raise ValueError(
            f"{type(predictor).__name__} affords {affordable} objects; expected at least 1"
        )
    if affordable >= count:
        return torch.arange(count)
    # At random: a source may have an order, and a period.
    chosen = np.random.default_rng(0).permutation(count)[:affordable]
    return torch.from_numpy(np.sort(chosen))


def _chunks(count: int, size: int) -> Iterator[Tensor]:
    yield from torch.arange(count).split(size)


def _join(batches: list[Batch]) -> Batch:
    first = batches[0]
    if first.truth is None:
        raise ValueError("the source's batches carry no truth; expected labels to compare with")
    truths = [batch.truth for batch in batches if batch.truth is not None]
    quantities = [quantity for quantity, _ in first.truth.items_by_quantity()]

    def stack(values: list[Tensor | None]) -> Tensor | None:
        there = [value for value in values if value is not None]
        return torch.cat(there) if len(there) == len(batches) else None

    return replace(
        first,
        ids=np.concatenate([batch.ids for batch in batches]),
        values=torch.cat([batch.values for batch in batches]),
        variance=stack([_own_variance(batch) for batch in batches]),
        sky_position=stack([batch.sky_position for batch in batches]),
        flags=stack([batch.flags for batch in batches]),
        truth=Truth({q: torch.cat([truth[q.name] for truth in truths]) for q in quantities}),
    )


def _own_variance(batch: Batch) -> Tensor | None:
    """A variance that all objects of a batch share, spread over them (a view, until joined)."""
    if batch.variance is None:
        return None
    missing = batch.values.ndim - batch.variance.ndim
    shape = (1,) * missing + tuple(batch.variance.shape)
    return batch.variance.reshape(shape).expand(len(batch), *shape[1:])
