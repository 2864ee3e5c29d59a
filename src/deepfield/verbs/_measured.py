"""How posteriors are judged: errors, calibration, trends, and one object's degeneracy."""

from collections.abc import Mapping
from typing import Any

import matplotlib.figure
import numpy as np

from deepfield.evaluate.compare import NET, Comparison
from deepfield.evaluate.degeneracy import degenerate
from deepfield.evaluate.error_trends import error_trends
from deepfield.evaluate.measured_verdict import measured_verdict
from deepfield.evaluate.measurements import (
    Measurements,
    coverages,
    histograms,
    joint_coverages,
    measurements,
)
from deepfield.nouns.posterior import Posterior
from deepfield.report.corner import corner
from deepfield.report.figures import label
from deepfield.report.measurement import measurement_parts
from deepfield.scores.known import as_array
from deepfield.verbs._judgement import Judgement, answers

AGAINST = {
    "redshift": ("redshift", "magnitude", "inclination", "signal_to_noise"),
    "": ("signal_to_noise",),
}
"""what the errors of a quantity are shown against; the last of all others"""
MOST_TRENDS = 9


def measured(
    comparison: Comparison, scores: Mapping[str, Any], *, said: str, training_objects: int
) -> Judgement | None:
    """The judgement of posteriors; None where the network gives none.

    Args:
        comparison: of the network and its rivals.
        scores: the content of scores.json.
        said: what the numbers were measured on.
        training_objects: that the network learned from.
    """
    every = measurements(comparison)
    if NET not in every:
        return None
    sentence = measured_verdict(comparison, training_objects=training_objects)
    trends = [
        trend
        for name in every[NET].quantities
        for trend in error_trends(comparison, every, [name], AGAINST.get(name, AGAINST[""]))
    ]
    parts = measurement_parts(
        scores,
        verdict=sentence,
        measured_on=said,
        points=every,
        coverages=coverages(every),
        histograms=histograms(every),
        joint=joint_coverages(every),
        trends=trends[:MOST_TRENDS],
        corner=_corner(comparison, every),
    )
    return Judgement(sentence, answers(comparison, Posterior), parts)


def _corner(
    comparison: Comparison, every: Mapping[str, Measurements]
) -> matplotlib.figure.Figure | None:
    """The joint posteriors of an object that the most methods answered."""
    fewest = min(every, key=lambda method: len(comparison.rows[method]))
    here = as_array(comparison.rows[fewest])
    # The network's own posterior says how degenerate an object is.
    together = every[NET].together()
    if len(together) < 2:
        return None
    own = as_array(comparison.rows[NET])
    some = [m.at(np.searchsorted(own, here)) for m in together]
    chosen, names = degenerate(some)
    row = int(here[chosen])
    samples, weights = {}, {}
    for method, found in every.items():
        place = int(np.searchsorted(as_array(comparison.rows[method]), row))
        if not set(names) <= set(found.quantities):
            continue
        several = [found.quantities[name] for name in names]
        samples[method] = np.stack([as_array(m.samples[place]) for m in several], 1)
        if several[0].weights is not None:
            weights[method] = as_array(several[0].weights[place])
    known = {marginal.name: marginal for marginal in some}
    titles = [label(name, known[name].unit) for name in names]
    truth = [float(known[name].true[chosen]) for name in names]
    return corner(samples, titles, weights=weights, truth=truth)
