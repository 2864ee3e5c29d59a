"""Integrated gradients: the answer shared out over the pixels (Sundararajan+17, 1703.01365)."""

from dataclasses import replace

import torch
from torch import Tensor

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.quadrature import Rule, faint_first
from deepfield.explain.saliency import gradient
from deepfield.explain.target import Target, evaluate, images
from deepfield.nouns.batch import Batch


def integrated_gradients(
    target: Target,
    batch: Batch,
    *,
    steps: int = 50,
    baseline: float | Tensor = 0.0,
    rule: Rule = faint_first,
    chunk: int | None = None,
) -> Tensor:
    """(x - baseline) times the mean gradient on the straight way from the baseline to x.

    The map sums to the target's difference between the two, up to the error of the quadrature
    (``completeness``).

    Args:
        target: what is explained.
        batch: images.
        steps: of the quadrature.
        baseline: nJy, a number or broadcastable to the values; zero flux is the sky's level.
        rule: of ``explain.quadrature``, or any other: steps -> places and weights.
        chunk: images at a time; None to choose.

    Returns:
        [object, channel, y, x] target's unit.

    Raises:
        ValueError: less than one step, a target without gradients, or ``chunk`` < 1.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.tensor([[[[1.0, 2.0]]]]), ("g",))
        >>> def target(batch):
        ...     return batch.values.square().sum((1, 2, 3))
        >>> integrated_gradients(target, batch).round(decimals=4).tolist()
        [[[[1.0, 4.0]]]]
    """
    if steps < 1:
        raise ValueError(f"{steps} steps; expected at least 1")
    seen = images(batch)
    empty = torch.as_tensor(baseline).to(seen.values)
    way = seen.values - empty
    mean = torch.zeros_like(way)
    for place, weight in zip(*rule(steps), strict=True):
        there = replace(seen, values=empty + float(place) * way)
        mean += float(weight) * gradient(target, there, chunk=chunk)
    return way * mean


def complete_gradients(
    target: Target,
    batch: Batch,
    *,
    tolerance: float = 0.01,
    steps: int = 50,
    most: int = 800,
    baseline: float | Tensor = 0.0,
    rule: Rule = faint_first,
    chunk: int | None = None,
) -> Tensor:
    """Integrated gradients with twice the steps for the objects that they are not complete for.

    Args:
        target, batch, steps, baseline, rule, chunk: as in ``integrated_gradients``.
        tolerance: largest ``completeness`` that will do.
        most: steps that are not exceeded, complete or not: where the target hardly differs from
            its baseline, nothing is.

    Returns:
        [object, channel, y, x] target's unit.

    Raises:
        ValueError: no positive tolerance, or as for ``integrated_gradients``.
    """
    if not tolerance > 0:
        raise ValueError(f"a tolerance of {tolerance}; expected above 0, such as 0.01")
    empty = torch.as_tensor(baseline).to(batch.values).expand(batch.values.shape)
    maps = torch.zeros_like(batch.values)
    rows = torch.arange(len(batch))
    while True:
        part, below = batch.take(rows), empty[rows]
        found = integrated_gradients(
            target, part, steps=steps, baseline=below, rule=rule, chunk=chunk
        )
        maps[rows] = found
        gap = completeness(found, target, part, baseline=below, chunk=chunk)
        rows = rows[(gap > tolerance).cpu()]
        steps *= 2
        if not len(rows) or steps > most:
            return maps


def completeness(
    maps: Tensor,
    target: Target,
    batch: Batch,
    *,
    baseline: float | Tensor = 0.0,
    chunk: int | None = None,
) -> Tensor:
    """How far a map's sum is from what it should share out, relative to it.

    Args:
        maps: [object, channel, y, x] of ``integrated_gradients`` with the other arguments.

    Returns:
        [object] |sum - difference| / |difference|; 0 is exact.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.tensor([[[[1.0, 2.0]]]]), ("g",))
        >>> def target(batch):
        ...     return batch.values.square().sum((1, 2, 3))
        >>> maps = integrated_gradients(target, batch)
        >>> bool(completeness(maps, target, batch) < 1e-5)
        True
    """
    seen = images(batch)
    empty = torch.as_tensor(baseline).to(seen.values).expand(seen.values.shape)
    blank = replace(seen, values=empty)

    def some(rows: Tensor) -> Tensor:
        return evaluate(target, seen.take(rows)) - evaluate(target, blank.take(rows))

    with torch.no_grad():
        difference = in_chunks(some, len(batch), chunk_for(batch, chunk))
    return (maps.flatten(1).sum(1) - difference).abs() / difference.abs()
