"""Mocks: every one draws the same objects for any batch and any number of workers."""

from importlib import import_module
from pathlib import Path

import pytest
import torch
from pictures import says

from deepfield.data.hdf5 import open_hdf5, write_hdf5
from deepfield.mocks.kinds import kinds
from deepfield.nouns.flags import Flag
from deepfield.verbs.simulate import mock_names, simulate

SMALL = {"scene": {"size": 96}, "fields": {"size": 16}, "gas": {"size": 16}, "spectra": {}}
MOCKS = mock_names()


def drawn(name, **settings):
    mock = getattr(import_module(f"deepfield.mocks.{name}"), name)
    objects = {"train": 6, "test": 5}
    return mock(objects=objects, seed=3, **SMALL.get(name, {}), **settings)


@pytest.mark.parametrize("name", MOCKS)
def test_a_mock_is_a_source(name):
    source = drawn(name)
    batch = source.take(torch.tensor([4, 1]), 2).check()
    assert batch.ids.tolist() == ["train-3-4", "train-3-1"]
    assert batch.values.isfinite().all()
    for quantity, value in batch.truth.items_by_quantity():
        assert source.quantity(quantity.name) == quantity
        assert len(value) == 2
    again = drawn(name).take(torch.tensor([1]), 2)
    assert torch.allclose(again.values[0], batch.values[1], rtol=1e-3, atol=1e-3)
    for key, value in again.truth.items():
        assert torch.allclose(value[0].double(), batch.truth[key][1].double(), equal_nan=True)
    other = source.part("test").take(torch.tensor([1]), 2)
    assert not torch.equal(other.values[0], batch.values[1])
    with says("no truth 'colour'"):
        source.quantity("colour")
    with pytest.raises((ValueError, IndexError)):
        source.take(torch.tensor([6]), 0)


@pytest.mark.parametrize("name", [m for m in MOCKS if m not in ("spectra", "fields")])
def test_every_map_can_be_asked_for_and_is_stored(name, tmp_path):
    plain = drawn(name)
    sky = plain.field if name == "gas" else plain.sky
    maps = tuple(quantity.name for quantity in sky.maps)
    assert maps
    source = drawn(name, maps=maps)
    stored = open_hdf5(write_hdf5(source, tmp_path / "a.h5"))
    batch = stored.take(torch.arange(3), 0)
    for key in maps:
        assert batch.truth[key].shape[-2:] == batch.values.shape[-2:]
        assert batch.truth.quantity(key).kind == "map"
    # To ask for maps changes nothing else.
    same, other = (one.take(torch.arange(3), 0).values for one in (source, plain))
    assert torch.allclose(same, other, rtol=1e-3, atol=1e-3)
    with says("has no map nothing"):
        drawn(name, maps=("nothing",))


def test_two_workers_write_the_same_file(tmp_path):
    mock = kinds(objects={"test": 30}, seed=1, size=32).part("test")
    one, two = (
        open_hdf5(write_hdf5(mock, tmp_path / f"{n}.h5", chunk=8, workers=n)).take(
            torch.arange(30), 0
        )
        for n in (1, 2)
    )
    assert torch.equal(one.values, two.values) and one.ids.tolist() == two.ids.tolist()


def test_simulate_writes_a_file_with_its_page_and_fields_as_fits(tmp_path: Path):
    file = simulate("bulge_disc", objects=5, out=tmp_path / "a.h5", seed=1, maps=("disc",))
    assert len(open_hdf5(file)) == 5
    page = (tmp_path / "a.html").read_text()
    assert "bulge to total" in page or "Distributions" in page
    folder = simulate("scene", objects=2, out=tmp_path / "fields", size=64)
    assert sorted(path.name for path in folder.iterdir()) == ["test-0-0", "test-0-1"]
    assert (folder / "test-0-1" / "catalogue.fits").is_file()
    with says("expected a scene"):
        simulate("bulge_disc", objects=1, out=tmp_path / "stamps")
    with says("ending in .h5"):
        simulate("bulge_disc", objects=1, out=tmp_path / "a.fits")
    with says("no mock sky 'galaxies'", "bulge_disc"):
        simulate("galaxies", objects=1, out=tmp_path / "b.h5")
    with says("no survey 'hubble'"):
        simulate("bulge_disc", objects=1, out=tmp_path / "b.h5", survey="hubble")


def test_an_imperfect_telescope_says_what_it_spoilt():
    source = kinds(objects={"train": 60}, seed=2, size=48, spoiled=0.5)
    batch = source.take(torch.arange(60), 0)
    for flag in (Flag.COSMIC_RAY, Flag.BAD_PIXELS, Flag.MISSING_PIXELS):
        share = float(((batch.flags & int(flag)) != 0).float().mean())
        assert 0.2 < share <= 1
    perfect = kinds(objects={"train": 60}, seed=2, size=48, spoiled=0.0, resampled=0.0)
    assert (perfect.take(torch.arange(60), 0).flags & int(Flag.MISSING_PIXELS) == 0).all()
