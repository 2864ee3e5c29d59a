"""Schedules: the learning rate's factor, from the fraction of all updates that are done.

Each is asked before every update, not once an epoch, so its shape depends neither on the number
of objects nor on the batch size. ``each_epoch`` makes one wait for the end of the epoch. Laws
that count the time t in epochs or updates are the same curves: exp(-k t) over T of them is
``exponential(end=exp(-k * T))``, and 1 / (1 + k t) is ``inverse(decay=k * T)``.
"""

import math
from collections.abc import Callable
from functools import partial

Schedule = Callable[[float], float]
"""fraction of all updates done, in [0, 1] -> factor on the learning rate"""


def constant() -> Schedule:
    """The rate stays.

    Example:
        >>> constant()(0.7)
        1.0
    """
    return _constant


def cosine(*, warmup: float = 0.0, end: float = 0.0) -> Schedule:
    """A linear rise, then half a cosine (Loshchilov & Hutter 2017, ICLR, without restarts).

    Args:
        warmup: fraction of the run in which the rate rises from near 0, in [0, 1).
        end: factor at the end, in [0, 1].

    Raises:
        ValueError: outside of these ranges.

    Example:
        >>> [round(cosine(warmup=0.2)(x), 3) for x in (0.0, 0.1, 0.2, 0.6, 1.0)]
        [0.01, 0.505, 1.0, 0.5, 0.0]
    """
    _within("warmup", warmup, 0 <= warmup < 1, "at least 0 and below 1")
    _within("end", end, 0 <= end <= 1, "between 0 and 1")
    return partial(_cosine, warmup=warmup, end=end)


def steps(*, at: tuple[float, ...] = (0.5, 0.75), factor: float = 0.1) -> Schedule:
    """The rate drops at given fractions of the run.

    Args:
        at: when, in [0, 1].
        factor: of every drop, in (0, 1].

    Raises:
        ValueError: outside of these ranges.

    Example:
        >>> [round(steps()(x), 4) for x in (0.0, 0.5, 0.8)]
        [1.0, 0.1, 0.01]
    """
    for fraction in at:
        _within("at", fraction, 0 <= fraction <= 1, "between 0 and 1")
    _within("factor", factor, 0 < factor <= 1, "above 0 and at most 1")
    return partial(_steps, at=tuple(at), factor=factor)


def drops(*, at: tuple[float, ...] = (0.5, 0.75), amount: float = 0.4) -> Schedule:
    """The rate drops by a fixed amount at given fractions of the run, and never below 0.

    Every 10 of 60 epochs: ``at=tuple(epoch / 60 for epoch in range(10, 60, 10))``.

    Args:
        at: when, in [0, 1].
        amount: share of the first rate that every drop takes, in (0, 1].

    Raises:
        ValueError: outside of these ranges.

    Example:
        >>> [round(drops()(x), 4) for x in (0.0, 0.5, 0.8)]
        [1.0, 0.6, 0.2]
    """
    for fraction in at:
        _within("at", fraction, 0 <= fraction <= 1, "between 0 and 1")
    _within("amount", amount, 0 < amount <= 1, "above 0 and at most 1")
    return partial(_drops, at=tuple(at), amount=amount)


def exponential(*, end: float = 0.01) -> Schedule:
    """The rate falls by the same factor in every update.

    Args:
        end: factor at the end, in (0, 1].

    Raises:
        ValueError: outside of this range.

    Example:
        >>> [round(exponential()(x), 3) for x in (0.0, 0.5, 1.0)]
        [1.0, 0.1, 0.01]
    """
    _within("end", end, 0 < end <= 1, "above 0 and at most 1")
    return partial(_exponential, end=end)


def inverse(*, decay: float = 10.0) -> Schedule:
    """The rate falls as 1 / (1 + decay x), with x the fraction done (Robbins & Monro 1951).

    Args:
        decay: at least 0; the last factor is 1 / (1 + decay).

    Raises:
        ValueError: outside of this range.

    Example:
        >>> [round(inverse(decay=4)(x), 3) for x in (0.0, 0.25, 1.0)]
        [1.0, 0.5, 0.2]
    """
    _within("decay", decay, decay >= 0, "at least 0")
    return partial(_inverse, decay=decay)


def each_epoch(schedule: Schedule, epochs: int) -> Schedule:
    """Another schedule, which only moves when an epoch begins.

    Args:
        schedule: as it would run, update by update.
        epochs: of the whole run.

    Raises:
        ValueError: fewer than one epoch.

    Example:
        >>> [round(each_epoch(exponential(), 2)(x), 3) for x in (0.0, 0.4, 0.5, 0.9, 1.0)]
        [1.0, 1.0, 0.1, 0.1, 0.01]
    """
    _within("epochs", epochs, epochs >= 1, "of at least 1")
    return partial(_each_epoch, schedule=schedule, epochs=epochs)


# Module-level functions under `partial`, not closures: they print what they are, and a
# checkpoint compares that text.


def _constant(done: float) -> float:
    return 1.0


def _cosine(done: float, *, warmup: float, end: float) -> float:
    if done < warmup:
        return 0.01 + 0.99 * done / warmup
    fall = (done - warmup) / (1 - warmup)
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * fall))


def _steps(done: float, *, at: tuple[float, ...], factor: float) -> float:
    return factor ** sum(done >= fraction for fraction in at)


def _drops(done: float, *, at: tuple[float, ...], amount: float) -> float:
    return max(1 - amount * sum(done >= fraction for fraction in at), 0.0)


def _exponential(done: float, *, end: float) -> float:
    return end**done


def _inverse(done: float, *, decay: float) -> float:
    return 1 / (1 + decay * done)


def _each_epoch(done: float, *, schedule: Schedule, epochs: int) -> float:
    # An epoch's first update must not fall short of it by a rounding error.
    return schedule(math.floor(done * epochs + 1e-9) / epochs)


def _within(name: str, value: float, holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}; expected a number {expected}")
