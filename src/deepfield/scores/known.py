"""What can be scored: measured answers with a known label."""

import numpy as np
from torch import Tensor


def as_array(values: Tensor | np.ndarray) -> np.ndarray:
    """Values as NumPy, off the device and out of the graph; tensors in double precision.

    Example:
        >>> import torch
        >>> as_array(torch.ones(2, requires_grad=True))
        array([1., 1.])
    """
    if not isinstance(values, Tensor):
        return np.asarray(values)
    # NumPy has no bfloat16.
    values = values.double() if values.is_floating_point() else values
    return values.detach().cpu().numpy()


def truths_of(samples: Tensor | np.ndarray, true: Tensor | np.ndarray) -> np.ndarray:
    """[object, quantity] true values that joint samples belong to, in double precision.

    Args:
        samples: [object, sample, quantity].
        true: [object, quantity].

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> truths_of(np.zeros((4, 9, 2)), np.ones((4, 2), int)).dtype
        dtype('float64')
    """
    truth = as_array(true).astype(float)
    if samples.ndim != 3 or truth.shape != (samples.shape[0], samples.shape[2]):
        raise ValueError(
            f"samples have shape {tuple(samples.shape)} for true values {truth.shape}; expected "
            "[object, sample, quantity] and [object, quantity]"
        )
    return truth


def hard_labels(labels: Tensor | np.ndarray) -> np.ndarray:
    """One class an object; -1 where it is not known.

    Args:
        labels: [object] class numbers (-1 or NaN: not known), or [object, class] fractions, of
            which the largest counts (NaN or all zero: not known).

    Returns:
        [object] int64.

    Example:
        >>> hard_labels(np.array([[0.2, 0.8], [0.7, 0.3], [np.nan, np.nan]])).tolist()
        [1, 0, -1]
    """
    array = as_array(labels)
    if array.ndim == 2:
        known = np.isfinite(array).all(1) & (array > 0).any(1)
        return np.where(known, np.nan_to_num(array).argmax(1), -1)
    return np.nan_to_num(array, nan=-1).astype(np.int64)


def scored(
    probabilities: Tensor | np.ndarray, labels: Tensor | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The objects that have both an answer and a label.

    Args:
        probabilities: [object, class]; NaN = not measured.
        labels: as in ``hard_labels``.

    Returns:
        probabilities [scored, class] in double precision, labels [scored], and the rows
        [scored] that these objects had.

    Raises:
        ValueError: the two do not fit together.

    Example:
        >>> scored(np.array([[0.3, 0.7], [np.nan, np.nan], [0.6, 0.4]]), np.array([1, 0, -1]))[2]
        array([0])
    """
    answers, truth = as_array(probabilities).astype(np.float64), hard_labels(labels)
    if answers.ndim != 2 or len(answers) != len(truth):
        raise ValueError(
            f"probabilities have shape {answers.shape} for {len(truth)} labels; expected "
            "[object, class] with one row a label"
        )
    if len(truth) and truth.max() >= answers.shape[1]:
        raise ValueError(
            f"label {truth.max()} for {answers.shape[1]} classes; expected labels below "
            f"{answers.shape[1]}: give the classes in the order of the labels"
        )
    rows = np.flatnonzero(np.isfinite(answers).all(1) & (truth >= 0))
    return answers[rows], truth[rows], rows
