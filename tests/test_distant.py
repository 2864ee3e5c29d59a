"""Distant: draws follow their priors, and colours, sizes and lines know the redshift."""

import numpy as np
import pytest
import torch
from astropy.cosmology import Planck18
from scipy.stats import kstest, norm
from sklearn.ensemble import ExtraTreesRegressor

from deepfield.data.simulated import Simulated
from deepfield.nouns.survey import Band, Survey
from deepfield.render.psf import survey_psf
from deepfield.sky.distances import distance_modulus, kiloparsecs_per_arcsec
from deepfield.sky.distant import Distant, shallow
from deepfield.sky.flux_limited import FluxLimited
from deepfield.sky.luminosity import Schechter
from deepfield.sky.passbands import passbands
from deepfield.sky.photometry import mean_flux
from deepfield.sky.redshifts import Smail
from deepfield.sky.sizes import bulge_radius, disc_radius, scatter
from deepfield.sky.surveys import hsc, jwst, sdss_ugriz
from deepfield.sky.wavelengths import position

MANY = np.arange(3000)
SKY = Distant(bands=("g", "r", "i", "z", "y"))


@pytest.fixture(scope="module")
def drawn():
    return SKY.population.draw(MANY, hsc(), seed=3, split="train")


@pytest.fixture(scope="module")
def truth():
    return SKY.profiles(MANY, hsc(), seed=3, split="train")[1]


def follows(values, cumulative="uniform") -> bool:
    return kstest(np.asarray(values, dtype=float), cumulative).pvalue > 1e-3


def test_what_is_drawn_follows_its_priors(drawn):
    prior, z = SKY.population, drawn.light.redshift.double().numpy()
    assert follows(z, prior.redshift.cumulative)
    share = drawn.light.share[:, 0].double().numpy()
    early = share > 0.5
    expected = prior.early / (1 + z)
    assert abs(early.sum() - expected.sum()) < 4 * np.sqrt((expected * (1 - expected)).sum())
    assert follows((share[early] - 0.5) / 0.5)
    assert follows(np.sqrt(share[~early] / 0.5))
    bulge, disc = drawn.light.kind.double().numpy().T
    for kind, (low, high), some in (
        (bulge, prior.type_bulge, z > 0),
        (disc, prior.type_disc, ~early),
        (disc, prior.type_early, early),
    ):
        assert follows(((kind - low) / (high - low))[some] ** ((1 + z[some]) ** 1.5 / 2))
    disc = drawn.axis_ratio[:, 1].double().numpy()
    assert follows(np.sqrt((disc**2 - 0.04) / 0.96)), "inclinations are random"
    above = drawn.light.attenuation[:, 1].double().numpy() * disc / prior.attenuation[1]
    assert follows(np.sqrt(above))
    assert follows(drawn.position_angle / 180)
    assert follows((drawn.sersic_index - 2) / 2)


def test_luminosities_are_those_of_a_flux_limited_survey(drawn):
    population = SKY.population
    luminosity, z = population.luminosity, drawn.light.redshift.double().numpy()
    apparent = 31.4 - 2.5 * np.log10(drawn.flux.sum(1)[:, 2].double().numpy())
    absolute = drawn.absolute.double().numpy()
    assert apparent.max() < population.limit + 1e-4
    faintest = np.minimum(population.limit - apparent + absolute, luminosity.faintest)
    share = np.exp(luminosity.above(absolute, z) - luminosity.above(faintest, z))
    assert follows(share)


def test_the_luminosity_function_is_that_of_schechter():
    m = np.array([-23.0, -22.0, -21.3, -20.0, -18.0])
    step = 0.001
    bright = np.arange(-25.5, -18.0 + step, step)
    x = 10 ** (0.4 * (-21.3 - bright))
    density = x ** (-1.05 + 1) * np.exp(-x)
    beyond = np.interp(m, bright, np.cumsum(density))
    ours = np.exp(Schechter().above(m, np.zeros(5)))
    assert np.allclose(ours / ours[-1], beyond / beyond[-1], rtol=0.01)
    later = Schechter().above(m - 1.2, np.ones(5))
    assert np.allclose(later, Schechter().above(m, np.zeros(5)))


def test_sizes_follow_their_relations(drawn):
    z, total = (x.double().numpy() for x in (drawn.light.redshift, drawn.absolute))
    for part, relation in ((0, bulge_radius), (1, disc_radius)):
        share = drawn.light.share[:, part].double().numpy()
        own = total - 2.5 * np.log10(np.maximum(share, 1e-3))
        radius = drawn.radius[:, part].double().numpy()
        normal = np.log(radius / relation(own, z, np.zeros(len(z)))) / scatter(own)
        assert follows(normal, norm.cdf)
    angle = drawn.radius[:, 1].double().numpy() / kiloparsecs_per_arcsec(z)
    bright = np.abs(total + 21.5) < 0.5
    near, far = angle[bright & (z < 0.4)], angle[bright & (z > 0.8)]
    assert np.median(far) < 0.6 * np.median(near)


def test_distances_are_those_of_astropy():
    z = np.array([0.005, 0.02, 0.1234, 0.7, 1.5, 4.0])
    assert np.allclose(distance_modulus(z), Planck18.distmod(z).value, atol=1e-4)
    expected = Planck18.kpc_proper_per_arcmin(z).value / 60
    assert np.allclose(kiloparsecs_per_arcsec(z), expected, rtol=1e-4)


def test_magnitudes_are_those_of_the_spectrum_and_parts_add(drawn, truth):
    flux = 10 ** (0.4 * (31.4 - truth["magnitude_r"]))
    assert torch.allclose(drawn.flux[:, :, 1].sum(1), flux, rtol=1e-4)
    share = drawn.flux[:, 0, 2] / drawn.flux[:, :, 2].sum(1)
    assert torch.allclose(truth["bulge_to_total"], share)
    assert torch.equal(truth["magnitude"], truth["magnitude_i"])
    few = MANY[:50]
    wavelength, spectra = SKY.spectra(few, hsc(), seed=3, split="train")
    first = round(position(float(wavelength[0])))
    r = passbands(hsc().select(("r",)))
    seen = mean_flux(spectra, torch.zeros(len(few)), r, origin=first)[:, 0]
    assert torch.allclose(seen, flux[:50], rtol=2e-3)


def test_images_hold_the_light_of_the_truth():
    survey, indices = hsc(), np.arange(24)
    light = SKY.draw(
        indices,
        survey,
        seed=3,
        split="train",
        size=96,
        psf=survey_psf(survey),
        maps=("bulge", "disc"),
    )
    assert torch.allclose(
        light.truth["bulge"] + light.truth["disc"], light.image[:, 2], atol=1e-3, rtol=1e-3
    )
    for channel, band in enumerate(survey.channels):
        total = 10 ** (0.4 * (31.4 - light.truth[f"magnitude_{band}"]))
        # Moffat and Sersic wings go beyond the stamp.
        assert (light.image[:, channel].sum((1, 2)) / total - 1).abs().max() < 0.08
    assert {quantity.name for quantity in SKY.quantities} < set(light.truth)


def test_position_angle_is_east_of_north():
    light = SKY.draw(
        np.arange(60), hsc(), seed=5, split="test", size=96, psf=survey_psf(hsc()), maps=("disc",)
    )
    axis = torch.arange(96) - 47.5
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    window = torch.exp(-0.5 * (x**2 + y**2) / 12**2)
    disc = light.truth["disc"] * window
    xx, yy, xy = ((disc * m).sum((1, 2)) for m in (x**2, y**2, x * y))
    measured = torch.rad2deg(0.5 * torch.atan2(2 * xy, xx - yy)) - 90  # of +x, then of north
    clear = (light.truth["axis_ratio"] < 0.6) & (light.truth["radius_disc"] > 0.5)
    assert int(clear.sum()) >= 5
    off = (measured - light.truth["position_angle"] + 90) % 180 - 90
    assert off[clear].abs().max() < 6


def test_dust_reddens_discs_with_inclination(drawn):
    colour = -2.5 * torch.log10(drawn.flux[:, 1, 0] / drawn.flux[:, 1, 3])
    z, kind = drawn.light.redshift, drawn.light.kind[:, 1]
    alike = ((z - 0.6).abs() < 0.2) & (kind > 2)
    edge_on, face_on = drawn.axis_ratio[:, 1] < 0.35, drawn.axis_ratio[:, 1] > 0.7
    assert colour[alike & edge_on].median() > colour[alike & face_on].median() + 0.4
    assert bool((drawn.light.attenuation[:, 0] == 0).all())


def test_parts_know_the_redshift_better_than_the_whole(drawn, truth):
    noise = torch.Generator().manual_seed(0)

    def seen(flux):  # 5 % photometry
        return -2.5 * torch.log10(flux) + 0.05 * torch.randn(flux.shape, generator=noise)

    whole = seen(drawn.flux.sum(1))
    radii = [truth[name].log() for name in ("radius_bulge", "radius_disc")]
    parts = [seen(drawn.flux[:, part]).diff(dim=1) for part in (0, 1)]
    shape = torch.stack([*radii, truth["axis_ratio"], truth["bulge_to_total"]], 1)
    z, scatter = truth["redshift"].numpy(), []
    for features in (whole, torch.cat([whole, *parts, shape], 1)):
        x = torch.cat([features, whole.diff(dim=1)], 1).numpy()
        forest = ExtraTreesRegressor(60, min_samples_leaf=2, random_state=0, n_jobs=1)
        error = (forest.fit(x[:2000], z[:2000]).predict(x[2000:]) - z[2000:]) / (1 + z[2000:])
        scatter.append(1.4826 * np.median(np.abs(error - np.median(error))))
    assert scatter[1] < 0.7 * scatter[0]


def test_young_galaxies_have_lines_and_old_ones_mass(drawn, truth):
    width, share = truth["halpha_width"], drawn.light.share[:, 0]
    assert width[share > 0.8].median() < 0.4 * width[share < 0.1].median()
    ratio = truth["log_mass"] + 0.4 * (drawn.absolute - 4.65)
    assert ratio[share > 0.8].median() > ratio[share < 0.1].median() + 0.15
    wavelength, flux = SKY.spectra(MANY[:200], hsc(), seed=3, split="train")
    z = truth["redshift"][:200]
    for row in torch.argsort(-width[:200] * (z < 0.4))[:5].tolist():
        window = (wavelength / (656.46 * (1 + z[row])) - 1).abs() < 0.02
        peak = wavelength[window][flux[row][window].argmax()]
        assert float(peak) == pytest.approx(656.46 * (1 + float(z[row])), rel=1e-3)


def test_an_object_depends_on_its_number_alone():
    psf, far = survey_psf(hsc()), np.array([7, 2000, 3])
    one = SKY.draw(far[:1], hsc(), seed=1, split="train", size=32, psf=psf)
    more = SKY.draw(far, hsc(), seed=1, split="train", size=32, psf=psf)
    for name in one.truth:
        assert torch.allclose(one.truth[name], more.truth[name][:1], rtol=1e-5), name
    assert torch.allclose(one.image, more.image[:1], rtol=1e-4, atol=1e-3)
    other = SKY.draw(far[:1], hsc(), seed=1, split="test", size=32, psf=psf)
    assert float(other.truth["redshift"]) != float(one.truth["redshift"])
    elsewhere = Distant().profiles(far, jwst(), seed=1, split="train")[1]
    assert torch.equal(elsewhere["redshift"], more.truth["redshift"])


def test_the_shallow_survey_is_that_of_sdss():
    truth = shallow(("u", "g", "r")).profiles(MANY, sdss_ugriz(), seed=0, split="train")[1]
    assert 0.09 < float(truth["redshift"].median()) < 0.13
    assert float(truth["magnitude_r"].max()) < 17.78
    colour = truth["magnitude_g"] - truth["magnitude_r"]
    assert 0.1 < float(colour.quantile(0.02)) < float(colour.quantile(0.98)) < 1.35


def test_a_source_of_distant_galaxies():
    source = Simulated(hsc(), {"train": 6}, size=32, sky=SKY, maps=("bulge",))
    batch = source.take(torch.tensor([4, 1]), 0)
    assert batch.values.shape == (2, 5, 32, 32)
    assert source.quantity("redshift").kind == "invariant"
    assert batch.truth["bulge"].shape == (2, 32, 32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FluxLimited(early=1.2), "early 1.2; expected a number from 0 to 1"),
        (lambda: FluxLimited(thickness=0.0), "thickness 0.0; expected"),
        (lambda: FluxLimited(limit=float("nan")), "limit nan; expected"),
        (lambda: FluxLimited(type_disc=(1.0, 4.5)), "type_disc"),
        (lambda: FluxLimited(type_bulge=(0.6, 0.0)), "type_bulge"),
        (lambda: FluxLimited(attenuation=(-0.1, 0.5)), "attenuation"),
        (lambda: FluxLimited(sersic_index=(0.2, 4.0)), "sersic_index"),
        (lambda: Smail(lowest=0.5, highest=0.1), "0 < lowest < highest"),
        (lambda: Smail(scale=-1.0), "scale -1.0"),
        (lambda: Schechter(slope=-3.0), "slope -3.0"),
        (lambda: Schechter(faintest=0.0), "less than 12 apart"),
    ],
)
def test_impossible_priors_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_bands_that_a_survey_lacks_are_refused():
    with pytest.raises(ValueError, match="HSC has no band u"):
        Distant(bands=("u", "g")).profiles(MANY[:1], hsc(), seed=0, split="train")
    bare = Survey("bare", (Band("r", 620.0, 26.0, 54.0, 21.0, 1.3, 1.0, "made up"),), 0.4)
    with pytest.raises(ValueError, match="band r has no edges"):
        Distant().profiles(MANY[:1], bare, seed=0, split="train")
