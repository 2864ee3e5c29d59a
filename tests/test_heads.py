"""Heads: every family of posteriors keeps the same laws."""

import math

import pytest
import torch
from scipy.stats import kstest

from deepfield.losses.crps import crps_gaussian
from deepfield.nets.heads.bins import Bins, BinsHead, equal_counts, equal_widths
from deepfield.nets.heads.contract import sobol
from deepfield.nets.heads.flow import FlowHead
from deepfield.nets.heads.gaussian import Gaussian, GaussianHead
from deepfield.nets.heads.mixture import MixtureHead
from deepfield.nets.heads.roots import roots, spreads
from deepfield.nets.seeded import seeded

FEATURES = 6
HEADS = {
    "gaussian": lambda size: GaussianHead(FEATURES, size),
    "mixture": lambda size: MixtureHead(FEATURES, size, components=3),
    "flow": lambda size: FlowHead(FEATURES, size, transforms=2, width=16, context=4),
    "bins, equal counts": lambda size: BinsHead(FEATURES, equal_counts(12)),
    "bins, equal widths": lambda size: BinsHead(FEATURES, equal_widths(12)),
}
ONE = [(name, 1) for name in HEADS]
CASES = [*ONE, *((name, 2) for name in ("gaussian", "mixture", "flow"))]


def bent(name, size):
    """A head whose answers are far from the prior, and the features of five objects."""
    head = seeded(lambda: HEADS[name](size), 1).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter += 0.15 * torch.randn(parameter.shape, generator=generator)
    return head, torch.randn(5, FEATURES, generator=generator)


def answers(name, size):
    head, features = bent(name, size)
    with torch.no_grad():
        return head(features)


def grid(size, points, name=""):
    """A grid [point, size] and the volume of its cells: the midpoint rule."""
    reach = 25.0 if name == "mixture" and size == 1 else 6.5  # a wide component goes far
    axis = (torch.arange(points, dtype=torch.float64) + 0.5) / points * 2 * reach - reach
    return torch.cartesian_prod(*[axis] * size).reshape(-1, size), (2 * reach / points) ** size


@pytest.mark.parametrize(("name", "size"), CASES)
def test_the_density_is_normalised(name, size):
    points, cell = grid(size, 12001 if size == 1 else 161, name)
    distribution = answers(name, size)
    density = distribution.log_density(points.float().expand(5, -1, -1)).exp()
    assert torch.allclose(density.double().sum(1) * cell, torch.ones(5).double(), atol=2e-3)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_samples_follow_the_density(name, size):
    points, cell = grid(size, 8001 if size == 1 else 161, name)
    distribution = answers(name, size)
    weight = distribution.log_density(points.float().expand(5, -1, -1)).exp().double() * cell
    drawn = distribution.samples(4096).double()
    assert drawn.shape == (5, 4096, size)
    mean, square = weight @ points, weight @ points.square()
    sigma = (square - mean.square()).sqrt()
    assert ((drawn.mean(1) - mean) / sigma).abs().max() < 0.02
    assert (drawn.std(1) / sigma - 1).abs().max() < 0.03
    if size == 2:
        product = weight @ points.prod(1, keepdim=True)
        assert ((drawn.prod(2).mean(1) - product[:, 0]) / sigma.prod(1)).abs().max() < 0.03
    else:
        for row, values in enumerate(drawn[:, :, 0]):
            below = weight[row].cumsum(0)
            found = torch.searchsorted(points[:, 0].contiguous(), values.contiguous())
            probability = below[found.clamp(max=len(below) - 1)]
            assert kstest(probability.numpy(), "uniform").statistic < 0.01


@pytest.mark.parametrize(("name", "size"), CASES)
def test_many_places_at_once_are_each_alone(name, size):
    distribution = answers(name, size)
    z = distribution.samples(7)
    together = distribution.log_density(z)
    alone = torch.stack([distribution.log_density(z[:, i]) for i in range(7)], 1)
    assert together.shape == (5, 7) and torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_an_object_does_not_depend_on_its_neighbours(name, size):
    head, features = bent(name, size)
    with torch.no_grad():
        whole, part = head(features), head(features[3:4])
        z = whole.samples(64)
        assert torch.allclose(z[3:4], part.samples(64), atol=1e-4)
        assert torch.allclose(whole.log_density(z)[3:4], part.log_density(z[3:4]), atol=1e-4)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_drawing_is_repeatable_and_leaves_the_random_state(name, size):
    distribution = answers(name, size)
    torch.manual_seed(5)
    sobol.cache_clear()
    first = distribution.samples(32)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    assert torch.equal(first, distribution.samples(32))


@pytest.mark.parametrize(("name", "size"), CASES)
def test_gradients_reach_features_and_weights(name, size):
    head, features = bent(name, size)
    features.requires_grad_()
    distribution = head(features)
    (
        distribution.log_density(torch.zeros(5, size)).sum() + distribution.samples(8).sum()
    ).backward()
    assert features.grad.isfinite().all() and features.grad.abs().sum(1).min() > 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize("name", ["gaussian", "bins, equal counts", "bins, equal widths"])
def test_untrained_it_is_the_prior(name):
    distribution = HEADS[name](1)(torch.zeros(1, FEATURES))
    z = torch.linspace(-4, 4, 17)[None, :, None]
    prior = -0.5 * (z[..., 0].square() + math.log(2 * math.pi))
    assert torch.allclose(distribution.log_density(z), prior, atol=5e-3)


WITH_QUANTILES = [case for case in CASES if case[0] not in ("mixture", "flow")]


@pytest.mark.parametrize(("name", "size"), WITH_QUANTILES)
def test_quantiles_are_the_inverse_of_the_cumulative_distribution(name, size):
    distribution = answers(name, size)
    levels = torch.tensor([1e-4, 0.025, 0.16, 0.5, 0.84, 0.975, 0.9999])
    found = distribution.quantiles(levels.tolist())
    assert found.shape == (5, size, 7)
    assert torch.allclose(distribution.cdf(found), levels.expand_as(found), atol=2e-6)
    assert (found.diff() > 0).all()


@pytest.mark.parametrize(("name", "size"), ONE)
def test_the_cumulative_distribution_is_the_integral_of_the_density(name, size):
    distribution = answers(name, size)
    if not hasattr(distribution, "cdf"):
        pytest.skip("a flow has none")
    points, cell = grid(1, 12001)
    density = distribution.log_density(points.float().expand(5, -1, -1)).exp().double()
    edges = (points[:, 0] + cell / 2).float().expand(5, 1, -1)
    assert (density.cumsum(1) * cell - distribution.cdf(edges)[:, 0]).abs().max() < 1e-3


def crps_by_integration(distribution, z):
    """Of one number: Simpson's rule on either side of the truth."""
    found = []
    for row, true in enumerate(z[:, 0].tolist()):
        total = 0.0
        for begin, end, above in ((-12.0, true, 0.0), (true, 12.0, 1.0)):
            t = torch.linspace(begin, end, 40001, dtype=torch.float64)
            value = (distribution.cdf(t.expand(len(z), 1, -1))[row, 0] - above).square()
            step = (end - begin) / 40000
            total += float((value[:-1:2] + 4 * value[1::2] + value[2::2]).sum() * step / 3)
        found.append(total)
    return torch.tensor(found, dtype=torch.float64)[:, None]


def double(distribution):
    return type(distribution)(*(value.double() for value in vars(distribution).values()))


@pytest.mark.parametrize("name", ["gaussian", "bins, equal counts", "bins, equal widths"])
def test_crps_is_the_integral(name):
    distribution = double(answers(name, 1))
    for z in ([-4.0, -1.0, 0.1, 0.8, 5.0], [0.0, 3.0, -0.3, -6.0, 1.5]):
        true = torch.tensor(z, dtype=torch.float64)[:, None]
        assert torch.allclose(
            distribution.crps(true), crps_by_integration(distribution, true), atol=1e-6
        )


def test_crps_of_a_gaussian_is_that_of_the_losses():
    distribution = double(answers("gaussian", 2))
    z = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    known = crps_gaussian(distribution.means, distribution.sigmas, z)
    assert torch.allclose(distribution.crps(z), known, atol=1e-12)


def test_narrow_bins_score_as_well_as_the_error_that_they_leave():
    sure = torch.full((1, 50), -60.0).index_fill(1, torch.tensor([30]), 0.0)
    distribution = Bins(sure.log_softmax(1), equal_counts(50))
    low, high = equal_counts(50)[29:31].tolist()
    far = distribution.crps(torch.tensor([[3.0]]))
    assert 3 - high < float(far) < 3 - low
    drawn = distribution.samples(256)
    assert drawn.min() >= low - 1e-6 and drawn.max() <= high + 1e-6


def test_roots_and_spreads_are_of_one_covariance():
    root = roots(torch.randn(3, 6, generator=torch.Generator().manual_seed(0)), 3)
    spread = spreads(root)
    identity = torch.eye(3).expand(3, 3, 3)
    assert torch.allclose(root @ root.mT @ spread @ spread.mT, identity, atol=1e-4)
    distribution = Gaussian(torch.zeros(3, 3), root)
    covariance = torch.linalg.inv(root @ root.mT)
    drawn = distribution.samples(8192)
    assert torch.allclose(drawn.mT @ drawn / 8192, covariance, rtol=0.05, atol=0.05)


def bimodal(objects, seed):
    """Either of two places, as far from 0 as the first feature says: z and the true entropy."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(objects, FEATURES, generator=generator)
    away = 1.2 + 0.4 * torch.tanh(features[:, 0])
    side = torch.where(torch.rand(objects, generator=generator) < 0.5, -1.0, 1.0)
    return features, (side * away + 0.2 * torch.randn(objects, generator=generator))[:, None]


ENTROPY = math.log(2) + math.log(0.2) + 0.5 * math.log(2 * math.pi * math.e)


@pytest.mark.parametrize(
    "head",
    [
        lambda: MixtureHead(FEATURES, 1, components=4),
        lambda: FlowHead(FEATURES, 1, transforms=2, width=32),
        lambda: BinsHead(FEATURES, equal_widths(40)),
    ],
    ids=["mixture", "flow", "bins"],
)
def test_two_peaks_are_learnt(head):
    net = seeded(
        lambda: torch.nn.Sequential(
            torch.nn.Linear(FEATURES, 32), torch.nn.SiLU(), torch.nn.Linear(32, FEATURES), head()
        ),
        0,
    )
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    features, z = bimodal(4096, 1)
    for step in range(300):
        rows = torch.arange(256) + 256 * (step % 16)
        optimizer.zero_grad()
        (-net(features[rows]).log_density(z[rows]).mean()).backward()
        optimizer.step()
    features, z = bimodal(2000, 2)
    with torch.no_grad():
        distribution = net(features)
        surprise = -float(distribution.log_density(z).mean())
        between = (distribution.samples(128).abs() < 0.4).float().mean()
    assert surprise < ENTROPY + 0.12
    assert between < 0.05


def test_a_gaussian_learns_means_widths_and_correlation():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4096, FEATURES, generator=generator)
    noise = torch.randn(4096, 2, generator=generator)
    noise[:, 1] = 0.8 * noise[:, 0] + 0.6 * noise[:, 1]
    z = 0.5 * features[:, :2] + 0.3 * noise
    head = seeded(lambda: GaussianHead(FEATURES, 2), 0)
    optimizer = torch.optim.Adam(head.parameters(), 1e-1)
    for _ in range(300):
        optimizer.zero_grad()
        (-head(features).log_density(z).mean()).backward()
        optimizer.step()
    with torch.no_grad():
        found = head(features)
    covariance = torch.linalg.inv(found.roots @ found.roots.mT).median(0).values
    expected = 0.09 * torch.tensor([[1.0, 0.8], [0.8, 1.0]])
    assert torch.allclose(covariance, expected, rtol=0.1)
    assert (found.means - 0.5 * features[:, :2]).std() < 0.03


@pytest.mark.parametrize(
    "build",
    [
        lambda: GaussianHead(FEATURES, 0),
        lambda: FlowHead(FEATURES, 0),
        lambda: MixtureHead(FEATURES, 0),
        lambda: BinsHead(FEATURES, torch.tensor([0.0, 0.0, 1.0])),
        lambda: BinsHead(FEATURES, torch.zeros(0)),
    ],
)
def test_nothing_to_measure_is_refused(build):
    with pytest.raises(ValueError, match="expected"):
        build()
