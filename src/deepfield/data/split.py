"""Splits of real data: by a hash of the object id, the same everywhere and always."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

VALIDATION = 0.1


def unit_hash(ids: Sequence[str] | np.ndarray, salt: str = "") -> np.ndarray:
    """Numbers in [0, 1) that depend on the ids alone, as good as uniform.

    Args:
        ids: [object] strings.
        salt: another salt gives independent numbers; up to 16 bytes.

    Returns:
        [object] float64.

    Example:
        >>> unit_hash(["ngc1300", "m31"]).round(6).tolist()
        [0.781207, 0.430117]
    """
    key = salt.encode()
    digests = b"".join(
        blake2b(str(name).encode(), digest_size=8, salt=key, person=b"deepfield").digest()
        for name in ids
    )
    # The upper 53 bits are what a float64 holds; more could round up to 1.
    return (np.frombuffer(digests, ">u8") >> np.uint64(11)).astype(np.float64) / 2.0**53


def split_of(ids: Sequence[str] | np.ndarray, *, fold: int = 0, folds: int = 5) -> np.ndarray:
    """Split of every object: one fold is the test, the rest is trained and chosen on.

    The hash of the id falls in one of ``folds`` equal folds; ``fold`` is the test. Of the others
    a second hash makes 10 % validation and 90 % train; labels are too dear to keep some for
    calibration alone.

    Args:
        ids: [object] strings.
        fold: which fold is the test, 0 to ``folds - 1``.
        folds: how many; at least 2.

    Returns:
        [object] strings: ``train``, ``validation`` or ``test``.

    Raises:
        ValueError: a fold that there is not.

    Example:
        >>> split_of(["1", "2", "3", "4"]).tolist()
        ['validation', 'test', 'train', 'test']
    """
    if folds < 2 or not 0 <= fold < folds:
        raise ValueError(
            f"fold {fold} of {folds}; expected at least 2 folds and a fold from 0 to folds - 1"
        )
    place = unit_hash(ids, "choose")
    split = np.full(len(place), "train", dtype="<U10")
    split[place < VALIDATION] = "validation"
    split[(unit_hash(ids, "fold") * folds).astype(int) == fold] = "test"
    return split
