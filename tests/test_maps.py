"""Maps of cosmological simulations: the numbers of each go with its images, and never leak."""

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table

from deepfield.data.hdf5 import open_hdf5, write_hdf5
from deepfield.data.maps import open_maps


def test_camels_like_files_are_one_source(tmp_path):
    rng = np.random.default_rng(0)
    gas, stars = (rng.normal(size=(60, 8, 8)).astype(np.float32) for _ in range(2))
    np.save(tmp_path / "gas.npy", gas)
    np.save(tmp_path / "stars.npy", stars)
    parameters = rng.uniform(size=(20, 2))
    np.savetxt(tmp_path / "params.txt", parameters, header="Om s8")
    source = open_maps(
        [tmp_path / "gas.npy", tmp_path / "stars.npy"],
        tmp_path / "params.txt",
        channels=("gas", "stars"),
        names=("Om", "s8"),
    )
    batch = source.take(torch.tensor([7, 59]), 0).check()
    assert np.array_equal(batch.values.numpy()[:, 0], gas[[7, 59]])
    assert np.array_equal(batch.values.numpy()[:, 1], stars[[7, 59]])
    assert batch.truth["s8"].tolist() == pytest.approx(parameters[[2, 19], 1].tolist())
    parents = [
        set((source.part(split).rows // 3).tolist()) for split in ("train", "validation", "test")
    ]
    assert sum(map(len, parents)) == 20, "a simulation is in one split"
    stored = open_hdf5(write_hdf5(source, tmp_path / "a.h5"))
    assert torch.equal(stored.take(torch.tensor([7]), 0).truth["Om"], batch.truth["Om"][:1])


def test_fits_cubes_and_three_dimensions(tmp_path):
    rng = np.random.default_rng(1)
    cubes = rng.normal(size=(4, 2, 8, 8)).astype(np.float32)
    for i, cube in enumerate(cubes):
        fits.PrimaryHDU(cube).writeto(tmp_path / f"{i}.fits")
    table = Table({"redshift": [0.1, 0.2, 0.3, 0.4], "name": ["a", "b", "c", "d"]})
    source = open_maps([tmp_path / f"{i}.fits" for i in range(4)], table)
    batch = source.take(torch.tensor([3, 0]), 0).check()
    assert np.array_equal(batch.values.numpy(), cubes[[3, 0]])
    assert list(batch.truth) == ["redshift"]
    boxes = rng.normal(size=(3, 1, 4, 8, 8))
    batch = open_maps(boxes, np.arange(3.0)).take(torch.arange(3), 0).check()
    assert batch.grid == ("z", "y", "x")


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="7 maps and 3 rows"):
        open_maps(np.zeros((7, 4, 4)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="2 names for 1 parameters"):
        open_maps(np.zeros((3, 4, 4)), np.zeros((3, 1)), names=("a", "b"))
    with pytest.raises(ValueError, match="no such file"):
        open_maps(np.zeros((3, 4, 4)), tmp_path / "no.txt")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot be read"):
        open_maps(tmp_path / "objects.npy", np.zeros(1))
    source = open_maps(np.full((2, 4, 4), np.nan), np.zeros(2))
    assert (source.take(torch.arange(2), 0).flags > 0).all()
    with pytest.raises(ValueError, match="no truth 'z'"):
        source.quantity("z")
