"""The page of an evaluation of measurements: the network's posteriors beside its rivals'."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.figure

from deepfield.report.coverage_curves import CoveragePoints, coverage_curves
from deepfield.report.error_trends import ErrorPoints, bias_trends, scatter_trends
from deepfield.report.measurement_tables import (
    calibration_table,
    error_gaps,
    error_table,
    noise_table,
    summary_table,
)
from deepfield.report.parts import Figure, Highlight, Part, Text
from deepfield.report.predicted_true import MethodPoints, predicted_true
from deepfield.report.rank_histograms import RankCounts, rank_histograms
from deepfield.report.score_tables import claims_table

ERRORS = {"rmse": "RMSE", "scatter": "scatter (1.4826 MAD)"}


def measurement_parts(
    scores: Mapping[str, Any],
    *,
    verdict: str,
    measured_on: str,
    points: Mapping[str, MethodPoints],
    coverages: Mapping[str, Mapping[str, CoveragePoints]],
    histograms: Mapping[str, Mapping[str, RankCounts]],
    joint: Mapping[str, Mapping[str, CoveragePoints]],
    trends: Sequence[ErrorPoints] = (),
    corner: matplotlib.figure.Figure | None = None,
) -> list[Part]:
    """The parts of the page.

    Args:
        scores: the content of ``scores.json``.
        verdict: which method one would use, in a sentence.
        measured_on: the objects, their source and split, and what was left out.
        points: predicted and true values by method.
        coverages: by quantity and method.
        histograms: of the PIT, by quantity and method.
        joint: coverage of joint posteriors, by where regions grow from and method; may be empty.
        trends: errors against other quantities; empty = no such figures.
        corner: of one object; None = no such figure.
    """
    units = {name: q.unit for found in points.values() for name, q in found.quantities.items()}
    parts: list[Part] = [
        Highlight(verdict),
        summary_table(scores),
        Text(measured_on, title="What the numbers were measured on"),
    ]
    for kind, words in ERRORS.items():
        parts.append(error_table(scores, kind, f"Errors: {words}", units))
        if (gaps := error_gaps(scores, kind, f"Network minus rival: {words}", units)).rows:
            parts.append(gaps)
    if (by_noise := noise_table(scores, units)).rows:
        parts.append(by_noise)
    if scores["claims"]:
        parts.append(claims_table(scores["claims"]))
    parts += [
        Figure(
            predicted_true(points),
            "Medians of the posteriors. Objects outside the range of the truths are drawn at its "
            "edge; of many objects every n-th is drawn. Pale points have a signal-to-noise that "
            "is not quoted.",
            title="Predicted against true",
        ),
        calibration_table(scores, units),
        Figure(
            coverage_curves(coverages),
            "Central credible intervals; bands are 95 % binomial limits. Below the diagonal a "
            "method is surer than it should be, above it less sure.",
            title="Do the intervals keep their promise?",
        ),
        Figure(
            rank_histograms(histograms),
            "The probability integral transform, or rank of simulation-based calibration. Flat "
            "is calibrated; a U is too narrow, a hill too wide, a slope biased. Bands hold 95 % "
            "of the bins of a calibrated posterior.",
            title="Where in its posterior does the truth lie?",
        ),
    ]
    if joint:
        parts.append(
            Figure(
                coverage_curves(joint),
                "Coverage of regions of the joint posterior of all quantities that grow around "
                "random points (TARP, Lemos et al. 2023) and around the posterior's mean, in "
                "units of its own covariance. They notice correlations that are wrong.",
                title="Are the joint posteriors calibrated?",
            )
        )
    if corner is not None:
        parts.append(
            Figure(
                corner,
                "One object, more degenerate than nine tenths of them; dashed is the truth. "
                "Contours hold 68 and 95 % of the probability.",
                title="What hangs together",
            )
        )
    if trends:
        words = "Bins of equally many objects."
        parts += [
            Figure(
                bias_trends(trends),
                f"Median error with its 95 % limits. {words}",
                title="Is there a trend?",
            ),
            Figure(scatter_trends(trends), words, title="Where it works"),
        ]
    return parts
