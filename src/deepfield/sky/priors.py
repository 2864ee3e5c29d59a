"""Priors: ranges that parameters are drawn from, and what is refused of them."""

import math

import numpy as np

Range = tuple[float, float]


def check_range(
    name: str, limits: Range, *, at_least: float = -math.inf, at_most: float = math.inf
) -> None:
    """Refuse a range that is reversed, not finite or beyond what can be.

    Args:
        name: of the prior, for the message.
        limits: lowest and highest.
        at_least, at_most: what can be.

    Raises:
        ValueError: what was received, what was expected.

    Example:
        >>> check_range("bulge_to_total", (0.0, 1.2), at_least=0, at_most=1)
        Traceback (most recent call last):
        ...
        ValueError: bulge_to_total (0.0, 1.2); expected lowest <= highest, both from 0 to 1
    """
    low, high = limits
    if not (at_least <= low <= high <= at_most and math.isfinite(low) and math.isfinite(high)):
        bounds = _bounds(at_least, at_most, "both ")
        raise ValueError(f"{name} {limits}; expected lowest <= highest, {bounds}")


def check_number(
    name: str, value: float, *, at_least: float = -math.inf, at_most: float = math.inf
) -> None:
    """Refuse a number that is not finite or beyond what can be.

    Args:
        name: of the prior, for the message.
        value: what was given.
        at_least, at_most: what can be.

    Raises:
        ValueError: what was received, what was expected.

    Example:
        >>> check_number("density", -3.0, at_least=0)
        Traceback (most recent call last):
        ...
        ValueError: density -3.0; expected finite and at least 0
    """
    if not (at_least <= value <= at_most and math.isfinite(value)):
        raise ValueError(f"{name} {value}; expected {_bounds(at_least, at_most, '')}")


def _bounds(at_least: float, at_most: float, both: str) -> str:
    if math.isfinite(at_least) and math.isfinite(at_most):
        return f"{both}from {at_least:g} to {at_most:g}"
    if math.isfinite(at_least):
        return f"{both}finite and at least {at_least:g}"
    if math.isfinite(at_most):
        return f"{both}finite and at most {at_most:g}"
    return f"{both}finite"


def flat(uniform: np.ndarray, limits: Range) -> np.ndarray:
    """Uniform numbers in [0, 1) spread evenly over a range.

    Example:
        >>> flat(np.array([0.0, 0.5]), (2.0, 4.0)).tolist()
        [2.0, 3.0]
    """
    low, high = limits
    return low + (high - low) * uniform


def log_flat(uniform: np.ndarray, limits: Range) -> np.ndarray:
    """Uniform numbers in [0, 1) spread evenly in the logarithm over a positive range.

    Example:
        >>> log_flat(np.array([0.0, 0.5]), (1.0, 100.0)).round(6).tolist()
        [1.0, 10.0]
    """
    low, high = limits
    return low * (high / low) ** uniform
