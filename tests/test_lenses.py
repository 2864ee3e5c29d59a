"""Strong lenses: the optics against closed forms and caustics, the sky against its priors."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.noise import NANOJANSKY, sky_variance
from deepfield.render.pixels import subpixel_grid
from deepfield.render.psf import survey_psf
from deepfield.sky import surveys
from deepfield.sky.clumpy_sources import NUMBERS, Sources, arcs, clumpy
from deepfield.sky.impostors import Discs, spirals
from deepfield.sky.lenses import Lenses
from deepfield.sky.lensing import Lens

LSST = surveys.lsst().select(("g", "r", "i"))
KINDS = ("lens", "weak", "spiral", "ring", "companion", "plain")


def lens(**given):
    """Lenses in float64: a sphere of 1 arcsec unless told."""
    values = {"einstein_radius": 1.0, "axis_ratio": 1.0, "position_angle": 0.0}
    values |= {"shear": 0.0, "shear_angle": 0.0} | given
    tensors = (torch.as_tensor(v, dtype=torch.float64).reshape(-1) for v in values.values())
    return Lens(*torch.broadcast_tensors(*tensors))


def various():
    """Round, nearly round and flat lenses with shear, and points to look at."""
    rng = np.random.default_rng(1)
    ratios = [1.0, 1 - 1e-9, 0.9999, math.sqrt(1 - 0.999e-3), math.sqrt(1 - 1.001e-3), 0.8, 0.3]
    n = len(ratios)
    some = lens(
        einstein_radius=rng.uniform(0.5, 2.0, n),
        axis_ratio=ratios,
        position_angle=rng.uniform(0, 180, n),
        shear=rng.uniform(0, 0.3, n),
        shear_angle=rng.uniform(0, 180, n),
    )
    x, y = (torch.from_numpy(rng.normal(0, 1.5, (n, 60))).requires_grad_() for _ in range(2))
    return some, x, y


def gradient(of, x, y):
    return torch.autograd.grad(of.sum(), (x, y), create_graph=True)


def area(curve):
    """Enclosed by closed curves [object, point], by the shoelace formula."""
    x, y = curve
    return 0.5 * (x * y.roll(-1, 1) - y * x.roll(-1, 1)).sum(1).abs()


def grid(size, finer, scale):
    """x and y [1, Y, X] in float64."""
    y, x = subpixel_grid(size, finer)
    both = torch.broadcast_tensors(x.double() * scale, y.double() * scale)
    return both[0][None], both[1][None]


def gaussian(x, y, radius):
    """A round source of one Gaussian."""
    values = (x, y, radius, 1.0, 0.0, 0.5, 1.0)
    return Sources(*(torch.tensor([[v]], dtype=torch.float64) for v in values))


def test_deflection_and_convergence_are_derivatives_of_the_potential():
    some, x, y = various()
    alpha_x, alpha_y = some.deflection(x, y)
    by_x, by_y = gradient(some.potential(x, y), x, y)
    assert torch.allclose(alpha_x, by_x, atol=1e-9) and torch.allclose(alpha_y, by_y, atol=1e-9)
    (xx, xy), (yx, yy) = gradient(alpha_x, x, y), gradient(alpha_y, x, y)
    assert torch.allclose((xx + yy) / 2, some.convergence(x, y), rtol=1e-8)
    jacobian = (1 - xx) * (1 - yy) - xy * yx
    assert torch.allclose(jacobian * some.magnification(x, y), torch.ones_like(x), atol=1e-8)


def test_a_sphere_deflects_by_its_einstein_radius_and_magnifies_as_it_should():
    x, y = torch.tensor([[0.3, 3.0]]).double(), torch.tensor([[0.4, -4.0]]).double()
    sphere = lens(einstein_radius=1.7)
    alpha_x, alpha_y = sphere.deflection(x, y)
    assert torch.allclose(alpha_x, 1.7 * x / torch.hypot(x, y), atol=1e-12)
    assert torch.allclose(alpha_y, 1.7 * y / torch.hypot(x, y), atol=1e-12)
    # Images of a source at beta are at theta_E + beta and -(theta_E - beta).
    beta = 0.4
    images = torch.tensor([[1.7 + beta, beta - 1.7]], dtype=torch.float64)
    total = sphere.magnification(images, 0 * images).abs().sum()
    assert float(total) == pytest.approx(2 * 1.7 / beta, rel=1e-12)
    alone = torch.tensor([[1.7 + 2.0]], dtype=torch.float64)
    assert float(sphere.magnification(alone, 0 * alone)) == pytest.approx(1 + 1.7 / 2, rel=1e-12)


@pytest.mark.parametrize("q", [0.9, 0.6, 0.3])
def test_an_ellipsoid_agrees_with_kormann_and_others(q):
    """Deflections on the axes, cusps and cut of Kormann, Schneider & Bartelmann (1994)."""
    flattening = math.sqrt(1 - q**2)
    ellipsoid = lens(einstein_radius=1.3, axis_ratio=q)  # major axis to the north
    far = torch.tensor([[2.0]]).double()
    major = 1.3 * math.sqrt(q) / flattening * math.acos(q)
    minor = 1.3 * math.sqrt(q) / flattening * math.acosh(1 / q)
    assert float(ellipsoid.deflection(0 * far, far)[1]) == pytest.approx(major, abs=1e-12)
    assert float(ellipsoid.deflection(far, 0 * far)[0]) == pytest.approx(minor, abs=1e-12)
    cut_x, cut_y = ellipsoid.cut(720)
    assert float(cut_y.max()) == pytest.approx(major, abs=1e-9)
    assert float(cut_x.max()) == pytest.approx(minor, abs=1e-9)
    x, y = ellipsoid.critical_curve(720)
    assert float(y.max()) == pytest.approx(1.3 / math.sqrt(q), abs=1e-9)
    assert float(area((x, y))) == pytest.approx(math.pi * 1.3**2, rel=2e-3)
    cusp_x, cusp_y = ellipsoid.caustic(720)
    assert float(cusp_y.abs().max()) == pytest.approx(1.3 / math.sqrt(q) - major, abs=1e-9)
    assert float(cusp_x.abs().max()) == pytest.approx(minor - 1.3 * math.sqrt(q), abs=1e-9)


def test_a_sphere_is_the_limit_of_ellipsoids():
    x, y = torch.tensor([[0.7]]).double(), torch.tensor([[-0.2]]).double()
    sphere = torch.stack(lens().deflection(x, y))
    for flatter in (1e-3, 1e-6, 1e-12):
        nearly = torch.stack(lens(axis_ratio=1 - flatter).deflection(x, y))
        assert (nearly - sphere).abs().max() < flatter
    q = torch.ones(1, dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, dtype=torch.float64)
    Lens(one, q, 0 * one, 0 * one, 0 * one).deflection(x, y)[0].sum().backward()
    assert q.grad.isfinite().all() and q.grad.abs() > 0
    assert lens().deflection(0 * x, 0 * y)[0] == 0  # nothing bends at the very centre


def test_critical_curves_are_where_the_magnification_has_no_bound():
    some, _, _ = various()
    x, y = some.critical_curve(90)
    assert (some.magnification(x, y).abs() > 1e9).all()
    assert torch.allclose(
        area(lens(einstein_radius=2).cut(999)), torch.tensor(4 * math.pi).double()
    )
    assert area(lens(einstein_radius=2).caustic(99)) < 1e-20  # of a sphere: a point


def test_inside_the_cut_there_is_one_image_more():
    """Counted along the axis of a sphere, then for an ellipsoid by the sign of the light."""
    ellipsoid = lens(axis_ratio=0.7, position_angle=20.0)
    cut_x, cut_y = ellipsoid.cut_at(torch.tensor([[77.0]]).double())
    inner, outer = [], []
    x, y = grid(120, 1, 0.05)
    for factor, found in ((0.9, inner), (1.1, outer)):
        beta_x, beta_y = ellipsoid.source_plane(x, y)
        near = torch.hypot(beta_x - factor * cut_x, beta_y - factor * cut_y) < 0.05
        parity = ellipsoid.magnification(x, y)[near].sign()
        found += [int((parity > 0).sum()), int((parity < 0).sum())]
    assert inner[0] > 0 and inner[1] > 0 and outer[0] > 0 and outer[1] == 0


def test_angles_are_east_of_north():
    """East is -x: at 45 degrees the major axis runs to the upper left."""
    turned = lens(axis_ratio=0.5, position_angle=45.0)
    at = torch.tensor([[1.0]]).double()
    assert turned.convergence(-at, at) > 1.5 * turned.convergence(at, at)
    # Shear stretches images along its angle: less is left of a source plane's distance there.
    sheared = lens(einstein_radius=1e-9, shear=0.1, shear_angle=45.0)
    x, y = sheared.source_plane(-at, at)
    assert float(-x) == pytest.approx(0.9, abs=1e-6) and float(y) == pytest.approx(0.9, abs=1e-6)
    x, y = sheared.source_plane(at, at)
    assert float(x) == pytest.approx(1.1, abs=1e-6) and float(y) == pytest.approx(1.1, abs=1e-6)


def test_a_source_behind_a_sphere_is_an_einstein_ring():
    x, y = grid(120, 2, 0.05)
    ring = arcs(lens(einstein_radius=1.5), gaussian(0.0, 0.0, 0.1), x, y)[0]
    radius = torch.hypot(x, y)[0]
    assert float((ring * radius).sum() / ring.sum()) == pytest.approx(1.5, abs=0.01)
    # The ring's flux: the source's times the magnification averaged over it, 2 theta_E <1/beta>.
    sigma = 0.1 / math.sqrt(2 * math.log(2))
    mean = math.sqrt(math.pi / 2) / sigma
    assert float(ring.sum() * 0.025**2) == pytest.approx(2 * 1.5 * mean, rel=2e-3)


@pytest.mark.parametrize("beta", [0.4, 1.0, 1.9])
def test_the_light_of_arcs_is_the_magnification(beta):
    """Ray-shot flux of a small source: 1 + theta_E / beta, twice the inner part inside."""
    x, y = grid(200, 4, 0.05)
    light = arcs(lens(einstein_radius=1.2), gaussian(0.0, beta, 0.05), x, y).sum() * 0.0125**2
    expected = 2 * 1.2 / beta if beta < 1.2 else 1 + 1.2 / beta
    assert float(light) == pytest.approx(expected, rel=0.01)


def test_arcs_can_be_differentiated():
    x, y = grid(30, 1, 0.15)
    values = [torch.tensor([v]).double().requires_grad_() for v in (1.1, 0.8, 30.0, 0.05, 10.0)]
    source = gaussian(0.1, 0.2, 0.3)
    weights = torch.rand(1, 30, 30, generator=torch.Generator().manual_seed(0)).double()

    def light(*of_lens):
        return (arcs(Lens(*of_lens), source, x, y) * weights).sum()

    assert torch.autograd.gradcheck(light, values, atol=1e-5)


def test_images_agree_with_caustics():
    caustics = pytest.importorskip("caustics")
    rng = np.random.default_rng(5)
    x, y = grid(64, 2, 0.1)
    for q in (0.95, 0.75, 0.5):
        angle, shear_angle, shear = rng.uniform(0, 180), rng.uniform(0, 180), 0.06
        ours = lens(
            einstein_radius=1.1,
            axis_ratio=q,
            position_angle=angle,
            shear=shear,
            shear_angle=shear_angle,
        )
        source = gaussian(0.15, -0.1, 0.2)
        source = replace(source, sersic_index=torch.ones_like(source.x))
        turn, shear_turn = math.radians(angle + 90), math.radians(shear_angle + 90)
        kept = {"dtype": torch.float64}
        sie = caustics.func.reduced_deflection_angle_sie(
            0.0, 0.0, torch.tensor(q, **kept), torch.tensor(turn, **kept), 1.1, x, y
        )
        bent = caustics.func.reduced_deflection_angle_external_shear(
            0.0, 0.0, shear * math.cos(2 * shear_turn), shear * math.sin(2 * shear_turn), x, y
        )
        seen = [p - a - b for p, a, b in zip((x, y), sie, bent, strict=True)]
        at = [torch.tensor(v, **kept) for v in (0.15, -0.1, 1.0, 0.0, 1.0, 0.2, 1.0)]
        steep = caustics.func.k_sersic(torch.tensor(1.0, **kept))
        behind = caustics.func.brightness_sersic(*at, *seen, steep)
        # Per flux, that of an exponential disc with this brightness at its half-light radius.
        k = 1.6783469900166605
        theirs = behind / (2 * math.pi * 0.2**2 * math.exp(k) / k**2)
        images = arcs(ours, source, x, y)
        assert (images - theirs).abs().max() < 0.005 * theirs.max()
        deflection = torch.stack(ours.deflection(x, y))
        expected = torch.stack([sie[0] + bent[0], sie[1] + bent[1]])
        assert (deflection - expected).abs().max() < 1e-6


def test_sources_hold_their_light_and_clumps_stand_out():
    numbers = torch.rand(NUMBERS, 12, generator=torch.Generator().manual_seed(2))
    one = torch.ones(12)
    some = clumpy(numbers, 0 * one, 0 * one, radius=0.3 * one, clumps=(2, 4), share=(0.3, 0.5))
    x, y = (axis.float().expand(12, -1, -1) for axis in grid(120, 1, 0.04))
    light = some.surface_brightness(x, y)
    assert (light.sum((1, 2)) * 0.04**2).numpy() == pytest.approx(1.0, abs=0.02)
    assert torch.allclose(some.share.sum(1), one)
    clumped = some.share[:, 1:].sum(1)
    assert clumped.min() > 0.3 and clumped.max() < 0.5
    smooth = clumpy(numbers, 0 * one, 0 * one, radius=0.3 * one, clumps=(0, 0), share=(0.3, 0.5))
    assert torch.equal(smooth.share[:, 0], one)


def test_spiral_arms_wind_with_the_logarithm_of_the_radius():
    """Where an arm crosses the major axis, the next crossing is a fixed factor further out."""
    one = torch.ones(1)
    disc = Discs(one, one, one, 0 * one, 2 * one, one, 6 * one, 0 * one)
    r = torch.logspace(-1, 1, 20001, base=math.e)[None, None]
    pattern = spirals(disc, 0 * r, r)[0, 0] / torch.exp(-r[0, 0])
    inner = pattern[1:-1]
    peaks = r[0, 0, 1:-1][(inner > pattern[:-2]) & (inner >= pattern[2:])]
    factors = (peaks[1:] / peaks[:-1]).numpy()
    assert factors == pytest.approx(math.exp(2 * math.pi / 6), rel=1e-2)


@pytest.fixture(scope="module")
def drawn():
    maps = ("arc", "lens_light", "companion")
    return Lenses().draw(
        np.arange(200), LSST, seed=1, split="test", size=72, psf=survey_psf(LSST), maps=maps
    )


def test_maps_add_up_to_the_image(drawn):
    truth = drawn.truth
    total = truth["arc"] + truth["lens_light"] + truth["companion"]
    assert torch.allclose(total, drawn.image[:, 1], rtol=1e-5, atol=1e-4)
    assert (truth["arc"][truth["kind"] > 1] == 0).all()


def test_arcs_have_the_flux_and_the_signal_to_noise_that_the_truth_says(drawn):
    truth = drawn.truth
    sourced = truth["kind"] < 2
    flux = 10 ** (0.4 * (NANOJANSKY - truth["magnitude_source"])) * truth["magnification"]
    ratio = (truth["arc"].sum((1, 2)) / flux)[sourced]
    assert ratio.median() == pytest.approx(1.0, abs=0.01)
    assert ratio.min() > 0.6 and ratio.max() < 1.01  # the PSF's wings leave the stamp
    # One band alone has less than all of them, and most of it.
    middle = (truth["arc"] ** 2 / sky_variance(LSST)[1]).sum((1, 2)).sqrt()
    share = (middle / truth["arc_signal_to_noise"])[sourced]
    assert share.max() < 1 and share.min() > 0.3
    lone = Survey("one band", (LSST.bands[1],), LSST.pixel_scale)
    alone = Lenses().draw(
        np.arange(40), lone, seed=1, split="test", size=72, psf=survey_psf(lone), maps=("arc",)
    )
    signal = (alone.truth["arc"] ** 2 / sky_variance(lone)).sum((1, 2)).sqrt()
    assert torch.allclose(signal, alone.truth["arc_signal_to_noise"], rtol=1e-3)


def test_a_lens_is_what_is_seen_to_be_one(drawn):
    truth = drawn.truth
    is_lens = truth["lens"] == 1
    assert torch.equal(is_lens, truth["kind"] == 0)
    assert (truth["magnification"][is_lens] >= 1.6).all()
    weak = truth["kind"] == 1
    assert (truth["magnification"][weak] < 1.6).all() and (truth["source_offset"][weak] > 1).all()
    for name in ("einstein_radius", "magnification", "source_offset", "position_angle"):
        assert torch.equal(truth[name].isnan(), truth["kind"] > 1)
    faint = Lenses(share=1.0, arc_signal_to_noise=(1.0, 7.0))
    unseen = faint.draw(
        np.arange(8), LSST, seed=1, split="test", size=64, psf=survey_psf(LSST)
    ).truth
    assert (unseen["lens"] == 0).all() and (unseen["arc_signal_to_noise"] < 8).all()


def test_magnification_falls_with_offset(drawn):
    truth = drawn.truth
    has = truth["kind"] < 2
    pairs = truth["source_offset"][has].numpy(), truth["magnification"][has].numpy()
    assert stats.spearmanr(*pairs).statistic < -0.9
    # Far out an ellipsoid magnifies as a sphere does, but for cusps that reach beyond the cut.
    far = has & (truth["source_offset"] > 1.3)
    ratio = truth["magnification"][far] / (1 + 1 / truth["source_offset"][far])
    assert ratio.min() > 0.75 and 0.95 < ratio.median() < 1.1


def test_priors_are_kept():
    """Kolmogorov-Smirnov in a stamp that is large enough for the largest Einstein radius."""
    sky, coarse = Lenses(share=1.0), Survey("r", (LSST.bands[1],), 0.4)
    truth = sky.draw(
        np.arange(250), coarse, seed=3, split="train", size=32, psf=survey_psf(coarse)
    ).truth
    for name, limits in (
        ("einstein_radius", sky.einstein_radius),
        ("source_offset", sky.source_offset),
        ("axis_ratio", sky.axis_ratio),
        ("shear", sky.shear),
        ("position_angle", (0, 180)),
        ("shear_angle", (0, 180)),
    ):
        low, high = limits
        u = (truth[name].numpy() - low) / (high - low)
        assert stats.kstest(u, "uniform").pvalue > 1e-3, name
    low, high = np.log(sky.arc_signal_to_noise)
    u = (np.log(truth["arc_signal_to_noise"].numpy()) - low) / (high - low)
    assert stats.kstest(u, "uniform").pvalue > 1e-3


def test_kinds_are_as_frequent_as_asked():
    sky = Lenses(share=0.0, negatives=(0, 1, 1, 1, 1), arc_signal_to_noise=(9, 10))
    coarse = Survey("r", (LSST.bands[1],), 0.8)
    truth = sky.draw(
        np.arange(400), coarse, seed=3, split="train", size=24, psf=survey_psf(coarse)
    ).truth
    counts = torch.bincount(truth["kind"], minlength=6).numpy()
    assert counts[:2].sum() == 0 and stats.chisquare(counts[2:]).pvalue > 1e-3
    assert truth.quantity("kind").classes == KINDS


def test_brightness_and_colour_do_not_give_lenses_away(drawn):
    """Total light and colour alone: no better than a fair guess allows."""
    is_lens = drawn.truth["lens"] == 1
    flux = drawn.image.sum((2, 3))
    for value in (flux[:, 1], flux[:, 0] / flux[:, 2], drawn.image.amax((1, 2, 3))):
        area_under = stats.mannwhitneyu(value[is_lens], value[~is_lens]).statistic
        assert 0.3 < area_under / (int(is_lens.sum()) * int((~is_lens).sum())) < 0.7


def test_an_object_depends_on_seed_split_and_index_alone():
    def draw(indices, **changed):
        chosen = {"seed": 4, "split": "train", "size": 48, "psf": survey_psf(LSST)} | changed
        return Lenses().draw(np.array(indices), LSST, **chosen)

    many, few = draw(range(24)), draw([17, 3])
    assert torch.allclose(many.image[[17, 3]], few.image, rtol=1e-3, atol=1e-3)
    for name in few.truth:
        expected = many.truth[name][[17, 3]]
        assert torch.allclose(few.truth[name], expected, rtol=1e-4, equal_nan=True), name
    for changed in ({"seed": 5}, {"split": "test"}):
        other = draw([17, 3], **changed)
        assert not torch.equal(other.truth["magnitude_lens"], few.truth["magnitude_lens"])
    own = Psf(survey_psf(LSST).kernel.repeat(2, 1, 1, 1), survey_psf(LSST).oversampling)
    assert torch.allclose(draw([17, 3], psf=own).image, few.image, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["sdss", "lsst", "hst"])
def test_any_survey_can_see_them(name):
    survey = getattr(surveys, name)()
    light = Lenses().draw(
        np.arange(10), survey, seed=0, split="train", size=40, psf=survey_psf(survey)
    )
    assert light.image.isfinite().all() and light.image.amax((2, 3)).min() > 0
    # The arcs are in the stamp, however small it is.
    radius = light.truth["einstein_radius"]
    assert radius[~radius.isnan()].max() <= 0.22 * 40 * survey.pixel_scale


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"share": 1.2}, "share 1.2; expected 0 to 1"),
        ({"share": math.nan}, "share nan"),
        ({"negatives": (1, 1, 1)}, "expected 5 numbers"),
        ({"negatives": (0, 0, 0, 0, 0)}, "positive sum"),
        ({"negatives": (1, -1, 1, 1, 1)}, "from 0"),
        ({"einstein_radius": (2.5, 0.5)}, "einstein_radius"),
        ({"einstein_radius": (-1.0, 1.0)}, "einstein_radius"),
        ({"axis_ratio": (0.5, 1.1)}, "axis_ratio"),
        ({"shear": (0.0, 0.9)}, "shear"),
        ({"arc_signal_to_noise": (0.0, 10.0)}, "arc_signal_to_noise"),
        ({"source_radius": (math.nan, 0.1)}, "source_radius"),
        ({"clumps": (1, 9)}, "clumps"),
        ({"clump_share": (0.5, 1.5)}, "clump_share"),
        ({"weak_offset": (3.0, 1.0)}, "weak_offset"),
    ],
)
def test_impossible_priors_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Lenses(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"axis_ratio": 1.1}, "axis_ratio 1.1; expected above 0 and at most 1"),
        ({"einstein_radius": 0.0}, "einstein_radius 0"),
        ({"shear": 1.0}, "shear 1"),
        ({"axis_ratio": math.nan}, "axis_ratio nan"),
    ],
)
def test_impossible_lenses_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        lens(**given)
