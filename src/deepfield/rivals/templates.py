"""Templates: noiseless spectra on a regular grid of parameters, and what lies between them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Templates:
    """Spectra at the nodes of a grid.

    Args:
        axes: for each parameter its values, evenly spaced and ascending, at least three.
        spectra: [*node of each axis, number] of any scale.

    Raises:
        ValueError: axes that are not even, or do not fit the spectra.

    Example:
        >>> grid = Templates((np.arange(4.0),), np.arange(4.0)[:, None] ** 2)
        >>> spectra, slopes = grid.between(np.array([[1.5]]))
        >>> print(spectra[0, 0], slopes[0, 0, 0])
        2.25 3.0
    """

    axes: tuple[np.ndarray, ...]
    spectra: np.ndarray

    def __post_init__(self) -> None:
        if self.spectra.shape[:-1] != tuple(len(axis) for axis in self.axes):
            raise ValueError(
                f"spectra have shape {self.spectra.shape} for axes of "
                f"{', '.join(str(len(axis)) for axis in self.axes)} values; expected one a node"
            )
        for axis in self.axes:
            steps = np.diff(axis)
            if len(axis) < 3 or not (steps > 0).all() or np.ptp(steps) > 1e-6 * steps[0]:
                raise ValueError("an axis is not even; expected 3 or more evenly spaced values")

    @cached_property
    def flat(self) -> np.ndarray:
        """[node, number]."""
        return self.spectra.reshape(-1, self.spectra.shape[-1])

    @cached_property
    def nodes(self) -> np.ndarray:
        """[node, parameter] positions in steps from the first node."""
        counts = [np.arange(len(axis), dtype=float) for axis in self.axes]
        return np.stack([m.ravel() for m in np.meshgrid(*counts, indexing="ij")], 1)

    @cached_property
    def last(self) -> np.ndarray:
        """[parameter] position of the last node."""
        return np.array([len(axis) - 1.0 for axis in self.axes])

    def values(self, places: np.ndarray) -> np.ndarray:
        """Parameters [..., parameter] at positions in steps."""
        first = np.array([axis[0] for axis in self.axes])
        return first + places * np.array([axis[1] - axis[0] for axis in self.axes])

    def between(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Spectra between the nodes, by parabolas along every axis, and their slopes.

        Args:
            places: [object, parameter] positions in steps.

        Returns:
            [object, number], and [object, number, parameter] per step.
        """
        middle = np.clip(np.rint(places), 1, self.last - 1)
        away = places - middle
        weights = np.stack([away * (away - 1) / 2, 1 - away**2, away * (away + 1) / 2])
        slopes = np.stack([away - 0.5, -2 * away, away + 0.5])
        strides = np.cumprod([1, *[len(axis) for axis in self.axes[:0:-1]]])[::-1]
        start = (middle.astype(int) * strides).sum(1)
        parameters = range(len(self.axes))
        found = np.zeros((len(places), self.spectra.shape[-1]))
        moved = np.zeros((*found.shape, len(self.axes)))
        for corner in product(range(3), repeat=len(self.axes)):
            node = self.flat[start + ((np.array(corner) - 1) * strides).sum()]
            each = np.stack([weights[corner[i], :, i] for i in parameters], 1)
            found += each.prod(1)[:, None] * node
            for i in parameters:
                others = np.delete(each, i, 1).prod(1) * slopes[corner[i], :, i]
                moved[:, :, i] += others[:, None] * node
        return found, moved
