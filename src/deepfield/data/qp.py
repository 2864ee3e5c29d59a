"""qp: files of probability densities that the photometric redshift tools of LSST read.

The layout of ``qp.read`` (https://qp.readthedocs.io), quantile parametrisation: a group ``meta``
of what all share, ``data`` with a row an object, ``ancil`` with columns beside them. Written with
HDF5 alone: neither side needs the other's package.
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from deepfield.nouns.posterior import Posterior
from deepfield.nouns.whole import whole

LEVELS = (0.005, 0.025, *(np.arange(1, 20) / 20).tolist(), 0.975, 0.995)
"""quantiles that are written"""
NARROWEST = 1e-6
"""smallest step between two quantiles: a density has no jumps"""


def write_qp(
    posterior: Posterior,
    path: Path | str,
    *,
    ids: np.ndarray,
    name: str = "redshift",
    beside: Mapping[str, np.ndarray] | None = None,
) -> int:
    """Write the densities of one quantity, whole or not at all.

    Rows without a measurement have no density and are left out; ``ancil/object_id`` says which
    rows there are.

    Args:
        posterior: of the objects.
        path: an .hdf5 file.
        ids: [object] strings.
        name: of the quantity.
        beside: further columns [object] for ``ancil``.

    Returns:
        how many objects were written.

    Raises:
        ValueError: another suffix, other lengths, or no object with a measurement.

    Example:
        >>> import tempfile, torch
        >>> from deepfield.nouns.quantity import Quantity
        >>> posterior = Posterior((Quantity("redshift"),), torch.rand(2, 64, 1))
        >>> write_qp(posterior, Path(tempfile.mkdtemp()) / "z.hdf5", ids=np.array(["a", "b"]))
        2
    """
    if Path(path).suffix != ".hdf5":
        raise ValueError(f"{path}: expected a name that ends in .hdf5, by which qp knows the kind")
    columns = {"object_id": np.asarray(ids, dtype=str), **(beside or {})}
    if wrong := [f"{k} {len(v)}" for k, v in columns.items() if len(v) != len(posterior)]:
        raise ValueError(f"rows are {', '.join(wrong)}; expected {len(posterior)}, one an object")
    measured = posterior.of(name).isfinite().all(1)
    rows = measured.numpy()
    if not rows.any():
        raise ValueError(f"none of {len(rows)} objects has a posterior of {name}")
    kept = posterior[measured.nonzero()[:, 0]]
    found = kept.quantiles(LEVELS)[:, kept.names.index(name)].double().numpy()
    places = found + NARROWEST * (np.arange(len(LEVELS)) - len(LEVELS) // 2)
    levels, places = _closed(np.array(LEVELS), places)
    with whole(path) as temporary, h5py.File(temporary, "w") as file:
        meta = file.create_group("meta")
        meta["pdf_name"] = np.array([b"quant"])
        meta["pdf_version"] = np.array([0])
        meta["quants"] = levels[None]
        meta["pdf_constructor_name"] = np.array([b"piecewise_linear"])
        meta["ensure_extent"] = np.array([True])
        file["data/locs"] = places
        for column, values in columns.items():
            file[f"ancil/{column}"] = _stored(np.asarray(values)[rows])
    return int(rows.sum())


def _closed(levels: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With the levels 0 and 1, as far out again as the last density carries."""
    low = places[:, :1] - (places[:, 1:2] - places[:, :1]) * levels[0] / (levels[1] - levels[0])
    high = places[:, -1:] + (places[:, -1:] - places[:, -2:-1]) * levels[0] / (
        levels[1] - levels[0]
    )
    return np.concatenate([[0.0], levels, [1.0]]), np.concatenate([low, places, high], 1)


def _stored(values: np.ndarray) -> np.ndarray:
    return np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
