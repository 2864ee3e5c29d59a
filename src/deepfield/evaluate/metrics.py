"""What a metric's values mean: between which bounds they lie, and which one is best."""

import math

SHARES = (
    *("accuracy", "auroc", "tpr", "visible_fraction", "calibration_error", "coverage"),
    *("outlier", "pit_", "tarp_", "joint_", "completeness", "purity", "dominant_error"),
    *("redshift_success", "redshift_failure", "cramer_rao_share"),
)
LOWER = (
    *("calibration_error", "brier", "errors_visible_ratio", "rmse", "scatter", "sigma", "crps"),
    *("outlier", "pit_ks", "tarp_ks", "joint_ks", "dominant_error"),
    *("redshift_failure", "cramer_rao_ratio"),
)
NEAR_ZERO = ("bias", "pull_mean")
LOST = "lost_"
"""metrics by how their names begin; what a challenge costs can be less than nothing"""


def bounds(metric: str) -> tuple[float, float]:
    """Between which values a metric can be.

    Example:
        >>> bounds("coverage_68"), bounds("rmse_magnitude"), bounds("bias")
        ((0.0, 1.0), (0.0, inf), (-inf, inf))
    """
    if metric.startswith(SHARES):
        return 0.0, 1.0
    return (0.0 if metric.startswith((*LOWER, "pull_width")) else -math.inf), math.inf


def loss(metric: str, value: float) -> float:
    """How far from its best a value is: of two values the one with the smaller loss is better.

    Errors are best at 0, coverages at what they promise, widths of pulls at 1, and all others
    the higher the better.

    Example:
        >>> loss("coverage_68_redshift", 0.5) > loss("coverage_68_redshift", 0.7)
        True
        >>> loss("accuracy", 0.9) < loss("accuracy", 0.8)
        True
    """
    if metric.startswith((LOST, *LOWER)):
        return value
    if metric.startswith(NEAR_ZERO):
        return abs(value)
    if metric.startswith("pull_width"):
        return abs(math.log(value)) if value > 0 else math.inf
    if metric.startswith("coverage_"):
        return abs(value - float(metric.split("_")[1]) / 100)
    return -value
