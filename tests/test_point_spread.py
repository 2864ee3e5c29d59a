"""Laws of PSFs: unit sums, agreement with GalSim, how they vary over the field, a user's image."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Band, Survey
from deepfield.render import optics
from deepfield.render.field_psf import FieldPsf, PsfStack
from deepfield.render.profiles import Diffraction, Kolmogorov, Moffat
from deepfield.render.psf import moffat, survey_psf
from deepfield.render.psf_image import psf_from_image

PROFILES = {
    "moffat": Moffat(3.0),
    "steep moffat": Moffat(4.765),
    "kolmogorov": Kolmogorov(),
    "diffraction": Diffraction(2.4, 0.33, jitter=0.01, diffusion=0.2),
}


def survey(*fwhm: float, scale: float = 0.2, wavelength: float = 616.0) -> Survey:
    bands = [
        Band(f"b{i}", wavelength, 26.0, 54.0, 21.0, width, 1.0, "made up")
        for i, width in enumerate(fwhm)
    ]
    return Survey("made up", tuple(bands), scale)


def survey_of(profile: str) -> Survey:
    space = profile == "diffraction"
    return survey(0.1, 0.09, scale=0.05) if space else survey(0.9, 0.7)


def draw(profile, seen: Survey, g1: float, g2: float, side: int, oversampling: int) -> np.ndarray:
    shear = torch.tensor([[[g1, g2]]])
    one = torch.ones(1, 1)
    return profile.kernels(seen, one, shear, side=side, oversampling=oversampling)[0, 0].numpy()


def by_galsim(galsim, light, seen: Survey, shear, side: int, oversampling: int) -> np.ndarray:
    fine = galsim.GSParams(folding_threshold=5e-4, maxk_threshold=1e-4, maximum_fft_size=16384)
    pixel = galsim.Pixel(seen.pixel_scale)
    whole = galsim.Convolve([light.shear(g1=shear[0], g2=shear[1]), pixel], gsparams=fine)
    step = seen.pixel_scale / oversampling
    image = whole.drawImage(nx=side, ny=side, scale=step, method="no_pixel").array
    return image / image.sum()


@pytest.mark.parametrize("shear", [(0.0, 0.0), (0.1, -0.2)])
@pytest.mark.parametrize(("fwhm", "oversampling"), [(0.7, 1), (0.5, 2)])
def test_ground_based_profiles_agree_with_galsim(fwhm, oversampling, shear):
    galsim = pytest.importorskip("galsim")
    seen = survey(fwhm)
    peers = [
        (Moffat(3.0), galsim.Moffat(beta=3.0, fwhm=fwhm)),
        (Moffat(2.5), galsim.Moffat(beta=2.5, fwhm=fwhm)),
        (Kolmogorov(), galsim.Kolmogorov(fwhm=fwhm)),
    ]
    for profile, peer in peers:
        wanted = by_galsim(galsim, peer, seen, shear, 41, oversampling)
        ours = draw(profile, seen, *shear, 41, oversampling)
        assert np.abs(ours - wanted).max() < 3e-4 * wanted.max(), profile


@pytest.mark.parametrize(
    ("telescope", "scale", "wavelength", "oversampling", "shear"),
    [
        (Diffraction(1.2, 0.33, jitter=0.02, diffusion=0.1), 0.1, 720.0, 2, (0.0, 0.0)),
        (Diffraction(2.4, 0.33), 0.05, 814.0, 1, (0.0, 0.0)),
        (Diffraction(2.4, 0.0), 0.06, 1600.0, 1, (0.05, 0.1)),
        (Diffraction(6.5, 0.2, jitter=0.01), 0.031, 2000.0, 1, (0.0, 0.0)),
    ],
)
def test_diffraction_agrees_with_galsim(telescope, scale, wavelength, oversampling, shear):
    galsim = pytest.importorskip("galsim")
    seen = survey(0.1, scale=scale, wavelength=wavelength)
    light = galsim.Airy(lam=wavelength, diam=telescope.diameter, obscuration=telescope.obscuration)
    blur = math.hypot(telescope.jitter, telescope.diffusion * scale)
    if blur:
        light = galsim.Convolve([light, galsim.Gaussian(sigma=blur)])
    wanted = by_galsim(galsim, light, seen, shear, 63, oversampling)
    ours = draw(telescope, seen, *shear, 63, oversampling)
    assert np.abs(ours - wanted).max() < 1e-3 * wanted.max()


def test_a_round_moffat_is_the_one_of_the_survey():
    seen = survey(0.9, 0.7)
    wanted = survey_psf(seen).kernel
    still = FieldPsf(seeing=0, band_scatter=0, growth=0, astigmatism=0, shake=0)
    ours = still(seen, np.arange(3), seed=0, split="train").kernel
    assert (ours - wanted).abs().max() < 2e-5 * wanted.max()


@given(obscuration=st.sampled_from([0.0, 0.2, 0.5]))
@settings(max_examples=3, deadline=None)
def test_the_aperture_is_correlated_with_itself(obscuration):
    points = torch.linspace(-2, 2, 512)
    r = torch.hypot(points[:, None], points)
    pupil = ((r <= 1) & (r >= obscuration)).double()
    power = torch.fft.irfft2(torch.fft.rfft2(pupil).abs() ** 2, pupil.shape)[0, :256]
    frequency = torch.arange(256) * (points[1] - points[0]) / 2
    inside = frequency <= 1
    ours = optics.aperture_transfer(frequency[inside], obscuration)
    assert torch.allclose(ours, (power / power[0]).float()[inside], atol=5e-3)


@pytest.mark.parametrize("name", PROFILES)
def test_kernels_sum_to_one_and_differ_between_objects_and_bands(name):
    seen = survey_of(name)
    psf = FieldPsf(PROFILES[name])(seen, np.arange(6), seed=0, split="train")
    assert torch.allclose(psf.kernel.sum((-1, -2)), torch.ones(6, 2), atol=1e-5)
    assert psf.kernel.min() > -1e-4 * psf.kernel.max()
    flat = psf.kernel.flatten(2)
    assert flat.argmax(-1).eq(flat.shape[-1] // 2).all()
    peaks = flat.amax(-1)
    assert peaks.unique().numel() == peaks.numel()
    assert name == "diffraction" or (peaks[:, 1] > peaks[:, 0]).all()


@pytest.mark.parametrize("name", PROFILES)
def test_an_object_has_its_psf_in_any_company(name):
    seen, psf = survey_of(name), FieldPsf(PROFILES[name])
    some = psf(seen, np.array([7, 2, 5]), seed=3, split="test").kernel
    assert torch.equal(some[1:2], psf(seen, np.array([2]), seed=3, split="test").kernel)
    assert not torch.equal(some[:1], psf(seen, np.array([7]), seed=3, split="train").kernel)
    assert not torch.equal(some[:1], psf(seen, np.array([7]), seed=4, split="test").kernel)


def moments(kernels: torch.Tensor) -> list[tuple[float, float, float]]:
    galsim = pytest.importorskip("galsim")
    found = [galsim.hsm.FindAdaptiveMom(galsim.Image(k.numpy())) for k in kernels]
    return [(m.observed_shape.g1, m.observed_shape.g2, m.moments_sigma) for m in found]


def test_moments_follow_the_field():
    seen = survey(1.4)
    psf = FieldPsf(Kolmogorov(), growth=0.2, astigmatism=0.08)
    place = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.6, 0.6], [-0.6, 0.6]])
    one, none = torch.ones(5, 1), torch.zeros(5, 1, 2)
    found = moments(psf.at(seen, place, seeing=one, shear=none).kernel[:, 0])
    # Radial: along x on the x axis, along the diagonal on the diagonal.
    wanted = [(0, 0), (0.08, 0), (-0.08, 0), (0, 0.0576), (0, -0.0576)]
    for (g1, g2, _), (at1, at2) in zip(found, wanted, strict=True):
        assert (g1, g2) == (pytest.approx(at1, abs=0.003), pytest.approx(at2, abs=0.003))
    growth = [sigma / found[0][2] for _, _, sigma in found]
    # Without the pixel the width would grow by 1.2; at 7 px it is 1 % of the variance.
    assert growth[1:3] == [pytest.approx(1.2, abs=0.01)] * 2
    assert growth[3:] == [pytest.approx(1.144, abs=0.01)] * 2


def test_seeing_and_shake_scatter_as_stated():
    seen = survey(1.4, 1.4)
    psf = FieldPsf(seeing=0.15, band_scatter=0.05, growth=0, astigmatism=0, shake=0.03)
    kernels = psf(seen, np.arange(300), seed=1, split="train").kernel
    g1, g2, sigma = np.array([moments(k) for k in kernels]).transpose(2, 0, 1)
    width = np.log(sigma)
    assert width.mean(1).std() == pytest.approx(math.hypot(0.15, 0.05 / math.sqrt(2)), rel=0.12)
    assert (width[:, 0] - width[:, 1]).std() == pytest.approx(0.05 * math.sqrt(2), rel=0.12)
    assert g1.std() == pytest.approx(0.03, rel=0.12)
    assert g2.std() == pytest.approx(0.03, rel=0.12)


def test_a_stack_of_stars_is_dealt_out():
    stars = torch.zeros(4, 1, 3, 3)
    stars[:, 0, 1, 1] = torch.arange(1, 5) / 10
    stars[:, 0, 0, 0] = 1 - torch.arange(1, 5) / 10
    stack = PsfStack(Psf(stars))
    dealt = stack(survey(0.7), np.arange(200), seed=0, split="train").kernel[:, 0, 1, 1]
    values, counts = dealt.unique(return_counts=True)
    assert len(values) == 4 and counts.min() > 25
    assert torch.equal(
        dealt[[9, 3]],
        stack(survey(0.7), np.array([9, 3]), seed=0, split="train").kernel[:, 0, 1, 1],
    )
    shared = PsfStack(Psf(stars[:1]))(survey(0.7), np.arange(200), seed=0, split="train")
    assert len(shared.kernel) == 1


@pytest.mark.parametrize(("rows", "columns"), [(40, 40), (41, 36)])
def test_a_star_off_its_centre_is_recentred(rows, columns):
    galsim = pytest.importorskip("galsim")
    star = galsim.Moffat(beta=3.0, fwhm=3.5)
    image = galsim.Image(columns, rows, scale=1.0)
    seen = star.drawImage(image=image, offset=(1.3, -0.4)).array * 900
    wanted = moffat(3.5, 3.0, side=25)
    for given_as in (seen.astype(">f4"), seen.astype(np.float64), torch.tensor(seen)):
        kernel = psf_from_image(given_as, side=25).kernel[0, 0]
        assert (kernel - wanted).abs().max() < 2e-3 * wanted.max()


def test_a_centred_image_is_kept_with_its_negative_wings():
    image = moffat(3.0, 3.0, side=21).numpy()
    image = np.stack([image, 2 * image.T])
    image[:, 0, :] = -1e-4
    kernel = psf_from_image(image).kernel
    assert kernel.shape == (1, 2, 21, 21)
    assert (kernel[0, :, 0] < 0).all()
    assert np.allclose(kernel[0], image / image.sum((1, 2), keepdims=True), atol=1e-8)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((9, 9)), "expected a positive sum"),
        (-np.eye(9), "expected a positive sum"),
        (np.full((9, 9), np.nan), "expected finite ones"),
        (np.eye(9)[None, None, None], "expected .y, x."),
        (np.zeros((0, 3)), "expected .y, x."),
    ],
)
def test_an_image_that_is_no_psf_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        psf_from_image(image)


def test_bad_priors_are_refused():
    star = moffat(3.0, 3.0, side=21).numpy()
    for side in (0, 8, 31):
        with pytest.raises(ValueError, match="expected an odd number"):
            psf_from_image(star, side=side)
    for beta in (1.0, -2.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="finite flux"):
            Moffat(beta)
    for numbers in ((0.0, 0.1), (2.4, 1.0), (2.4, -0.1), (math.nan, 0.1), (2.4, 0.3, -0.1)):
        with pytest.raises(ValueError, match="expected a positive diameter"):
            Diffraction(*numbers)
    for name in ("seeing", "band_scatter", "shake"):
        for wrong in (-0.1, math.nan, 3.0):
            with pytest.raises(ValueError, match="expected scatters"):
                FieldPsf(**{name: wrong})
    for wrong in ({"growth": -1.0}, {"astigmatism": 0.5}, {"growth": math.nan}):
        with pytest.raises(ValueError, match="edge of the field"):
            FieldPsf(**wrong)
    with pytest.raises(ValueError, match=r"expected \[object, 2\]"):
        FieldPsf().at(
            survey(0.7), torch.zeros(2, 3), seeing=torch.ones(2, 1), shear=torch.zeros(2, 1, 2)
        )
