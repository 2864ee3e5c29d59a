"""HDF5: what any source writes is read back, or not there at all."""

import multiprocessing
import os
from pathlib import Path

import pytest
import torch
from pictures import folder_of, says

from deepfield.data.hdf5 import open_hdf5, write_hdf5
from deepfield.data.labelled import LabelledImages
from deepfield.data.simulated import Simulated
from deepfield.sky.surveys import sdss


def same(one, two):
    assert one.ids.tolist() == two.ids.tolist()
    assert torch.equal(one.values, two.values)
    assert torch.equal(one.variance.expand_as(one.values), two.variance)
    assert torch.equal(one.flags, two.flags)
    assert (one.channels, one.grid, one.survey) == (two.channels, two.grid, two.survey)
    if one.psf is not None:
        assert torch.equal(one.psf.kernel, two.psf.kernel)
        assert one.psf.oversampling == two.psf.oversampling
    one_truth, two_truth = (dict(t.truth.items_by_quantity()) for t in (one, two))
    assert list(one_truth) == list(two_truth)
    for name in one_truth:
        assert torch.allclose(one_truth[name], two_truth[name], equal_nan=True, rtol=0, atol=0)


def test_hdf5_round_trip_of_the_mock_sky(tmp_path):
    mock = Simulated(sdss(), {"train": 7}, size=16)
    stored = open_hdf5(write_hdf5(mock, tmp_path / "mock.h5", chunk=3))
    order = torch.tensor([6, 0, 0, 3])
    same(mock.take(order, 0), stored.take(order, 0))
    assert os.listdir(tmp_path) == ["mock.h5"]


def test_hdf5_round_trip_of_labelled_images(tmp_path):
    folder, labels = folder_of(tmp_path, [f"g{i}" for i in range(12)])
    source = LabelledImages.open(folder, labels, size=16, extent=30)
    stored = open_hdf5(write_hdf5(source, tmp_path / "a.h5", chunk=5))
    for split in ("train", "test"):
        one, two = source.part(split), stored.part(split)
        assert one.ids.tolist() == two.ids.tolist()
        same(one.take(torch.arange(len(one)), 0), two.take(torch.arange(len(two)), 0))
    assert stored.quantity("kind") == source.quantity("kind")
    with says("no truth 'z'", "it has kind"):
        stored.quantity("z")


def total(source, queue):
    queue.put(float(source.take(torch.arange(len(source)), 0).values.sum()))


def test_another_process_opens_the_file_for_itself(tmp_path):
    mock = Simulated(sdss(), {"train": 4}, size=16)
    stored = open_hdf5(write_hdf5(mock, tmp_path / "mock.h5"))
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=total, args=(stored, queue))
    process.start()
    answer = queue.get(timeout=60)
    process.join()
    assert answer == float(stored.take(torch.arange(4), 0).values.sum())


class Failing(Simulated):
    def take(self, indices, epoch):
        if int(indices.max()) > 3:
            raise RuntimeError("no more")
        return super().take(indices, epoch)


def test_hdf5_is_whole_or_not_there(tmp_path):
    with pytest.raises(RuntimeError, match="no more"):
        write_hdf5(Failing(sdss(), {"train": 6}, size=16), tmp_path / "a.h5", chunk=2)
    assert os.listdir(tmp_path) == []
    with says("nothing to write"):
        write_hdf5(Simulated(sdss(), {}, size=16), tmp_path / "a.h5")


def test_bad_hdf5_is_named(tmp_path):
    file = Path(write_hdf5(Simulated(sdss(), {"train": 2}, size=16), tmp_path / "a.h5"))
    whole = file.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with says("a.h5", "cannot be read as HDF5"):
            open_hdf5(file)
