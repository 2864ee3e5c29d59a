"""The interval of a fraction that was counted."""

import numpy as np
from scipy.special import ndtri


def binomial_interval(
    successes: np.ndarray | float, count: np.ndarray | float, *, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a fraction: honest near 0 and 1, and for few objects.

    Args:
        successes: how many.
        count: of how many; 0 gives (0, 1): nothing is known.
        level: of confidence.

    Returns:
        lower and upper limit, of the arguments' shape.

    Source: Wilson 1927, JASA 22, 209.

    Example:
        >>> low, high = binomial_interval(8, 10)
        >>> print(f"{low:.3f} {high:.3f}")
        0.490 0.943
    """
    k, n = np.asarray(successes, float), np.asarray(count, float)
    z = ndtri(0.5 + level / 2)
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(np.maximum(k * (1 - k / np.maximum(n, 1)), 0) + z**2 / 4)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
