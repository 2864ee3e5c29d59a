"""Detection and cutouts on a small field whose objects are known."""

import numpy as np
import pytest
import torch

from deepfield.catalogue.cutouts import cutouts
from deepfield.catalogue.detect import detect
from deepfield.nouns.flags import Flag
from deepfield.nouns.psf import Psf
from deepfield.render.sersic import sersic

AT = [(40.0, 50.0), (150.0, 60.0), (100.0, 150.0), (8.0, 180.0), (170.0, 170.0)]  # x, y


@pytest.fixture(scope="module")
def field():
    """Five discs of flux 5000 in noise of sigma 1; the second points north-east."""
    size, count = 201, len(AT)
    x, y = torch.tensor(AT).T - (size - 1) / 2
    light = sersic(
        sersic_index=torch.ones(count),
        radius=torch.tensor([4.0, 6.0, 3.0, 4.0, 14.0]),
        axis_ratio=torch.tensor([0.8, 0.4, 0.9, 0.8, 0.7]),
        position_angle=torch.tensor([0.0, 45.0, 0.0, 0.0, 90.0]),
        x=x,
        y=y,
        flux=torch.full((count, 1), 5000.0),
        psf=Psf(torch.ones(1, 1, 1, 1)),
        size=size,
    ).sum((0, 1))
    return light.numpy() + np.random.default_rng(0).normal(0, 1, (size, size)) + 100


def test_every_object_is_found_where_it_is(field):
    table, segments = detect(field)
    for x, y in AT:
        distance = np.hypot(table["x"].value - x, table["y"].value - y)
        assert distance.min() < 0.5
        assert segments[int(y), int(x)] == distance.argmin() + 1
    bright = table["flux"] > 2000
    assert bright.sum() == len(AT)
    assert np.median(table["flux"][bright]) == pytest.approx(5000, rel=0.1)


def test_angles_are_east_of_north(field):
    table, _ = detect(field)
    row = table[np.hypot(table["x"].value - 150, table["y"].value - 60).argmin()]
    assert row["position_angle"].value == pytest.approx(45, abs=5)


def test_stamps_are_centred_shrunk_and_without_neighbours(field):
    table, segments = detect(field)
    batch = cutouts(field[None].astype(np.float32), ("r",), table, segments, size=32)
    large = int(np.argmax(table["radius"]))
    edge = int(np.argmin(np.hypot(table["x"].value - 8, table["y"].value - 180)))
    assert batch.flags[large] & Flag.RESIZED and batch.flags[edge] & Flag.EDGE
    assert batch.flags[edge] & Flag.MISSING_PIXELS
    assert batch.variance[edge].isinf().any() and batch.values.isfinite().all()
    bright = np.flatnonzero(table["flux"] > 2000)
    for i in bright:
        centre = batch.values[i, 0, 12:20, 12:20].mean()
        assert centre > 5 * batch.values[i, 0][batch.variance[i, 0].isfinite()].median().abs()
    noise = batch.variance[bright[0]]
    assert float(noise[noise.isfinite()].median()) == pytest.approx(1, abs=0.3)


def test_bad_images_are_refused():
    with pytest.raises(ValueError, match=r"expects .y, x."):
        detect(np.zeros((3, 8, 8)))
    with pytest.raises(ValueError, match="no pixel"):
        detect(np.full((8, 8), np.nan))
    empty, segments = detect(np.random.default_rng(0).normal(size=(64, 64)))
    assert len(empty) == 0
    with pytest.raises(ValueError, match="no objects"):
        cutouts(np.zeros((1, 64, 64), np.float32), ("r",), empty, segments)


def test_rounding_of_positions_keeps_the_object_in_the_middle(field):
    table, segments = detect(field)
    batch = cutouts(field[None].astype(np.float32), ("r",), table, segments, size=33)
    i = int(np.argmin(np.hypot(table["x"].value - 100, table["y"].value - 150)))
    light = batch.values[i, 0].clamp(min=3)
    y, x = torch.meshgrid(torch.arange(33.0), torch.arange(33.0), indexing="ij")
    assert float((light * x).sum() / light.sum()) == pytest.approx(16, abs=1)
    assert float((light * y).sum() / light.sum()) == pytest.approx(16, abs=1)
