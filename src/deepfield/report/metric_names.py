"""Metrics as a reader would name them."""

from deepfield.report.figures import label

CLASSES = {
    "accuracy": "accuracy",
    "accuracy_visible": "accuracy, visible",
    "auroc": "AUROC",
    "tpr0": "TPR0",
    "tpr10": "TPR10",
    "calibration_error": "calibration error",
}
"""of classifications"""
POSTERIORS = {
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
"""of all quantities of posteriors together"""
VOTES = {
    "rmse_fractions": "RMSE of the shares",
    "rmse_over_irreducible": "over the least possible",
    "accuracy_agreed": "right where volunteers agree",
    "dominant_error": "first answer wrong",
    "calibration_error": "calibration error",
    "pit_ks_votes": "PIT KS",
    "coverage_68_votes": "68 % hold",
}
"""of vote fractions"""
OTHERS = {
    "dominant_error_clear": "first answer wrong where two thirds agree",
    "bias_fractions": "bias of the shares",
    "scatter_fractions": "scatter of the shares",
    "errors_visible_ratio": "errors over the best rival's, visible",
    "redshift_success": "redshifts that succeed",
}
KINDS = {
    "lost_": "lost: {}",
    "cramer_rao_ratio_": "error over the Cramér-Rao bound: {}",
    "rmse_": "RMSE: {}",
    "scatter_": "scatter: {}",
    "accuracy_": "accuracy, {}",
    "auroc_": "AUROC, {}",
}
"""by how a name begins"""


def metric_name(metric: str) -> str:
    """A metric as a table names it.

    Example:
        >>> metric_name("auroc"), metric_name("lost_accuracy_shifted"), metric_name("odd_one")
        ('AUROC', 'lost: accuracy, shifted', 'odd one')
    """
    names = {**OTHERS, **VOTES, **POSTERIORS, **CLASSES}
    if metric in names:
        return names[metric]
    for start, words in KINDS.items():
        if metric.startswith(start):
            return words.format(metric_name(metric.removeprefix(start)))
    return label(metric)
