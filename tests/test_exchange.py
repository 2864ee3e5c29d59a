"""Laws of the exchange of bulge and disc: the same image, and the same density."""

import torch
from torch import Tensor

from deepfield.likelihood.exchange import Exchange
from deepfield.likelihood.galaxies import bulge_and_disc
from deepfield.likelihood.model import Model
from deepfield.nets.frame import Frame
from deepfield.nouns.psf import Psf
from deepfield.recipes.structure import SCALES, SIZE
from deepfield.render.psf import moffat

NAMES, COUNT = list(SCALES), 400
FRAME = Frame(*(torch.tensor([value]) for value in (0.1, 0.06, 20.0, 30.0)))
EXCHANGE = Exchange.of(NAMES, tuple(SCALES.values()), FRAME)
SHARE, INDEX = NAMES.index("bulge_to_total"), NAMES.index("sersic_index_bulge")
BULGE, DISC = NAMES.index("radius_bulge"), NAMES.index("radius_disc")


def drawn(count: int = COUNT) -> Tensor:
    """Of the prior, with bulges of index 1 whose size a disc may have, and the reverse."""
    z = torch.randn(1, count, len(NAMES), generator=torch.Generator().manual_seed(1))
    z[..., INDEX] = SCALES["sersic_index_bulge"].to_normal(torch.ones(1), FRAME)
    return z


def images(z: Tensor) -> Tensor:
    values = torch.stack([s.to_value(z[..., i], FRAME) for i, s in enumerate(SCALES.values())], 2)
    profile = bulge_and_disc(dict(zip(NAMES, values[0].T, strict=True)), 0.06, SIZE)
    model = Model(SIZE, (None, 1.0))
    return model.images(model.parameters(profile), Psf(moffat(3.0, 3.0, side=31)[None, None]))


def test_an_exchange_is_its_own_inverse_and_its_step_is_the_way_back():
    assert EXCHANGE is not None
    z = drawn()
    there, change = EXCHANGE(z, torch.Generator().manual_seed(2))
    fits = change > -1e6
    assert 0.5 < float(fits.float().mean()) < 1  # discs may be larger than bulges
    back, reverse = EXCHANGE(there, torch.Generator().manual_seed(3))
    rest = [i for i in range(len(NAMES)) if i != INDEX]
    assert torch.allclose(back[fits][:, rest], z[fits][:, rest], atol=1e-3)
    # The same indices there and back: what a step adds must cancel.
    chance = [-0.5 * ((one[..., INDEX] - z[..., INDEX]) / 0.3).square() for one in (there, back)]
    assert torch.allclose((reverse + chance[1])[fits], -change[fits], atol=1e-3)


def test_a_bulge_of_index_one_exchanged_with_its_disc_is_the_same_image():
    assert EXCHANGE is not None
    z = drawn(40)
    there, change = EXCHANGE(z, torch.Generator().manual_seed(2))
    there[..., INDEX] = z[..., INDEX]
    fits = (change > -1e6)[0]
    one, other = images(z)[fits], images(there)[fits]
    assert float((one - other).abs().max() / one.max()) < 2e-3
    assert float((there[..., SHARE] - z[..., SHARE]).abs().mean()) > 0.5


def test_steps_leave_the_prior_as_it_is():
    assert EXCHANGE is not None
    random = torch.Generator().manual_seed(4)
    start = torch.randn(1, 20000, len(NAMES), generator=random)

    def prior(z: Tensor) -> Tensor:
        return -0.5 * z.square().sum(2)

    end = EXCHANGE.step(prior, start, random)
    moved = (end != start).any(2)
    assert float(moved.float().mean()) > 0.05
    for _ in range(5):
        end = EXCHANGE.step(prior, end, random)
    assert float(end.mean(1).abs().max()) < 0.03
    assert float((end.var(1) - 1).abs().max()) < 0.05
    shift = (end[..., BULGE] - end[..., DISC])[moved] - (start[..., BULGE] - start[..., DISC])[
        moved
    ]
    assert float(shift.abs().mean()) > 0.5


def test_walkers_cross_from_one_mode_to_the_other():
    assert EXCHANGE is not None
    here = torch.zeros(1, len(NAMES))
    here[0, [SHARE, BULGE, DISC]] = torch.tensor([1.0, 0.5, -0.3])
    here[:, INDEX] = drawn(1)[0, :, INDEX]
    mirror, _ = EXCHANGE(here[:, None], torch.Generator().manual_seed(5))
    mirror[..., INDEX] = here[:, None, INDEX]

    def both(z: Tensor) -> Tensor:
        far = [((z - one[:, None]) / 0.2).square().sum(2) for one in (here, mirror[:, 0])]
        return torch.logaddexp(-0.5 * far[0], -0.5 * far[1])

    random = torch.Generator().manual_seed(6)
    z = here[:, None] + 0.2 * torch.randn(1, 2000, len(NAMES), generator=random)
    for _ in range(20):
        z = EXCHANGE.step(both, z, random)
    crossed = float((z[..., SHARE] < 0).float().mean())
    assert 0.4 < crossed < 0.6


def test_one_component_has_nothing_to_exchange():
    assert Exchange.of(["radius", "x", "y"], (), FRAME) is None
