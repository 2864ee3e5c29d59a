"""Whether a system reproduces what its paper claims."""

from collections.abc import Iterable, Mapping
from typing import Any

from deepfield.evaluate.compare import NET
from deepfield.evaluate.metrics import loss
from deepfield.nouns.recipe import Claim


def check(
    claims: Iterable[Claim], scores: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Every claim beside what was measured.

    Args:
        claims: of the recipe.
        scores: by method and metric; the network is ``net``.

    Returns:
        a row a claim, as in ``scores.json``: metric, bounds, the paper's numbers and source,
        the network's value, the best rival's, and whether the claim holds. A metric that was
        not measured is None, and its claim does not hold. A claim over a rival is of the
        quotient, ``<metric>_over_<rival>``.

    Example:
        >>> claim = Claim("accuracy", "this example", at_least=0.9)
        >>> row = check([claim], {"net": {"accuracy": 0.95}, "svm": {"accuracy": 0.8}})[0]
        >>> row["net"], row["rival"], row["holds"]
        (0.95, 0.8, True)
        >>> ratio = Claim("rmse", "this example", at_most=0.8, over="svm")
        >>> check([ratio], {"net": {"rmse": 1.0}, "svm": {"rmse": 2.0}})[0]["net"]
        0.5
    """
    return [_row(claim, scores) for claim in claims]


def _row(claim: Claim, scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    value, name, rival = scores.get(NET, {}).get(claim.metric), claim.metric, None
    if claim.over is None:
        rival = best_rival(scores, claim.metric)
    else:
        name = f"{claim.metric}_over_{claim.over}"
        theirs = scores.get(claim.over, {}).get(claim.metric)
        value = None if value is None or not theirs else value / theirs
    return {
        "metric": name,
        "at_least": claim.at_least,
        "at_most": claim.at_most,
        "paper": claim.paper,
        "rival_paper": claim.rival_paper,
        "source": claim.source,
        "net": value,
        "rival": rival,
        "holds": value is not None and claim.holds(value),
    }


def best_rival(scores: Mapping[str, Mapping[str, float]], metric: str) -> float | None:
    """The best score among the rivals; None where none was measured.

    Example:
        >>> best_rival({"net": {}, "a": {"brier": 0.3}, "b": {"brier": 0.2}}, "brier")
        0.2
    """
    values = [s[metric] for method, s in scores.items() if method != NET and metric in s]
    values = [value for value in values if value == value]
    return min(values, key=lambda value: loss(metric, value), default=None)
