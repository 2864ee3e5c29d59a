"""Neighbours: do points that lie together belong together?"""

import numpy as np
from sklearn.neighbors import NearestNeighbors
from torch import Tensor


def purity(
    points: Tensor | np.ndarray, labels: Tensor | np.ndarray, *, neighbours: int = 10
) -> float:
    """Mean share of a point's nearest neighbours that have its label.

    Args:
        points: [point, dimension].
        labels: [point]; -1 = not known and left out.
        neighbours: how many of each are looked at.

    Returns:
        between 0 and 1.

    Raises:
        ValueError: not more points than neighbours.

    Example:
        >>> purity(np.array([[0.0], [0.1], [5.0], [5.1]]), np.array([0, 0, 1, 1]), neighbours=1)
        1.0
    """
    points, labels = np.asarray(points), np.asarray(labels)
    points, labels = points[labels >= 0], labels[labels >= 0]
    if len(points) <= neighbours:
        raise ValueError(
            f"{len(points)} points with a label for {neighbours} neighbours; expected more points"
        )
    near = NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors(return_distance=False)
    return float((labels[near] == labels[:, None]).mean())
