"""Errors, gaps and calibration of measurements as tables."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deepfield.report.figures import label
from deepfield.report.parts import Table

HEADLINE = {
    "sigma_mad": "σ_MAD",
    "bias": "bias",
    "outlier_fraction": "outliers > 0.05",
    "outlier_fraction_15": "outliers > 0.15",
    "crps": "CRPS",
    "pit_ks": "PIT KS",
    "coverage_68": "68 % hold",
    "coverage_95": "95 % hold",
    "tarp_p": "TARP p",
    "joint_p": "joint p",
}
"""scores of all quantities together, and how a table names them"""
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


def summary_table(scores: Mapping[str, Any]) -> Table:
    """Methods by the scores of all quantities together, objects and time.

    Args:
        scores: the content of ``scores.json``.

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
    metrics = [m for m in HEADLINE if any(m in found for found in methods.values())]
    rows = []
    for method, found in methods.items():
        limits = scores["intervals"].get(method, {})
        cells = [_value(found.get(m), limits.get(m)) for m in metrics]
        count = int(found.get("objects", scores["objects"]))
        rows.append([label(method), count, *cells, 1000 * scores["seconds_per_object"][method]])
    caption = (
        "95 % bootstrap intervals. A method that affords fewer objects is scored on those alone."
    )
    if missed := [
        f"{label(m)} {int(s['unmeasured']):,}" for m, s in methods.items() if s.get("unmeasured")
    ]:
        caption += f" Left out because a method could not measure them: {', '.join(missed)}."
    columns = ["method", "objects", *(HEADLINE[m] for m in metrics), "ms per object"]
    return Table(columns, rows, title="Scores", caption=caption)


def error_table(scores: Mapping[str, Any], kind: str, title: str) -> Table:
    """Quantities by methods: one kind of error with its interval, and the network's gap.

    Args:
        scores: the content of ``scores.json``.
        kind: of the error: ``rmse``, ``scatter`` or ``bias``.
        title: of the table.

    Example:
        >>> error_table(
        ...     {
        ...         "scores": {"net": {"rmse_redshift": 0.02}},
        ...         "intervals": {"net": {"rmse_redshift": [0.01, 0.03]}},
        ...         "gaps": {},
        ...     },
        ...     "rmse",
        ...     "RMSE",
        ... ).text
        [['redshift', '0.02\\n0.01 to 0.03']]
    """
    methods = list(scores["scores"])
    rivals = [rival for rival, found in scores["gaps"].items() if found]
    rows = []
    for name in quantities(scores):
        metric = f"{kind}_{name}"
        cells = [
            _value(scores["scores"][m].get(metric), scores["intervals"].get(m, {}).get(metric))
            for m in methods
        ]
        rows.append([label(name), *cells, *(_gap(scores["gaps"][r].get(metric)) for r in rivals)])
    columns = ["quantity", *map(label, methods), *(f"net − {label(r)}" for r in rivals)]
    return Table(
        columns,
        rows,
        title=title,
        caption="95 % bootstrap intervals; gaps are paired, on the objects that both answered.",
    )


def noise_table(scores: Mapping[str, Any]) -> Table:
    """RMSE and scatter of every quantity at the signal-to-noise ratios that are quoted.

    Args:
        scores: the content of ``scores.json``; without such scores the table is empty.
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
                rows.append([label(name), level, *cells])
    columns = ["quantity", "S/N"]
    columns += [f"{words} {label(m)}" for words in ("RMSE", "scatter") for m in methods]
    return Table(columns, rows, title="By signal-to-noise")


def calibration_table(scores: Mapping[str, Any]) -> Table:
    """Coverage, pulls, PIT and CRPS of every quantity and method.

    Args:
        scores: the content of ``scores.json``.
    """
    rows = []
    for name in quantities(scores):
        for method, found in scores["scores"].items():
            if f"rmse_{name}" in found:
                cells = [found.get(f"{metric}_{name}") for metric in CALIBRATION]
                rows.append([label(name), label(method), *cells])
    return Table(
        ["quantity", "method", *CALIBRATION.values()],
        rows,
        title="Calibration",
        caption="Of a calibrated posterior 68 and 95 % credible intervals hold so many of the "
        "truths, pulls (posterior mean minus truth, over the posterior's width) have mean 0 and "
        "width 1, and p, of the largest gap between the PIT's distribution and the uniform one, "
        "is rarely small.",
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


def _gap(gap: Mapping[str, float | None] | None) -> str:
    if gap is None or gap["value"] is None:
        return "–"
    if gap["low"] is None:
        return f"{gap['value']:+.2g}"
    return f"{gap['value']:+.2g}\n{gap['low']:+.2g} to {gap['high']:+.2g}"
