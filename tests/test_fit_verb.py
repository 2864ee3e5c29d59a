"""`deepfield fit`: images in, a catalogue and models out; nothing silently wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import NDData, StdDevUncertainty
from astropy.wcs import WCS

from deepfield.data.fits import read_fits
from deepfield.data.tables import read_table
from deepfield.likelihood.model import Model, Profile
from deepfield.nouns.flags import Flag
from deepfield.nouns.psf import Psf
from deepfield.render.psf import moffat
from deepfield.verbs.fit import fit

SIDE, SCALE, COUNT, SIGMA = 48, 0.2, 4, 0.4
PSF = Psf(torch.stack([moffat(3.0, 3.0, side=21), moffat(3.6, 3.0, side=21)])[None])
TRUE = {
    "magnitude_g": 31.4 - 2.5 * np.log10(400),
    "magnitude_r": 31.4 - 2.5 * np.log10(800),
    "radius": 3.5 * SCALE,
    "sersic_index": 1.5,
    "axis_ratio": 0.5,
}
ANGLE = 25.0


def images(angle=ANGLE, radius=3.5, flux=(400.0, 800.0)) -> np.ndarray:
    """[object, band, y, x]; the same galaxy under other noise, with a star beside the second."""
    one = torch.ones(COUNT, 1)
    profile = Profile(
        *(1.5 * one, radius * one, 0.5 * one, angle * one),
        x=0.3 * one[:, 0],
        y=-0.2 * one[:, 0],
        flux=torch.tensor([[flux]]).expand(COUNT, 1, 2),
    )
    model = Model(SIDE, bands=2)
    light = model.images(model.parameters(profile), PSF)
    light[1, :, 35:46, 35:46] += 900 * PSF.kernel[0, :, 5:16, 5:16]
    noise = torch.randn(light.shape, generator=torch.Generator().manual_seed(4))
    return (light + SIGMA * noise).numpy()


def turned(degrees: float) -> WCS:
    """A sky whose north is so far from +y."""
    wcs, turn = WCS(naxis=2), np.radians(degrees)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.0, 2.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [24.5, 24.5], [-SCALE / 3600, SCALE / 3600]
    wcs.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return wcs


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Files in two bands with a WCS; the third lacks pixels, the last cannot be read."""
    folder = tmp_path_factory.mktemp("fits")
    (folder / "in").mkdir()
    values = images()
    values[2, :, :5] = np.nan
    for i, image in enumerate(values):
        hdu = fits.PrimaryHDU(image, turned(40).to_header())
        hdu.header["BANDS"] = "gr"
        sigma = fits.ImageHDU(np.full_like(image, SIGMA), name="SIGMA")
        fits.HDUList([hdu, sigma]).writeto(folder / "in" / f"galaxy {i}.fits")
    (folder / "in" / "galaxy 3.fits").write_bytes(b"SIMPLE  =")
    fits.PrimaryHDU(PSF.kernel[0].numpy()).writeto(folder / "star.fits")
    fit(images=folder / "in", psf=folder / "star.fits", out=folder / "out", zero_point=31.4)
    return folder


def test_the_catalogue_holds_the_truth(folder):
    for name in ("catalogue.parquet", "catalogue.fits"):
        table = read_table(folder / "out" / name)
        assert len(table) == 4
    assert bool(np.all(table["converged"][:3]))
    assert not table["converged"][3]
    for name, true in TRUE.items():
        middle, low, high = (
            np.asarray(table[f"{name}{end}"][:3], float) for end in ("", "_lower68", "_upper68")
        )
        assert np.all(low <= middle)
        assert np.all(np.abs(middle - true) < 3.5 * (high - low) / 2), name
        assert np.isnan(np.ma.filled(table[name], np.nan)[3])
    assert np.all(np.abs(np.asarray(table["reduced_chi_square"][:3]) - 1) < 0.1)
    told = read_table(folder / "out" / "catalogue.parquet")
    assert str(told["magnitude_g"].unit) == "mag(AB)"


def test_angles_are_east_of_north_whatever_the_sky_of_the_image(folder):
    """A step along the major axis, taken on the sky."""
    table, wcs = read_table(folder / "out" / "catalogue.parquet"), turned(40)
    along = np.array([-np.sin(np.radians(ANGLE)), np.cos(np.radians(ANGLE))])
    middle = np.array([SIDE / 2 - 0.5 + 0.3, SIDE / 2 - 0.5 - 0.2])
    here, there = (
        SkyCoord(*wcs.all_pix2world(*at, 0), unit="deg") for at in (middle, middle + along)
    )
    true = here.position_angle(there).deg % 180
    found = np.asarray(table["position_angle"][:3])
    assert np.all(np.abs((found - true + 90) % 180 - 90) < 3)
    seen = SkyCoord(table["ra"][0], table["dec"][0], unit="deg")
    assert seen.separation(here).arcsec < 0.05


def test_images_of_each_object_add_up_and_keep_their_sky(folder):
    with fits.open(folder / "out" / "fits" / "galaxy_1.fits") as file:
        parts = {hdu.name: hdu.data for hdu in file}
        assert list(parts) == ["IMAGE", "MODEL", "RESIDUAL", "SIGMA", "MASK"]
        assert np.allclose(parts["IMAGE"] - parts["MODEL"], parts["RESIDUAL"], atol=1e-4)
        star = parts["MASK"][40, 40]
        wcs = WCS(file[0].header, naxis=2)
    assert star == 2
    assert np.allclose(wcs.pixel_scale_matrix, turned(40).pixel_scale_matrix)
    _, info = read_fits(folder / "out" / "fits" / "galaxy_1.fits")
    assert info.channels == ("g", "r")
    assert np.allclose(np.sqrt(info.variance), SIGMA)


def test_what_is_wrong_is_flagged(folder):
    table = read_table(folder / "out" / "catalogue.parquet")
    flags = [Flag(int(flag)) for flag in table["flags"]]
    assert table["neighbours"].tolist()[:3] == [0, 1, 0]
    assert Flag.MISSING_PIXELS not in flags[0]
    assert Flag.MISSING_PIXELS in flags[1]
    assert Flag.MISSING_PIXELS in flags[2]
    assert Flag.UNREADABLE in flags[3]
    assert abs(float(table["masked"][2]) - 5 / SIDE) < 1e-3
    assert not any(Flag.TOO_LARGE in flag for flag in flags)
    assert "galaxy 1" in (folder / "out" / "report.html").read_text()


def arrays(values: np.ndarray) -> list[NDData]:
    return [NDData(one, uncertainty=StdDevUncertainty(np.full_like(one, SIGMA))) for one in values]


def test_a_neighbour_does_not_matter_and_a_mask_of_the_users_neither(tmp_path):
    star = PSF.kernel[0].numpy()
    told = {"psf": star, "pixel_scale": SCALE, "zero_point": 31.4, "out": tmp_path}
    masks = np.zeros((2, SIDE, SIDE))
    masks[0, 30:, 30:] = 1
    table = fit(images=arrays(images()[:2]), masks=masks, **told)
    assert abs(table["radius"][1].value / table["radius"][0].value - 1) < 0.15
    assert abs(float(table["masked"][0]) - (18 / 48) ** 2) < 0.01
    with pytest.raises(ValueError, match="1 masks for 2 objects"):
        fit(images=arrays(images()[:2]), masks=masks[:1], **told)


def test_free_bands_have_shapes_of_their_own_and_the_sky_is_found(tmp_path):
    table = fit(
        images=arrays(images()[:2]),
        psf=PSF.kernel[0].numpy(),
        pixel_scale=SCALE,
        zero_point=31.4,
        bands="free",
        sky=True,
        out=tmp_path,
    )
    for name in ("radius_channel_1", "radius_channel_2"):
        assert abs(table[name][0].value - TRUE["radius"]) < 0.15
    assert abs(float(table["sky_channel_1"][0].value)) < 0.1


def test_a_galaxy_larger_than_its_stamp_is_flagged(tmp_path):
    told = {"psf": PSF.kernel[0].numpy(), "pixel_scale": SCALE, "zero_point": 31.4}
    large = images(radius=20.0, flux=(2e4, 4e4))[:2]
    table = fit(images=arrays(large), out=tmp_path, **told)
    assert all(Flag.TOO_LARGE in Flag(int(flag)) for flag in table["flags"])


def test_bulge_and_disc_at_a_quarter_of_the_pixels(tmp_path):
    """Resampling keeps magnitudes and arcsec."""
    table = fit(
        images=arrays(images()[:1]),
        psf=PSF.kernel[0].numpy(),
        pixel_scale=SCALE,
        zero_point=31.4,
        size=24,
        model="bulge_disc",
        out=tmp_path,
    )
    assert abs(table["magnitude_channel_2"][0].value - TRUE["magnitude_r"]) < 0.1
    assert "radius_bulge" in table.colnames


def test_what_cannot_be_measured_is_refused(tmp_path):
    star, some = PSF.kernel[0].numpy(), arrays(images()[:1])
    told = {"out": tmp_path / "nothing", "pixel_scale": SCALE}
    with pytest.raises(ValueError, match="PSF is not known"):
        fit(images=some, zero_point=31.4, **told)
    with pytest.raises(ValueError, match="zero point is not known"):
        fit(images=some, psf=star, **told)
    with pytest.raises(ValueError, match="no WCS"):
        fit(images=some, psf=star, zero_point=31.4, out=tmp_path / "nothing")
    with pytest.raises(ValueError, match="no such file"):
        fit(images=some, psf=tmp_path / "star.fits", zero_point=31.4, **told)
    (tmp_path / "stars").mkdir()
    fits.PrimaryHDU(star).writeto(tmp_path / "stars" / "another.fits")
    with pytest.raises(ValueError, match="PSFs of no image"):
        fit(images=some, psf=tmp_path / "stars", zero_point=31.4, **told)
    assert not (tmp_path / "nothing").exists()
