"""Density fields: their spectra, their parameters, and what can be known of them."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from pictures import says
from scipy.integrate import quad

from deepfield.data.hdf5 import open_hdf5, write_hdf5
from deepfield.data.simulated_fields import SimulatedFields
from deepfield.sky.field_information import cramer_rao, fisher, lattice, posterior
from deepfield.sky.fields import DensityField, gaussian, logarithm, lognormal
from deepfield.sky.matter_power import (
    LOG_K,
    growth,
    matter_power,
    sphere,
    transfer,
    variance_in_spheres,
)
from deepfield.sky.modes import mode_power, modes
from deepfield.sky.painted_gas import PaintedGas
from deepfield.sky.power_spectra import ColdDarkMatter, OfLogarithm, PowerLaw, Suppressed

ONE = torch.tensor(1.0, dtype=torch.float64)
COSMOLOGY = {"omega_b": 0.049, "h": 0.6711, "n_s": 0.9624}


def drawn(field, count, seed=0, split="train", **more):
    return field.draw(np.arange(count), seed=seed, split=split, **more)


def table(truth, *names):
    return torch.stack([truth[name].double() for name in names], 1)


def test_transfer_function_has_the_known_limits():
    k = torch.tensor([1e-5, 1e4], dtype=torch.float64)
    large, small = transfer(k, 0.3 * ONE, omega_b=0.045, h=0.7)
    assert abs(float(large) - 1) < 1e-4
    # Deep in: ln(1.8 q) / (14.2 q^2), with Gamma lowered by alpha (Eisenstein & Hu 98, eq. 31).
    ratio, physical = 0.15, 0.3 * 0.49
    alpha = 1 - 0.328 * math.log(431 * physical) * ratio
    alpha += 0.38 * math.log(22.3 * physical) * ratio**2
    q = 1e4 * (2.7255 / 2.7) ** 2 / (0.21 * alpha)
    expected = math.log(1.8 * q) / (math.log(1.8 * q) + 14.2 * q**2)
    assert abs(float(small) / expected - 1) < 1e-3


def test_transfer_function_is_that_of_bbks_with_sugiyamas_gamma():
    k = torch.logspace(-3, 0.5, 40, dtype=torch.float64)
    for omega_m, omega_b, h in ((0.3, 1e-6, 0.7), (0.3, 0.04, 0.7), (0.2, 0.03, 0.65)):
        gamma = omega_m * h * math.exp(-omega_b * (1 + math.sqrt(2 * h) / omega_m))
        q = k / gamma
        terms = 1 + 3.89 * q + (16.1 * q) ** 2 + (5.46 * q) ** 3 + (6.71 * q) ** 4
        bbks = torch.log1p(2.34 * q) / (2.34 * q) * terms**-0.25
        ours = transfer(k, omega_m * ONE, omega_b=omega_b, h=h)
        assert float((ours / bbks - 1).abs().max()) < 0.06


def test_planck_s_amplitude_gives_planck_s_sigma_8():
    # Planck 2018 (VI, table 2, TT,TE,EE+lowE+lensing): A_s 2.100e-9 at 0.05 / Mpc, sigma_8 0.8111.
    omega_m, h, n_s = 0.3153, 0.6736, 0.9649
    k = LOG_K.exp()
    shape = transfer(k, omega_m * ONE, omega_b=0.0493, h=h)
    expansion = lambda a: math.sqrt(omega_m / a**3 + 1 - omega_m)  # noqa: E731
    integral = quad(lambda a: (a * expansion(a)) ** -3, 0, 1)[0]
    grown = 2.5 * omega_m * integral
    in_hubble = (299792.458 / 100 * k) ** 2 / omega_m * shape * grown
    dimensionless = 4 / 25 * 2.1e-9 * (k * h / 0.05) ** (n_s - 1) * in_hubble**2
    power = dimensionless * 2 * math.pi**2 / k**3
    assert abs(float(variance_in_spheres(power, 8.0).sqrt()) / 0.8111 - 1) < 0.04
    # Back to a = 1 / 4, by quadrature.
    then = quad(lambda a: (a * expansion(a)) ** -3, 0, 0.25)[0] * expansion(0.25)
    assert abs(float(growth(omega_m * ONE, 3.0)) * integral / then - 1) < 1e-8


def test_sigma_8_is_the_exact_integral():
    k = LOG_K.exp()
    power = matter_power(k, torch.tensor([0.2, 0.4]), torch.tensor([0.7, 0.9]), **COSMOLOGY)
    for row, sigma_8 in zip(power, (0.7, 0.9), strict=True):
        nodes = np.linspace(-9, 5, 40_001)
        window = 3 * (np.sin(r := 8 * np.exp(nodes)) - r * np.cos(r)) / r**3
        fine = np.interp(nodes, LOG_K.numpy(), row.log().numpy())
        found = np.trapezoid(np.exp(fine + 3 * nodes) * window**2 / (2 * math.pi**2), nodes)
        assert abs(math.sqrt(found) - sigma_8) < 2e-4


def test_a_slab_has_the_projected_spectrum():
    box, thickness = 50.0, 7.0
    square = modes(2, 32, box)
    model = ColdDarkMatter(thickness=thickness)
    power = model.power(torch.tensor([[0.3, 0.8]]), square)[0] * box**2
    for row, column in ((0, 1), (0, 5), (9, 9)):
        k = float(square.k[row, column])

        def integrand(q, k=k):
            long = torch.tensor([math.hypot(k, q)], dtype=torch.float64)
            p = matter_power(long, torch.tensor([0.3]), torch.tensor([0.8]), **COSMOLOGY)
            return float(p) * np.sinc(q * thickness / (2 * math.pi)) ** 2 / math.pi

        # Up to 12 lobes of the sinc, which hold all but 1e-3.
        lobes = np.arange(13) * 2 * math.pi / thickness
        exact = sum(quad(integrand, a, b, epsrel=1e-4)[0] for a, b in pairwise(lobes))
        assert abs(float(power[row, column]) / exact - 1) < 5e-3


@pytest.mark.parametrize(
    ("field", "count"),
    [
        (DensityField(PowerLaw((0.7, 0.7), (2.0, 2.0)), density=gaussian), 300),
        (DensityField(PowerLaw((0.7, 0.7), (2.0, 2.0)), 3, 16, density=gaussian), 300),
        (DensityField(ColdDarkMatter((0.3, 0.3)), 3, 15, 200.0, density=gaussian), 300),
        (DensityField(Suppressed(PowerLaw(), 8.0, (0.4, 0.4)), side=33, density=gaussian), 300),
    ],
)
def test_gaussian_fields_have_the_spectrum_that_was_asked_for(field, count):
    values, truth = drawn(field, count)
    box = field.modes()
    asked = field.spectrum.power(table(truth, *truth), box)
    # Every mode over its variance is chi-squared with as many degrees as it has members.
    ratio = mode_power(values[:, 0].double(), box)[:, box.k > 0] / asked[:, box.k > 0]
    weight = box.multiplicity[box.k > 0]
    k = box.k[box.k > 0]
    for low, high in ((0.99, 2.01), (2.01, 5.0), (5.0, 99.0)):
        step = 2 * math.pi / field.box
        here = (k >= low * step) & (k < high * step)
        mean = float((ratio[:, here] * weight[here]).sum() / (weight[here].sum() * count))
        assert abs(mean - 1) < 4 * math.sqrt(2 / (float(weight[here].sum()) * count))
    assert float(mode_power(values[:, 0], box)[:, box.k == 0].abs().max()) < 1e-10
    if "variance" in truth and not isinstance(field.spectrum, Suppressed):
        assert torch.allclose(
            (asked * box.multiplicity).flatten(1).sum(1), truth["variance"].double()
        )


def test_lognormal_fields_have_the_moments_of_a_lognormal():
    field = DensityField(PowerLaw((0.3, 0.3), (0.0, 0.0)))  # white: every cell on its own
    values = drawn(field, 150)[0].double()
    grown = math.exp(0.3)
    assert float(values.mean(dim=(1, 2, 3)).abs().max()) < 1e-6
    assert abs(float(values.var()) / (grown - 1) - 1) < 0.02
    skewness = float((values**3).mean() / values.var() ** 1.5)
    assert abs(skewness / ((grown + 2) * math.sqrt(grown - 1)) - 1) < 0.05


def test_the_logarithm_of_the_lognormal_is_the_gaussian_field():
    one, two = (drawn(DensityField(density=seen), 3)[0][:, 0] for seen in (lognormal, gaussian))
    assert torch.allclose(logarithm(one, 2), two, atol=1e-4)
    with says("contrast of -3", "above -1"):
        logarithm(one - 3 - one.min(), 2)


def test_sigma_8_of_the_field_is_the_one_asked_for():
    field = DensityField(ColdDarkMatter((0.3, 0.3), (0.8, 0.8)), 3, 64, 300.0, gaussian)
    values, box = drawn(field, 10)[0][:, 0], field.modes()
    power = mode_power(values, box).double() * box.multiplicity
    measured = (power * sphere(box.k * 8.0) ** 2).sum(dim=(1, 2, 3))
    # The box holds neither waves longer than itself nor shorter than two cells.
    assert abs(float(measured.mean().sqrt()) - 0.8) < 0.02
    doubled = DensityField(ColdDarkMatter((0.3, 0.3), (0.4, 0.4)), 3, 64, 300.0, gaussian)
    assert torch.allclose(drawn(doubled, 1)[0][:, 0] * 2, values[:1], atol=1e-5)


def test_the_lognormal_density_has_the_matter_spectrum():
    matter = ColdDarkMatter((0.3, 0.3), (0.8, 0.8))
    field = DensityField(OfLogarithm(matter), 3, 24, 200.0)
    values, box = drawn(field, 200)[0][:, 0].double(), field.modes()
    asked = matter.power(torch.tensor([[0.3, 0.8]]), box)[0]
    found = mode_power(values, box).mean(0)
    for low, high in ((1, 3), (3, 6), (6, 10)):
        here = (box.k >= low * 2 * math.pi / 200) & (box.k < high * 2 * math.pi / 200)
        ratio = (found * box.multiplicity)[here].sum() / (asked * box.multiplicity)[here].sum()
        assert abs(float(ratio) - 1) < 0.05
    skewness = (values**3).mean() / values.var() ** 1.5
    assert skewness > 2


@pytest.mark.parametrize(
    "field",
    [
        DensityField(side=16),
        DensityField(side=33, density=gaussian),
        DensityField(dimensions=3, side=32),
        DensityField(OfLogarithm(ColdDarkMatter()), side=20, box=25.0),
        DensityField(OfLogarithm(ColdDarkMatter()), 3, 10, 50.0),
        PaintedGas(side=16, mean_temperature=(1e4, 2e4)),
        PaintedGas(dimensions=3, side=8, box=5.0),
    ],
)
def test_an_object_depends_on_seed_split_and_index_alone(field):
    maps = tuple(quantity.name for quantity in field.maps)
    all_, truth = drawn(field, 40 if field.dimensions == 2 else 12, maps=maps)
    some = np.array([11, 3, 7])
    again, truth_again = field.draw(some, seed=0, split="train", maps=maps)
    assert torch.equal(all_[some], again)
    for name in truth:
        assert torch.equal(truth[name][some], truth_again[name])
    for seed, split in ((1, "train"), (0, "test")):
        other, _ = field.draw(some, seed=seed, split=split)
        assert not torch.isclose(other, again).all(dim=(*range(1, other.ndim),)).any()


def test_parameters_are_spread_evenly_over_their_priors():
    _, truth = drawn(DensityField(side=4), 2000)
    for name, low in (("variance", 0.5), ("slope", 1.5)):
        ordered = truth[name].sort().values.double() - low
        gap = (ordered - (torch.arange(2000) + 0.5) / 2000).abs().max()
        assert float(gap) < 1.63 / math.sqrt(2000)  # Kolmogorov-Smirnov at 1 %


def test_fisher_is_that_of_the_toy_in_closed_form():
    # In (ln s, n): the slopes of ln P are 1 and -(ln k - <ln k>), summed over both half planes.
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(64) * 64, np.fft.fftfreq(64) * 64)).ravel()
    log = np.log(k[k > 0])
    for s, n in ((0.5, 1.5), (1.2, 2.4)):
        share = np.exp(-n * log)
        share /= share.sum()
        slopes = np.stack([np.ones_like(log) / s, (share * log).sum() - log])
        ours = fisher(PowerLaw(), torch.tensor([[s, n]]), modes(2, 64, 2 * math.pi))
        assert np.allclose(ours[0].numpy(), slopes @ slopes.T / 2, rtol=1e-6)


@pytest.fixture(scope="module")
def toys():
    field = DensityField()
    values, truth = drawn(field, 600, split="test")
    return logarithm(values[:, 0], 2), table(truth, "variance", "slope")


def test_the_bounds_are_those_of_the_toy(toys):
    fields, true = toys
    box = DensityField().modes()
    bound = cramer_rao(fisher(PowerLaw(), lattice(PowerLaw(), 20), box))
    assert np.allclose(bound.square().mean(0).sqrt(), (0.073, 0.044), atol=6e-4)
    mean, scatter = posterior(fields, PowerLaw(), box)
    error = (mean - true).square().mean(0).sqrt()
    # 0.066 and 0.040 of 2000 fields; 600 know the root mean square to 3 %.
    assert np.allclose(error, (0.066, 0.040), rtol=0.1)
    assert bool((error < bound.square().mean(0).sqrt()).all())  # the prior helps
    assert np.allclose(((mean - true) / scatter).square().mean(0), 1, atol=0.2)
    assert np.allclose(true.std(0), 0.289, atol=0.015)


def test_a_nuisance_costs_what_the_fisher_matrix_says():
    box = modes(2, 64, 2 * math.pi)
    nuisance = Suppressed(PowerLaw(), above=12.0, share=(0.0, 0.6))
    theta = torch.tensor([[1.0, 2.0, 0.3]])
    full = fisher(nuisance, theta, box)
    plain = fisher(PowerLaw(), theta[:, :2], box)
    # A known loss tells nothing; an unknown one is projected out.
    assert torch.allclose(full[:, :2, :2], plain, rtol=1e-6)
    lost = full[0, :2, 2]
    left = plain[0] - torch.outer(lost, lost) / full[0, 2, 2]
    analytic = torch.linalg.inv(left).diagonal().sqrt()
    assert torch.allclose(cramer_rao(full)[0, :2], analytic, rtol=1e-6)
    above = float(box.multiplicity[box.k > 12].sum())
    assert abs(float(full[0, 2, 2]) / (above / 2 / 0.7**2) - 1) < 1e-6
    # The posterior widens as much, where priors do not bind.
    wide = PowerLaw((0.5, 1.6), (1.6, 2.4))
    field = DensityField(Suppressed(PowerLaw((1.0, 1.0), (2.0, 2.0)), 12.0, (0.3, 0.3)))
    seen = logarithm(drawn(field, 20)[0][:, 0], 2)
    _, ignorant = posterior(seen, Suppressed(wide, 12.0, (0.0, 0.6)), box, points=21)
    _, informed = posterior(seen, Suppressed(wide, 12.0, (0.3, 0.3)), box, points=31)
    widened = (ignorant[:, :2] / informed[:, :2]).mean(0)
    asked = analytic / cramer_rao(plain)[0]
    assert float(asked[1]) > 1.15
    assert np.allclose(widened, asked, rtol=0.08)


def test_what_says_nothing_is_refused():
    flat = Suppressed(PowerLaw(), above=1e9)
    with says("singular", "fix one"):
        cramer_rao(fisher(flat, torch.tensor([[1.0, 2.0, 0.1]]), modes(2, 16, 2 * math.pi)))
    with says("shape (8, 8)", "expected (16, 16)"):
        posterior(torch.zeros(1, 8, 8), PowerLaw(), modes(2, 16, 2 * math.pi))
    with says("1 points", "at least 2"):
        lattice(PowerLaw(), 1)
    field = DensityField(PowerLaw((0.01, 9.0)))
    with says("5 points", "variance to within"):
        posterior(drawn(field, 2)[0][:, 0], field.spectrum, field.modes(), points=5)


def test_cosmology_is_known_as_well_as_fisher_says():
    field = DensityField(OfLogarithm(ColdDarkMatter()), 3, 14, 120.0)
    values, truth = drawn(field, 200)
    true = table(truth, "omega_m", "sigma_8")
    mean, scatter = posterior(logarithm(values[:, 0], 3), field.spectrum, field.modes())
    pull = ((mean - true) / scatter).square().mean(0)
    assert np.allclose(pull, 1, atol=0.3)
    bound = cramer_rao(fisher(field.spectrum, true, field.modes()))
    assert np.allclose((scatter / bound).median(0).values, 0.93, atol=0.1)


FIELDS = {
    "2-D": (DensityField(side=16), ()),
    "3-D": (DensityField(dimensions=3, side=8), ()),
    "gas": (PaintedGas(side=16), ("flux", "gas_temperature")),
    "gas 3-D": (PaintedGas(dimensions=3, side=8, box=5.0), ("gas_density", "gas_velocity")),
}


@pytest.mark.parametrize(("field", "maps"), FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_fields_come_back_from_a_file(tmp_path, field, maps, noise):
    source = SimulatedFields({"train": 7}, field=field, noise=noise, maps=maps)
    stored = open_hdf5(write_hdf5(source, tmp_path / "fields.h5", chunk=3))
    order = torch.tensor([6, 0, 0, 3])
    one, two = source.take(order, 0).check(), stored.take(order, 0).check()
    if noise:
        assert torch.equal(one.variance.expand_as(one.values), two.variance)
    assert torch.equal(one.values, two.values) and one.grid == two.grid
    assert one.channels == two.channels and list(one.truth) == list(two.truth)
    for name in one.truth:
        assert torch.equal(one.truth[name], two.truth[name])
        assert one.truth.quantity(name) == two.truth.quantity(name) == stored.quantity(name)


def test_the_universe_is_fixed_and_the_noise_is_fresh(monkeypatch):
    objects = {"train": 6, "test": 4}
    clear = SimulatedFields(objects, field=DensityField(side=16))
    noisy = SimulatedFields(objects, field=DensityField(side=16), noise=0.5)
    at = torch.tensor([4, 1])
    assert torch.equal(clear.take(at, 0).values, clear.take(at, 5).values)
    assert clear.take(at, 0).variance is None
    first, second = (noisy.take(at, epoch).values - clear.take(at, 0).values for epoch in (0, 1))
    assert torch.equal(noisy.take(at, 0).values, noisy.take(torch.arange(6), 0).values[at])
    assert abs(float(first.std()) - 0.5) < 0.05 and abs(float((first * second).mean())) < 0.05
    assert not set(clear.ids) & set(clear.part("test").ids)
    assert len(clear.part("test")) == 4 and clear.part("test").part("test").split == "test"
    assert len(clear.take(torch.empty(0, dtype=torch.int64), 0)) == 0
    sent = pickle.loads(pickle.dumps(SimulatedFields(objects, field=DensityField(side=16))))
    assert torch.equal(sent.take(at, 0).values, clear.take(at, 0).values)
    # Boxes that are not kept are the same boxes.
    monkeypatch.setattr("deepfield.data.simulated_fields.KEPT", 0)
    forgetful = SimulatedFields(objects, field=DensityField(side=16))
    assert torch.equal(forgetful.take(at, 0).values, clear.take(at, 0).values)


def test_bad_fields_are_named():
    for make, *words in (
        (lambda: DensityField(dimensions=4), "4 dimensions", "2 or 3"),
        (lambda: DensityField(side=2), "2 cells", "at least 4"),
        (lambda: DensityField(box=-1.0), "length -1"),
        (lambda: PowerLaw(variance=(-1.0, 1.0)), "variance (-1.0, 1.0)"),
        (lambda: PowerLaw(slope=(2.5, 1.5)), "slope (2.5, 1.5)", "lowest <= highest"),
        (lambda: PowerLaw(slope=(math.nan, 1.5)), "slope (nan, 1.5)"),
        (lambda: ColdDarkMatter(omega_m=(0.03, 0.5)), "omega_b 0.049", "lowest omega_m 0.03"),
        (lambda: ColdDarkMatter(h=67.0), "h 67", "100 km/s/Mpc"),
        (lambda: ColdDarkMatter(thickness=0.0), "thickness 0", "positive"),
        (lambda: Suppressed(PowerLaw(), above=0.0), "above 0", "positive"),
        (lambda: Suppressed(PowerLaw(), above=5.0, share=(0.0, 1.2)), "share (0.0, 1.2)"),
        (lambda: PaintedGas(jeans=-0.1), "jeans -0.1", "quarter of the box"),
        (lambda: PaintedGas(heating=(-1.0, 0.0)), "heating (-1.0, 0.0)"),
        (lambda: SimulatedFields({"train": 2}, maps=("flux",)), "no map flux", "none"),
        (lambda: SimulatedFields({"train": 2}, noise=-1.0), "noise -1.0", "0 or more"),
        (lambda: SimulatedFields({"train": 2}, noise=(1.0, 2.0)), "one or 1", "density"),
        (lambda: SimulatedFields({"train": 2}).quantity("redshift"), "'redshift'", "variance"),
        (lambda: SimulatedFields({"train": 2}).take(torch.tensor([2]), 0), "of 2", "'train'"),
    ):
        with says(*words):
            make()
