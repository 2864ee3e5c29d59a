"""Sources seen through a change, displaced, or kept as first observed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.data.displaced import Cut, directions, displaced
from deepfield.data.jitter import Jitter
from deepfield.data.kept import Kept
from deepfield.data.moves import turned
from deepfield.data.seen import Seen
from deepfield.mocks.kinds import kinds
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity

SPOT, LIGHT = Quantity("spot", "px", "point"), Quantity("light", "nJy", "map")


class Noise:
    """Noise with a bright pixel, its place, and a map of it; other noise in every epoch."""

    channels = ("g", "r")
    grid = ("y", "x")

    def __init__(self, size=32, count=300, split="train"):
        self.size, self.split = size, split
        self.ids = np.array([f"{split}{i}" for i in range(count)])
        self.asked = 0

    def __len__(self):
        return len(self.ids)

    def quantity(self, name):
        return {"spot": SPOT, "light": LIGHT}[name]

    def part(self, split):
        return Noise(self.size, len(self), split)

    def take(self, indices, epoch):
        self.asked += len(indices)
        n, size = len(indices), self.size
        draws = [
            torch.randn(2, size, size, generator=torch.Generator().manual_seed(1000 * i + epoch))
            for i in indices.tolist()
        ]
        values = torch.stack(draws) if n else torch.zeros(0, 2, size, size)
        spot = torch.stack([size // 2 + indices % 3, size // 2 - indices % 2], 1)
        light = torch.zeros(n, size, size)
        light[torch.arange(n), spot[:, 0], spot[:, 1]] = 100.0
        variance = torch.full_like(values, 0.25)
        variance[:, :, 3] = torch.inf
        return Batch(
            self.ids[indices.numpy()],
            values + light[:, None],
            self.channels,
            variance=variance,
            psf=Psf(torch.full((n, 2, 3, 3), 1 / 9)),
            flags=indices % 4,
            truth=Truth({SPOT: spot.float(), LIGHT: light}),
        )


def peaks(images):
    """[object, 2] y, x of the brightest pixel."""
    flat = images.flatten(1).argmax(1)
    return torch.stack([flat // images.shape[-1], flat % images.shape[-1]], 1)


def test_a_displaced_galaxy_is_the_same_one_elsewhere_with_all_that_goes_with_it():
    rows = torch.arange(40)
    middle = Seen(Noise(), Cut(20))
    here, there = middle.take(rows, 0), displaced(middle, 6).take(rows, 0)
    assert there.values.shape == (40, 2, 20, 20)
    moved = peaks(there.values[:, 0]) - peaks(here.values[:, 0])
    torch.testing.assert_close(moved, 6 * directions(there.ids))
    torch.testing.assert_close(there.truth["spot"] - here.truth["spot"], moved.float())
    torch.testing.assert_close(peaks(there.truth["light"]), peaks(there.values[:, 1]))
    for batch in (here, there):
        at = peaks(batch.values[:, 0])
        torch.testing.assert_close(batch.truth["spot"], at.float())
    # What is in both stamps is the same to the last bit; nothing is made up at the edge.
    wide = Noise().take(rows, 0)
    for i, (y, x) in enumerate((6 - 6 * directions(there.ids)).tolist()):
        assert torch.equal(there.values[i], wide.values[i, :, y : y + 20, x : x + 20])
        assert torch.equal(there.variance[i], wide.variance[i, :, y : y + 20, x : x + 20])


def test_directions_are_the_ids_own_and_all_four_occur():
    ids = np.array([f"galaxy{i}" for i in range(400)])
    found = directions(ids)
    counts = [int((found == torch.tensor(d)).all(1).sum()) for d in ((0, 1), (1, 0), (0, -1))]
    assert all(70 < count < 130 for count in counts)
    assert torch.equal(directions(ids[::-1].copy()), found.flip(0))


def test_where_there_is_nothing_beyond_the_edge_it_is_mirrored():
    source = Noise(size=24)
    rows = torch.arange(12)
    here, there = source.take(rows, 0), displaced(source, 8).take(rows, 0)
    moved = peaks(there.values[:, 0]) - peaks(here.values[:, 0])
    torch.testing.assert_close(moved, 8 * directions(there.ids))
    plain = there.values - there.truth["light"][:, None]
    assert 0.9 < plain[:, :, :2].std() < 1.1  # no empty edge
    assert 0.9 < plain[:, :, -2:].std() < 1.1


def test_a_cut_needs_room():
    with pytest.raises(ValueError, match="expected at least 40 for stamps of 24 px shifted by 8"):
        Cut(24, 8)(Noise().take(torch.arange(2), 0))
    shared = replace(Noise().take(torch.arange(2), 0), variance=torch.ones(1, 2, 1, 1))
    assert Cut(16, 4)(shared).variance.shape == (1, 2, 1, 1)


def test_a_changed_source_is_the_same_objects():
    source = Seen(Noise(), lambda batch: turned(batch, torch.full((len(batch),), 2)))
    part = source.part("test")
    assert isinstance(part, Seen)
    assert part.ids[0] == "test0"
    assert (part.channels, part.grid, len(part)) == (("g", "r"), ("y", "x"), 300)
    assert part.quantity("spot") == SPOT
    upright = Noise(split="test").take(torch.arange(3), 0)
    torch.testing.assert_close(part.take(torch.arange(3), 0).values, upright.values.flip(-1, -2))


def test_what_is_kept_is_the_first_epoch_drawn_once():
    source = Noise()
    kept = Kept(source)
    rows = torch.tensor([299, 3, 130, 3])
    first, again = kept.take(rows, 0), kept.take(rows, 7)
    asked = source.asked
    assert asked <= len(source)
    kept.take(rows, 1)
    assert source.asked == asked
    expected = Noise().take(rows, 0)
    for batch in (first, again):
        assert batch.ids.tolist() == expected.ids.tolist()
        torch.testing.assert_close(batch.values, expected.values, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(batch.variance, expected.variance, rtol=1e-3, atol=0)
        assert torch.equal(batch.flags, expected.flags)
        assert torch.equal(batch.truth["spot"], expected.truth["spot"])
        torch.testing.assert_close(batch.psf.kernel, expected.psf.kernel)
    assert kept.part("test") is kept.part("test")
    assert len(kept.take(torch.zeros(0, dtype=torch.int64), 0)) == 0


def test_light_beyond_half_precision_stays_finite_and_masks_stay_masks():
    class Glaring(Noise):
        def take(self, indices, epoch):
            batch = super().take(indices, epoch)
            batch.values[:, 0, 0, 0] = 1e9
            batch.variance[:, 0, 0, 0] = 1e9
            return batch

    batch = Kept(Glaring()).take(torch.arange(3), 0)
    assert batch.values.isfinite().all()
    assert (batch.values[:, 0, 0, 0] > 1e4).all()
    assert batch.variance[:, 0, 0, 0].isfinite().all()
    assert batch.variance[:, :, 3].isinf().all()


def test_the_mock_sky_displaced_is_one_sky():
    source = Seen(Kept(kinds(objects={"test": 6}, size=48)), Cut(32)).part("test")
    rows = torch.arange(6)
    here, there = source.take(rows, 0), displaced(source, 8).take(rows, 0)
    assert torch.equal(here.truth["kind"], there.truth["kind"])
    for i, (y, x) in enumerate((8 * directions(here.ids)).tolist()):
        a = here.values[i, :, max(0, -y) : 32 - max(0, y), max(0, -x) : 32 - max(0, x)]
        b = there.values[i, :, max(0, y) : 32 + min(0, y), max(0, x) : 32 + min(0, x)]
        assert torch.equal(a, b)


def test_jitter_moves_by_whole_pixels_and_keeps_the_noise():
    source = Noise(size=24)
    batch = source.take(torch.arange(200), 0)
    light = batch.truth["light"]
    plain = replace(batch, truth=Truth({}))
    moved = Jitter(4)(plain, torch.Generator().manual_seed(0))
    steps = peaks(moved.values[:, 0]) - peaks(batch.values[:, 0])
    assert {tuple(step) for step in steps.abs().clamp(max=5).tolist()} <= {
        (y, x) for y in range(5) for x in range(5)
    }
    assert len(steps.unique(dim=0)) > 60  # of 81
    for i, (y, x) in enumerate(steps.tolist()):
        here = batch.values[i, :, max(0, -y) : 24 - max(0, y), max(0, -x) : 24 - max(0, x)]
        there = moved.values[i, :, max(0, y) : 24 + min(0, y), max(0, x) : 24 + min(0, x)]
        assert torch.equal(here, there)
        # The masked row moves along.
        assert moved.variance[i, 0, 3 + y].isinf().all() == (3 + y >= 0)
    assert light.sum() > 0
    assert Jitter(0)(batch, torch.Generator()) is batch
    with pytest.raises(ValueError, match="spot, light would have to move"):
        Jitter(2)(batch, torch.Generator())
    with pytest.raises(ValueError, match="larger ones for shifts of 24"):
        Jitter(24)(plain, torch.Generator())
    with pytest.raises(ValueError, match="shift of -1 px"):
        Jitter(-1)
