"""The content of ``scores.json``."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from deepfield.evaluate.claims import check
from deepfield.evaluate.compare import NET, Comparison
from deepfield.nouns.recipe import Claim


def scores_json(
    comparison: Comparison,
    *,
    claims: Iterable[Claim] = (),
    weights: str = "",
    explain: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A comparison as plain JSON values.

    Numbers that are not finite become None: JSON has no NaN.

    Args:
        comparison: of a network and its rivals.
        claims: of the recipe.
        weights: SHA-256 of the network's weights, in hexadecimal.
        explain: what `evaluate --explain` adds: ``explain`` (method, score: value),
            ``explain_controls`` of maps that ask no network, ``explain_default`` the method that
            reports show, ``explain_objects`` how many were examined.

    Returns:
        ``recipe``, ``objects`` (scored), ``seed``, ``weights``, ``scores``,
        ``seconds_per_object``, ``claims``, and ``intervals`` (method, metric: [low, high]) and
        ``gaps`` (rival, metric: {value, low, high, net}: network minus rival, and the network's
        own score, on the objects that the rival answered).
    """
    objects = len(comparison.batch)
    scores: dict[str, dict[str, float]] = {
        method: dict(found)
        if method == NET
        else {"objects": len(comparison.rows[method]), **found}
        for method, found in comparison.scores.items()
    }
    content = {
        "recipe": comparison.name,
        "objects": objects,
        "seed": comparison.seed,
        "weights": weights,
        "scores": scores,
        "seconds_per_object": comparison.seconds_per_object,
        "claims": check(claims, comparison.scores),
        "intervals": {
            method: {metric: [limits.low, limits.high] for metric, limits in found.items()}
            for method, found in comparison.intervals.items()
        },
        "gaps": {
            rival: {
                metric: {
                    **gap._asdict(),
                    "net": comparison.intervals[rival][metric].value + gap.value,
                }
                for metric, gap in found.items()
            }
            for rival, found in comparison.gaps.items()
        },
        **(explain or {}),
    }
    plain = _plain(content)
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
