"""Maximum mean discrepancy: are two samples of features drawn from one distribution?"""

import torch
from torch import Tensor

DEEPMERGE = (
    *(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 5.0, 10.0, 15.0),
    *(20.0, 25.0, 30.0, 35.0, 100.0, 1e3, 1e4, 1e5, 1e6),
)
"""variances of the Gaussian kernels in Ciprijanovic+21"""


def mmd(source: Tensor, target: Tensor, *, variances: tuple[float, ...] = DEEPMERGE) -> Tensor:
    """Squared maximum mean discrepancy with a sum of Gaussian kernels.

    Mean similarity within each sample less twice that between them, every point with itself
    too (the V-statistic): at least 0, and 0 for equal samples.

    Source: Gretton et al. 2012, JMLR 13, 723; kernels: Ciprijanovic et al. 2021, MNRAS 506, 677.

    Args:
        source, target: [object, feature], any number of objects each.
        variances: of the kernels exp(-distance^2 / (2 variance)), in squared units of features.

    Returns:
        between 0 and twice the number of kernels.

    Raises:
        ValueError: not the same features, an empty sample or no kernel.

    Example:
        >>> near, far = torch.zeros(4, 2), torch.full((4, 2), 100.0)
        >>> mmd(near, near, variances=(1.0,)), mmd(near, far, variances=(1.0,))
        (tensor(0.), tensor(2.))
    """
    if source.ndim != 2 or target.ndim != 2 or source.shape[1] != target.shape[1]:
        raise ValueError(
            f"features have shapes {tuple(source.shape)} and {tuple(target.shape)}; expected "
            "[object, feature] with the same features"
        )
    if not len(source) or not len(target) or not variances or min(variances) <= 0:
        raise ValueError(
            f"{len(source)} and {len(target)} objects and variances {variances}; expected some "
            "of both, and variances above 0"
        )
    within = _similarity(source, source, variances) + _similarity(target, target, variances)
    return (within - 2 * _similarity(source, target, variances)).clamp(min=0)


def _similarity(first: Tensor, second: Tensor, variances: tuple[float, ...]) -> Tensor:
    # Not by a matrix product, which would not give 0 for a point and itself.
    square = torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").square()
    return torch.stack([(square / (-2 * v)).exp().mean() for v in variances]).sum()
