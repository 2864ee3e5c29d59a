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
        not measured is None, and its claim does not hold.

    Example:
        >>> claim = Claim("accuracy", "this example", at_least=0.9)
        >>> row = check([claim], {"net": {"accuracy": 0.95}, "svm": {"accuracy": 0.8}})[0]
        >>> row["net"], row["rival"], row["holds"]
        (0.95, 0.8, True)
    """
    return [
        {
            "metric": claim.metric,
            "at_least": claim.at_least,
            "at_most": claim.at_most,
            "paper": claim.paper,
            "rival_paper": claim.rival_paper,
            "source": claim.source,
            "net": (value := scores.get(NET, {}).get(claim.metric)),
            "rival": best_rival(scores, claim.metric),
            "holds": value is not None and claim.holds(value),
        }
        for claim in claims
    ]


def best_rival(scores: Mapping[str, Mapping[str, float]], metric: str) -> float | None:
    """The best score among the rivals; None where none was measured.

    Example:
        >>> best_rival({"net": {}, "a": {"brier": 0.3}, "b": {"brier": 0.2}}, "brier")
        0.2
    """
    values = [s[metric] for method, s in scores.items() if method != NET and metric in s]
    values = [value for value in values if value == value]
    return min(values, key=lambda value: loss(metric, value), default=None)
