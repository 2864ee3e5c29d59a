"""Square views: a stamp turned by quarters and mirrored; the sky has no up and no left."""

import numpy as np


def square_views(images: np.ndarray, most: int = 8) -> list[np.ndarray]:
    """The images as they are, then mirrored, turned by a quarter, and so on.

    Turning a stamp that is not square by a quarter changes its shape: of these there are four.

    Args:
        images: [object, y, x].
        most: views, one at least.

    Returns:
        of every view the images, [object, y, x], as numpy's own views of the memory.

    Example:
        >>> len(square_views(np.zeros((2, 8, 8)))), len(square_views(np.zeros((2, 8, 9))))
        (8, 4)
    """
    mirrored = images[:, :, ::-1]
    views = [np.rot90(each, turn, axes=(1, 2)) for turn in range(4) for each in (images, mirrored)]
    return [view for view in views if view.shape == images.shape][: max(1, most)]
