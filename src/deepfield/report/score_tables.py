"""Scores, gaps and claims as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepfield.report.figures import label
from deepfield.report.metric_names import CLASSES, metric_name
from deepfield.report.parts import Table


def headline(scores: Mapping[str, Any]) -> Table:
    """Methods by metrics, each with its 95 % interval where there is one.

    Args:
        scores: the content of ``scores.json``.

    Example:
        >>> headline(
        ...     {
        ...         "objects": 100,
        ...         "scores": {"net": {"accuracy": 0.9}},
        ...         "intervals": {"net": {"accuracy": [0.85, 0.95]}},
        ...         "seconds_per_object": {"net": 0.002},
        ...     }
        ... ).text
        [['net', '0.900\\n0.850–0.950', '2']]
    """
    methods = scores["scores"]
    metrics = [m for m in CLASSES if any(m in found for found in methods.values())]
    rows: list[list[str | float | None]] = []
    for method, found in methods.items():
        limits = scores["intervals"].get(method, {})
        cells = [with_limits(found.get(metric), limits.get(metric)) for metric in metrics]
        rows.append([label(method), *cells, 1000 * scores["seconds_per_object"][method]])
    negatives = [int(found["negatives"]) for found in methods.values() if found.get("negatives")]
    caption = (
        f"{scores['objects']:,} objects, the same for every method; 95 % bootstrap intervals."
    )
    if negatives:
        caption += (
            f" TPR0 and TPR10: share of the positives found before the first, and before the "
            f"tenth, of {negatives[0]:,} negatives."
        )
    if missed := [
        f"{label(m)} {int(s['unmeasured']):,}" for m, s in methods.items() if s.get("unmeasured")
    ]:
        caption += f" Left out because a method could not measure them: {', '.join(missed)}."
    columns = ["method", *(CLASSES[metric] for metric in metrics), "ms per object"]
    return Table(columns, rows, title="Scores", caption=caption)


def gap_table(scores: Mapping[str, Any], metrics: Mapping[str, str] = CLASSES) -> Table:
    """The network minus every rival, with the interval of the difference.

    Args:
        scores: the content of ``scores.json``.
        metrics: those that are shown, and their names.

    Example:
        >>> gap = {"value": 0.1, "low": 0.05, "high": 0.15}
        >>> gap_table({"gaps": {"svm": {"accuracy": gap}}}).text
        [['svm', '+0.100\\n+0.050 to +0.150']]
    """
    gaps = scores["gaps"]
    shown = [m for m in metrics if any(m in found for found in gaps.values())]
    rows = [[label(rival), *(_gap(found.get(m)) for m in shown)] for rival, found in gaps.items()]
    return Table(
        ["rival", *(metrics[metric] for metric in shown)],
        rows,
        title="Network minus rival",
        caption="Paired bootstrap: both methods see the same objects in every draw. An interval "
        "that does not hold 0 is a difference. Of errors, less is better.",
    )


def claims_table(claims: Sequence[Mapping[str, Any]]) -> Table:
    """What the recipe must reproduce, beside what was measured.

    Args:
        claims: the rows of ``scores.json``.

    Example:
        >>> claim = {"metric": "accuracy", "source": "here", "at_least": 0.9, "at_most": None}
        >>> measured = {"paper": None, "rival_paper": None, "net": 0.95, "rival": 0.8}
        >>> claims_table([claim | measured | {"holds": True}]).text
        [['accuracy', '≥ 0.9', '0.95', '0.8', '–', '–', 'yes', 'here']]
    """
    columns = ["claim", "bound", "net", "best rival", "paper", "its rival", "holds", "source"]
    rows = [
        [
            metric_name(claim["metric"]),
            _bound(claim["at_least"], claim["at_most"]),
            claim["net"],
            claim["rival"],
            claim["paper"],
            claim["rival_paper"],
            bool(claim["holds"]),
            claim["source"],
        ]
        for claim in claims
    ]
    return Table(columns, rows, title="Claims")


def with_limits(value: float | None, limits: Sequence[float | None] | None) -> str:
    """A score as a cell: its interval, where there is one, in a second line.

    Example:
        >>> with_limits(0.9, [0.85, 0.95]), with_limits(None, None)
        ('0.900\\n0.850–0.950', '–')
    """
    if value is None:
        return "–"
    if limits is None or None in limits:
        return f"{value:.3f}"
    return f"{value:.3f}\n{limits[0]:.3f}–{limits[1]:.3f}"


def _gap(gap: Mapping[str, float | None] | None) -> str:
    if gap is None or gap["value"] is None:
        return "–"
    if gap["low"] is None:
        return f"{gap['value']:+.3f}"
    return f"{gap['value']:+.3f}\n{gap['low']:+.3f} to {gap['high']:+.3f}"


def _bound(at_least: float | None, at_most: float | None) -> str:
    bounds = [f"≥ {at_least:.3g}"] if at_least is not None else []
    return " and ".join([*bounds, f"≤ {at_most:.3g}"] if at_most is not None else bounds)
