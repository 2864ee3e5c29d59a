"""Errors, gaps and calibration of measurements as tables."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deepfield.report.figures import label
from deepfield.report.metric_names import POSTERIORS
from deepfield.report.parts import Table

CALIBRATION = {
    "coverage_68": "68 % hold",
    "coverage_95": "95 % hold",
    "pull_mean": "pull mean",
    "pull_width": "pull width",
    "pit_ks": "PIT KS",
    "pit_p": "p",
    "crps": "CRPS",
}
LEVELS = (10, 20, 50, 100, 200)


def summary_table(scores: Mapping[str, Any], metrics: Mapping[str, str] = POSTERIORS) -> Table:
    """Methods by the scores of all quantities together, objects and time.

    Args:
        scores: the content of ``scores.json``.
        metrics: those that are shown, and their names.

    Example:
        >>> summary_table(
        ...     {
        ...         "objects": 100,
        ...         "scores": {"net": {"sigma_mad": 0.0123}},
        ...         "intervals": {"net": {"sigma_mad": [0.012, 0.0127]}},
        ...         "seconds_per_object": {"net": 0.002},
        ...     }
        ... ).text
        [['net', '100', '0.0123\\n0.012 to 0.0127', '2']]
    """
    methods = scores["scores"]
    shown = [m for m in metrics if any(m in found for found in methods.values())]
    rows = []
    for method, found in methods.items():
        limits = scores["intervals"].get(method, {})
        cells = [
            _p(found.get(m)) if m.endswith("_p") else _value(found.get(m), limits.get(m))
            for m in shown
        ]
        count = int(found.get("objects", scores["objects"]))
        rows.append([label(method), count, *cells, 1000 * scores["seconds_per_object"][method]])
    caption = (
        "95 % bootstrap intervals. A method that affords fewer objects is scored on those alone."
    )
    if missed := [
        f"{label(m)} {int(s['unmeasured']):,}" for m, s in methods.items() if s.get("unmeasured")
    ]:
        caption += f" Left out because a method could not measure them: {', '.join(missed)}."
    columns = ["method", "objects", *(metrics[m] for m in shown), "ms per object"]
    return Table(columns, rows, title="Scores", caption=caption)


def error_table(
    scores: Mapping[str, Any], kind: str, title: str, units: Mapping[str, str]
) -> Table:
    """Quantities by methods: one kind of error with its interval.

    Args:
        scores: the content of ``scores.json``.
        kind: of the error: ``rmse``, ``scatter`` or ``bias``.
        title: of the table.
        units: by quantity.

    Example:
        >>> error_table(
        ...     {
        ...         "scores": {"net": {"rmse_x": 0.02}},
        ...         "intervals": {"net": {"rmse_x": [0.01, 0.03]}},
        ...     },
        ...     "rmse",
        ...     "RMSE",
        ...     {"x": "arcsec"},
        ... ).text
        [['x (arcsec)', '0.02\\n0.01 to 0.03']]
    """
    methods = scores["scores"]
    rows = [
        [
            label(name, units.get(name, "")),
            *(
                _value(
                    found.get(f"{kind}_{name}"),
                    scores["intervals"].get(method, {}).get(f"{kind}_{name}"),
                )
                for method, found in methods.items()
            ),
        ]
        for name in quantities(scores)
    ]
    caption = "95 % bootstrap intervals."
    return Table(["quantity", *map(label, methods)], rows, title=title, caption=caption)


def error_gaps(
    scores: Mapping[str, Any], kind: str, title: str, units: Mapping[str, str]
) -> Table:
    """Quantities by rivals: by how much the network's error is larger, with its interval.

    Args:
        scores, kind, title, units: as in ``error_table``; without gaps the table is empty.

    Example:
        >>> gap = {"value": -0.01, "low": -0.02, "high": 0.0}
        >>> gaps = {"fit": {"rmse_x": gap}}
        >>> found = {"scores": {"net": {"rmse_x": 0.02}}, "gaps": gaps}
        >>> error_gaps(found, "rmse", "RMSE", {"x": "arcsec"}).text
        [['x (arcsec)', '-0.01\\n-0.02 to +0']]
    """
    gaps = {rival: found for rival, found in scores["gaps"].items() if found}
    rows = [
        [
            label(name, units.get(name, "")),
            *(_gap(found.get(f"{kind}_{name}")) for found in gaps.values()),
        ]
        for name in quantities(scores)
        if gaps
    ]
    return Table(
        ["quantity", *map(label, gaps)],
        rows,
        title=title,
        caption="Paired bootstrap, on the objects that both answered. An interval that does not "
        "hold 0 is a difference; below 0 the network's error is the smaller one.",
    )


def noise_table(scores: Mapping[str, Any], units: Mapping[str, str]) -> Table:
    """RMSE and scatter of every quantity at the signal-to-noise ratios that are quoted.

    Args:
        scores: the content of ``scores.json``; without such scores the table is empty.
        units: by quantity.
    """
    methods = list(scores["scores"])
    rows = []
    for name in quantities(scores):
        for level in LEVELS:
            cells = [
                scores["scores"][m].get(f"{kind}_{name}_sn{level}")
                for kind in ("rmse", "scatter")
                for m in methods
            ]
            if any(cell is not None for cell in cells):
                rows.append([label(name, units.get(name, "")), level, *cells])
    columns = ["quantity", "S/N"]
    columns += [f"{words} {label(m)}" for words in ("RMSE", "scatter") for m in methods]
    return Table(columns, rows, title="By signal-to-noise")


def calibration_table(scores: Mapping[str, Any], units: Mapping[str, str]) -> Table:
    """Coverage, pulls, PIT and CRPS of every quantity and method.

    Args:
        scores: the content of ``scores.json``.
        units: by quantity.
    """
    rows = []
    for name in quantities(scores):
        for method, found in scores["scores"].items():
            if f"rmse_{name}" in found:
                measured = {metric: found.get(f"{metric}_{name}") for metric in CALIBRATION}
                cells = [_p(v) if m.endswith("_p") else v for m, v in measured.items()]
                rows.append([label(name, units.get(name, "")), label(method), *cells])
    return Table(
        ["quantity", "method", *CALIBRATION.values()],
        rows,
        title="Calibration",
        caption="Of a calibrated posterior 68 and 95 % credible intervals hold so many of the "
        "truths, pulls (posterior mean minus truth, over the posterior's width) have mean 0 and "
        "width 1, and p, of the largest gap between the PIT's distribution and the uniform one, "
        "is rarely small. CRPS is in the quantity's unit.",
    )


def quantities(scores: Mapping[str, Any]) -> list[str]:
    """Names of what some method measured, in order.

    Example:
        >>> quantities({"scores": {"net": {"rmse_redshift": 1, "rmse_redshift_sn20": 1}}})
        ['redshift']
    """
    found = dict.fromkeys(m for s in scores["scores"].values() for m in s)
    pattern = re.compile(r"rmse_(.+)")
    names = [match[1] for metric in found if (match := pattern.fullmatch(metric))]
    return [name for name in names if not re.search(r"_sn\d+$", name)]


def _value(value: float | None, limits: Sequence[float | None] | None) -> str | float | None:
    if value is None or limits is None or None in limits:
        return value
    return f"{value:.3g}\n{limits[0]:.3g} to {limits[1]:.3g}"


def _p(value: float | None) -> str | float | None:
    """A probability as a cell: its size below a thousandth says nothing."""
    return "< 0.001" if value is not None and value < 1e-3 else value


def _gap(gap: Mapping[str, float | None] | None) -> str:
    if gap is None or gap["value"] is None:
        return "–"
    if gap["low"] is None:
        return f"{gap['value']:+.2g}"
    return f"{gap['value']:+.2g}\n{gap['low']:+.2g} to {gap['high']:+.2g}"
