"""Which method would you use, and for how many objects?"""

import math
from collections.abc import Mapping

from deepfield.evaluate.compare import NET, Comparison
from deepfield.scores.bootstrap import Interval


def verdict(
    comparison: Comparison,
    *,
    training_objects: int | None = None,
    training_seconds: Mapping[str, float] | None = None,
) -> str:
    """One plain sentence on the accuracies, their paired gap, and the cost.

    The rival is the one that errs least. A gap g with a 95 % half-width h on N objects stands
    out of the noise in samples of more than N (h / g)^2 objects.

    Args:
        comparison: of the network and its rivals.
        training_objects: labelled objects that the network learned from.
        training_seconds: by method, the time to learn; where the slower learner is the faster
            to answer, the sentence says from how many objects on it pays.

    Example:
        >>> sentence(
        ...     rival="svm",
        ...     ours=0.96,
        ...     gap=Interval(0.12, 0.10, 0.14),
        ...     objects=4000,
        ...     seconds={"net": 0.001, "svm": 0.004},
        ... )
        'Use the network: it is right for 96.0 % of 4,000 objects, svm for 84.0 % (95 % interval
        of the gap +10.0 to +14.0 points), a difference that shows in samples of more than about
        112 objects; a thousand objects take the network 1.0 s and svm 4.0 s.'
    """
    gaps = {m: found["accuracy"] for m, found in comparison.gaps.items() if "accuracy" in found}
    if not gaps:
        return "There is no rival's accuracy to compare with, so this run does not say."
    rival = min(gaps, key=lambda method: gaps[method].value)
    return sentence(
        rival=rival,
        ours=comparison.intervals[rival]["accuracy"].value + gaps[rival].value,
        gap=gaps[rival],
        objects=len(comparison.rows[rival]),
        seconds=comparison.seconds_per_object,
        training_objects=training_objects,
        training_seconds=training_seconds,
    )


def sentence(
    *,
    rival: str,
    ours: float,
    gap: Interval,
    objects: int,
    seconds: Mapping[str, float],
    training_objects: int | None = None,
    training_seconds: Mapping[str, float] | None = None,
) -> str:
    """The verdict from its numbers.

    Args:
        rival: the best one's name.
        ours: the network's accuracy.
        gap: the network's accuracy minus the rival's.
        objects: that both were scored on.
        seconds: per object, of ``net`` and the rival.
        training_objects, training_seconds: as in ``verdict``.
    """
    net, other, theirs = "the network", rival.replace("_", " "), ours - gap.value
    learned = "" if training_objects is None else f" after learning from {training_objects:,}"
    right = f"{100 * ours:.1f} % of {objects:,} objects{learned}, {other} for {100 * theirs:.1f} %"
    limits = f"95 % interval of the gap {100 * gap.low:+.1f} to {100 * gap.high:+.1f} points"
    better = net if gap.low > 0 else other if gap.high < 0 else None
    faster = net if seconds[NET] < seconds[rival] else other
    use = better or f"{faster}, which is the faster"
    who = "it" if use.startswith(net) else net
    shows = "shows in samples of" if better else "would show only in samples of"
    cost = (
        f"a thousand objects take the network {duration(1000 * seconds[NET])} and {other} "
        f"{duration(1000 * seconds[rival])}{_break_even(rival, seconds, training_seconds or {})}"
    )
    enough = _enough(gap, objects, shows)
    return f"Use {use}: {who} is right for {right} ({limits}){enough}; {cost}."


def _enough(gap: Interval, objects: int, shows: str) -> str:
    if gap.value == 0 or gap.high == gap.low:
        return ""
    enough = math.ceil(objects * ((gap.high - gap.low) / 2 / gap.value) ** 2)
    return f", a difference that {shows} more than about {enough:,} objects"


def _break_even(rival: str, seconds: Mapping[str, float], training: Mapping[str, float]) -> str:
    if NET not in training or rival not in training:
        return ""
    dearer = training[NET] - training[rival]  # s, once
    saved = seconds[rival] - seconds[NET]  # s an object
    net, other = "the network", rival.replace("_", " ")
    if dearer <= 0 <= saved or saved <= 0 <= dearer:
        return f", and {net if saved >= 0 >= dearer else other} is also the faster to train"
    return f", and with the training {net if saved > 0 else other} is the faster from about " + (
        f"{round(dearer / saved):,} objects on"
    )


def duration(seconds: float) -> str:
    """A time in the unit that a reader would choose.

    Example:
        >>> duration(0.004), duration(5400)
        ('4.0 ms', '1.5 h')
    """
    for size, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{1000 * seconds:.1f} ms"
