"""Stamps on the sky: the WCS of a stamp says what the image's says."""

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.wcs import WCS, Sip
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfield.data.fits import read_fits
from deepfield.data.labelled import LabelledImages
from deepfield.data.map_files import MapImage, write_map_file
from deepfield.data.stamp_wcs import celestial, regridded
from deepfield.data.stamps import corner, resize

ARCSEC = 1 / 3600


def on_sky(width=50, height=40, *, matrix=False, sip=False):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"] if sip else ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.1, 2.2], [width * 0.3, height * 0.8]
    if matrix:
        wcs.wcs.cd = np.array([[-0.18, 0.07], [0.08, 0.19]]) * ARCSEC
    else:
        wcs.wcs.cdelt = [-0.2 * ARCSEC, 0.2 * ARCSEC]
    if sip:
        a, b = np.zeros((3, 3)), np.zeros((3, 3))
        a[2, 0], a[1, 1], b[0, 2] = 2e-4, -1e-4, 3e-4
        wcs.sip = Sip(a, b, None, None, wcs.wcs.crpix)
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize("kind", [{}, {"matrix": True}, {"matrix": True, "sip": True}])
@given(
    st.integers(20, 60), st.integers(20, 60), st.floats(10, 70), st.integers(8, 40), st.booleans()
)
@settings(max_examples=25, deadline=None)
def test_a_stamps_pixel_is_where_the_image_says(kind, width, height, extent, size, whole):
    extent = float(size) if whole else extent
    wcs = on_sky(width, height, **kind)
    scale = extent / size
    start = (corner(width, extent, size), corner(height, extent, size))
    new = regridded(wcs, start, scale, size)
    x, y = np.array([0.0, 3.0, size - 1.0]), np.array([size - 1.0, 2.0, 0.0])
    # Pixel centres are at integers: the stamp's first pixel reaches from its left edge on.
    there = wcs.all_pix2world(start[0] + (x + 0.5) * scale - 0.5,
                              start[1] + (y + 0.5) * scale - 0.5, 0)  # fmt: skip
    here = new.all_pix2world(x, y, 0)
    gap = np.hypot((here[0] - there[0]) * np.cos(np.radians(2.2)), here[1] - there[1])
    assert gap.max() < 1e-5 * ARCSEC
    shifted = regridded(wcs, (start[0] + 0.5, start[1]), scale, size).all_pix2world(x, y, 0)
    assert np.abs(shifted[0] - there[0]).min() > 0.01 * ARCSEC


@pytest.mark.parametrize("extent", [32.0, 25.0, 12.5])
def test_light_stays_where_it_is_on_the_sky(extent):
    wcs, size = on_sky(51, 40), 32
    y, x = np.mgrid[:40, :51]
    light = np.exp(-((x - 27.3) ** 2 + (y - 17.6) ** 2) / (2 * 1.5**2))
    stamp = resize(torch.from_numpy(light.astype(np.float32))[None], extent=extent, size=size)[0][
        0
    ].numpy()
    rows, columns = np.mgrid[:size, :size]
    centre = [(stamp * axis).sum() / stamp.sum() for axis in (columns, rows)]
    new = regridded(wcs, (corner(51, extent, size), corner(40, extent, size)), extent / size, size)
    found, true = new.all_pix2world(*centre, 0), wcs.all_pix2world(27.3, 17.6, 0)
    # A twentieth of an image pixel of 0.2 arcsec.
    assert abs(found[0] - true[0]) < 0.01 * ARCSEC
    assert abs(found[1] - true[1]) < 0.01 * ARCSEC


def test_headers_without_a_sky_have_no_wcs():
    assert celestial(None) is None
    assert celestial(fits.Header({"NAXIS": 2})) is None
    linear = WCS(naxis=2)
    linear.wcs.ctype = ["LINEAR", "LINEAR"]
    assert celestial(linear.to_header()) is None
    nonsense = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--ZPN", "CRVAL1": "far"})
    assert celestial(nonsense) is None


def test_a_map_file_keeps_the_sky_and_the_bands(tmp_path):
    wcs = on_sky(matrix=True, sip=True)
    cube = MapImage("BY_BAND", np.random.default_rng(0).normal(size=(3, 40, 50)), "log-odds",
                    ("g", "r", "i"), wcs)  # fmt: skip
    says = {"OBJECT": "a\nb", "VALUE": np.nan}
    path = write_map_file(tmp_path / "a.fits", [cube], says)
    values, info = read_fits(path)
    assert info.channels == ("g", "r", "i") and info.header["BUNIT"] == "log-odds"
    assert np.allclose(values, cube.values) and "VALUE" not in info.header
    assert info.header["OBJECT"] == "a?b"
    again = celestial(info.header)
    assert np.allclose(again.all_pix2world(7, 9, 0), wcs.all_pix2world(7, 9, 0), atol=1e-9)


def test_labelled_images_say_where_their_stamps_are(tmp_path):
    image = np.random.default_rng(0).normal(size=(3, 40, 50)).astype(np.float32)
    fits.writeto(tmp_path / "a.fits", image, on_sky().to_header())
    fits.writeto(tmp_path / "b.fits", image)
    (tmp_path / "c.fits").write_bytes(b"nothing")
    source = LabelledImages.open(tmp_path, size=20, extent=30, strict=False)
    found = source.wcs(0)
    # The centre of the stamp is that of the image.
    here, there = found.all_pix2world(9.5, 9.5, 0), on_sky().all_pix2world(24.5, 19.5, 0)
    assert np.allclose(here, there, atol=1e-9)
    assert source.wcs(1) is None and source.wcs(2) is None
