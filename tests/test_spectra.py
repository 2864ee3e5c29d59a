"""Spectra: photometry as GalSim's, types as those of Coleman, Wu & Weedman, dust as Calzetti's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.cosmology import Planck18

from deepfield.sky.dust import attenuation_curve
from deepfield.sky.passbands import of_curves, passbands
from deepfield.sky.photometry import magnitude, mean_flux, redshifted
from deepfield.sky.starlight import Starlight
from deepfield.sky.surveys import euclid_nisp, hst_f160w, lsst, sdss_ugriz
from deepfield.sky.templates import EMITTED, HALPHA, HALPHA_WIDTH, TYPES, basis, spectra
from deepfield.sky.wavelengths import COUNT, STEP, position, wavelengths

galsim = pytest.importorskip("galsim")
SHARE = Path(galsim.meta_data.share_dir)
BANDS = (
    *(f"LSST_{band}" for band in "ugrizy"),
    *("ACS_wfc_F606W", "ACS_wfc_F814W", "WFC3_ir_F125W", "WFC3_ir_F160W"),
)
REDSHIFTS = (0.0, 0.5, 1.0, 2.0, 3.0)


def cww(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Wavelength, nm, and f_lambda."""
    table = np.loadtxt(SHARE / "SEDs" / f"CWW_{kind}_ext.sed")
    return table[:, 0] / 10, table[:, 1]


def bandpasses(names):
    paths = [str(SHARE / "bandpasses" / f"{name}.dat") for name in names]
    return [galsim.Bandpass(path, "nm").withZeropoint("AB") for path in paths]


def curve(bandpass) -> tuple[np.ndarray, np.ndarray]:
    wave = np.array(bandpass.wave_list)
    return wave, np.array([bandpass(w) for w in wave])


def theirs(sed, bands, redshift: float) -> np.ndarray:
    return np.array([sed.atRedshift(redshift).calculateMagnitude(band) for band in bands])


@pytest.mark.parametrize("kind", TYPES[:4])
def test_photometry_of_cww_is_that_of_galsim(kind):
    nm, f_lambda = cww(kind)
    sed = galsim.SED(galsim.LookupTable(nm, f_lambda, "linear"), "nm", "flambda")
    bands = bandpasses(BANDS)
    here = wavelengths().numpy()
    # erg/s/cm2/nm to nJy: c in nm/s, 1 nJy = 1e-32 erg/s/cm2/Hz.
    f_nu = np.interp(here, nm, f_lambda) * here**2 / 2.99792458e17 * 1e32
    ours = of_curves([curve(band) for band in bands])
    for z in REDSHIFTS:
        # GalSim's bandpass ends where the rest-frame spectrum does: 2200 nm.
        seen = mean_flux(torch.from_numpy(f_nu)[None], torch.tensor([z]), ours)
        difference = magnitude(seen)[0].numpy() - theirs(sed, bands, z)
        # GalSim keeps photons a nm as the spectrum stretches: 1 + z, the same in every band.
        assert np.ptp(difference) < 0.01
        if z == 0:
            assert np.abs(difference).max() < 0.01


@pytest.mark.parametrize("survey", [sdss_ugriz(), euclid_nisp(), hst_f160w()])
def test_photometry_of_our_types_is_that_of_galsim(survey):
    ours = passbands(survey)
    nm = wavelengths(ours.first, ours.weights.shape[1]).numpy()
    bands = [
        # Weights are transmission times d ln wavelength on an even grid: transmission, scaled.
        galsim.Bandpass(galsim.LookupTable(nm, row / row.max(), "linear"), "nm")
        for row in ours.weights.double().numpy()
    ]
    bands = [band.withZeropoint("AB") for band in bands]
    here = wavelengths().numpy()
    for kind in (0.0, 1.5, 4.0):
        light = spectra(torch.tensor([kind]))
        f_lambda = light[0].double().numpy() / here**2
        sed = galsim.SED(galsim.LookupTable(here, f_lambda, "linear"), "nm", "flambda")
        for z in (0.0, 0.5, 2.5):
            seen = magnitude(mean_flux(light, torch.tensor([z]), ours))[0].numpy()
            assert np.ptp(seen - theirs(sed, bands, z)) < 0.01


@pytest.mark.parametrize(("number", "kind"), [(0, "E"), (1, "Sbc"), (2, "Scd"), (3, "Im")])
def test_types_have_the_colours_of_cww(number, kind):
    nm, f_lambda = cww(kind)
    here = wavelengths().numpy()
    f_nu = torch.from_numpy(np.interp(here, nm, f_lambda) * here**2)
    bands = of_curves([curve(band) for band in bandpasses(f"LSST_{b}" for b in "gri")])
    both = torch.stack([f_nu, basis().spectra[number].double()])
    for z in (0.0, 0.5, 1.0):
        colours = magnitude(mean_flux(both, torch.full((2,), z), bands)).diff(dim=1)
        assert (colours[0] - colours[1]).abs().max() < 0.1


def test_redshift_is_a_shift_that_keeps_the_light():
    light = spectra(torch.tensor([3.0, 3.0, 0.0]))
    z = torch.tensor([0.0, 0.731, 0.731])
    seen = redshifted(light, z, first=0, count=COUNT + 2000)
    # Between 100 and 3000 nm at home, wherever that is seen; sums are over ln wavelength.
    for row, home, redshift in zip(seen, light, z.tolist(), strict=True):
        ends = [position(100.0), position(3000.0)]
        moved = [round(end + np.log1p(redshift) / STEP) for end in ends]
        total = home[round(ends[0]) : round(ends[1])].sum()
        assert row[moved[0] : moved[1]].sum() == pytest.approx(float(total), rel=1e-3)
    line = seen[1, round(position(600 * 1.731)) :].argmax() + round(position(600 * 1.731))
    assert float(wavelengths()[line]) == pytest.approx(HALPHA * 1.731, rel=STEP)


def test_h_alpha_has_the_equivalent_width_of_its_type():
    nm = wavelengths()
    inside = (nm > 640) & (nm < 668)
    for kind, width in enumerate(HALPHA_WIDTH):
        light = basis().spectra[kind].double()[inside]
        part = torch.linspace(0, 1, len(light), dtype=torch.float64)
        floor = light[0] + (light[-1] - light[0]) * part
        measured = float(((light / floor - 1) * nm[inside] * STEP).sum())
        nitrogen = sum(EMITTED[line][kind] for line in (654.99, 658.53))
        assert measured == pytest.approx(width * (1 + nitrogen), abs=0.05 + 0.03 * width)
    mixed = Starlight(*(torch.tensor([x]) for x in (0.1, [0.0, 3.0], [0.0, 0.0], [0.0, 1.0])))
    assert float(mixed.halpha_width()) == pytest.approx(HALPHA_WIDTH[3])


def test_the_break_moves_through_the_bands():
    z = torch.arange(0.0, 1.5, 0.02)
    old = spectra(torch.zeros(1)).expand(len(z), -1)
    seen = magnitude(mean_flux(old, z, passbands(lsst())))
    colours = seen[:, 1:-1] - seen[:, 2:]  # g - r, r - i, i - z, z - y
    for number, band in enumerate(lsst().bands[1:4]):
        # While the 4000 A break crosses a band, the colour to the next one reddens, and more than
        # the colours of the bands beyond.
        crossing = [int(max(edge / 400 - 1, 0) / 0.02) for edge in band.edges]
        rise = colours[crossing[1]] - colours[crossing[0]]
        assert rise[number] > 0.4
        assert rise[number] > rise[number + 1 :].max() + 0.2


def test_nothing_passes_the_lyman_limit():
    light = spectra(torch.tensor([3.0, 3.0]))
    assert float(light[:, : int(position(91.0))].max()) == 0
    seen = mean_flux(light, torch.tensor([2.0, 3.6]), passbands(lsst()))
    assert float(seen[1, 0] / seen[1, 1]) < 0.02 < float(seen[0, 0] / seen[0, 1])


def test_dust_is_that_of_calzetti():
    nm = torch.tensor([160.0, 440.0, 550.0, 650.0, 2200.0])
    a160, blue, visual, red, infrared = attenuation_curve(nm).tolist()
    assert visual == pytest.approx(1, abs=0.01)
    assert blue - visual == pytest.approx(1 / 4.05, abs=0.02)
    assert a160 == pytest.approx(2.46, abs=0.02)  # A_1600 = 9.97 E(B-V), Calzetti+00
    assert visual > red > infrared > 0
    z, one = torch.tensor([0.3, 0.3]), torch.ones(2, 1)
    light = Starlight(z, 2 * one, torch.tensor([[0.0], [1.0]]), one).through(passbands(lsst()))
    lost = magnitude(light)[1, 0] - magnitude(light)[0, 0]
    assert bool((lost.diff() < 0).all()), "less is lost in redder bands"


def test_starlight_adds_and_falls_with_distance():
    z = torch.tensor([0.1, 0.2])
    kind, dust = torch.tensor([[0.0, 2.0]] * 2), torch.tensor([[0.0, 0.7]] * 2)
    mixed = Starlight(z, kind, dust, torch.tensor([[0.3, 0.7]] * 2)).through(passbands(lsst()))
    for part, share in enumerate((0.3, 0.7)):
        alone = Starlight(z, kind[:, part : part + 1], dust[:, part : part + 1], torch.ones(2, 1))
        assert torch.allclose(mixed[:, part], share * alone.through(passbands(lsst()))[:, 0])
    # Rest-frame r without dust: the distance modulus, and AB flux densities are crowded by 1 + z.
    flat = Starlight(torch.tensor([0.2]), torch.zeros(1, 1), torch.zeros(1, 1), torch.ones(1, 1))
    wavelength, flux = flat.spectra(552.0 * 1.2, 691.0 * 1.2)
    modulus = Planck18.distmod(0.2).value
    assert float(magnitude(flux.mean())) == pytest.approx(modulus - 2.5 * np.log10(1.2), abs=0.01)
    assert len(wavelength) == flux.shape[1]


def test_types_beyond_the_templates_are_refused():
    with pytest.raises(ValueError, match=r"expected 0 \(E\) to 4 \(SB\)"):
        spectra(torch.tensor([4.2]))
