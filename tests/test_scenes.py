"""Scenes and blends: the whole is the sum of its sources, and each is where its row says."""

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from deepfield.data.field_files import write_field
from deepfield.data.simulated import Simulated
from deepfield.render.field_psf import FieldPsf
from deepfield.render.noise import sky_variance
from deepfield.render.psf import survey_psf
from deepfield.sky.blends import Blends
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.field_sources import FieldSources
from deepfield.sky.positions import Positions
from deepfield.sky.scenes import FAINT, Scenes
from deepfield.sky.surveys import hsc, hst

BOTH = ("segmentation", "isolated")
R = hsc().select(("r",))


def shown(sky, count=2, size=96, maps=BOTH, survey=R):
    return sky.draw(
        np.arange(count),
        survey,
        seed=5,
        split="test",
        size=size,
        psf=survey_psf(survey),
        maps=maps,
    )


def test_a_scene_is_the_sum_of_its_sources():
    light = shown(Scenes(positions=Positions(density=300.0)))
    alone = light.truth["isolated"].nan_to_num()
    assert torch.allclose(alone.sum(1), light.image, atol=1e-3 * float(light.image.max()))
    for row in range(2):
        count = int(light.truth["sources"][row])
        assert count > 3
        x, y = light.truth["x"][row], light.truth["y"][row]
        assert x.isfinite().sum() == count and x[count:].isnan().all()
        bright = light.truth["signal_to_noise"][row][:count] > 50
        for number in bright.nonzero()[:, 0].tolist():
            own = alone[row, number, 0]
            if own.sum() < 0.5 * 10 ** (
                0.4 * (31.4 - float(light.truth["magnitude"][row, number]))
            ):
                continue  # half of it beyond the edge
            peak = np.unravel_index(int(own.argmax()), own.shape)
            assert abs(peak[0] - float(y[number])) <= 0.51
            assert abs(peak[1] - float(x[number])) <= 0.51


def test_segments_and_boxes_hold_the_light_above_the_sky():
    light = shown(Scenes(positions=Positions(density=60.0)), count=1)
    sigma = float(sky_variance(R)[0].sqrt())
    alone = light.truth["isolated"][0, :, 0].nan_to_num()
    segments = light.truth["segmentation"][0]
    assert torch.equal(segments > 0, alone.amax(0) > sigma)
    bright = segments > 0
    assert torch.equal(segments[bright] - 1, alone.argmax(0)[bright])
    for number in range(int(light.truth["sources"][0])):
        rows, columns = (alone[number] > sigma).nonzero(as_tuple=True)
        box = [light.truth[n][0, number] for n in ("x_min", "x_max", "y_min", "y_max")]
        if len(rows) == 0:
            assert all(side.isnan() for side in box)
        else:
            ends = [columns.min(), columns.max(), rows.min(), rows.max()]
            assert [int(side) for side in box] == [int(end) for end in ends]


def test_density_and_clustering_are_as_asked():
    rng = np.random.default_rng(0)
    fields = [Positions(density=50.0, grouped=0.0).draw(rng, 120.0) for _ in range(100)]
    counts = np.array([len(f) for f in fields])
    assert counts.mean() == pytest.approx(200, rel=0.03)
    assert counts.var() == pytest.approx(200, rel=0.4)
    grouped = [Positions(density=50.0, grouped=0.6).draw(rng, 120.0) for _ in range(100)]
    assert np.mean([len(f) for f in grouped]) == pytest.approx(200, rel=0.05)

    def close_pairs(points):
        gaps = np.hypot(*(points[:, None] - points[None]).T)
        return (gaps[np.triu_indices(len(points), 1)] < 8).mean()

    # A member has 5 others, 22 % of them within 8 arcsec; at random 2.8 sources are.
    excess = np.mean([close_pairs(f) for f in grouped]) / np.mean([close_pairs(f) for f in fields])
    assert excess == pytest.approx(1 + 0.6 * 5 * 0.22 / 2.8, abs=0.08)


def test_a_scene_depends_on_its_index_alone():
    sky = Scenes(positions=Positions(density=20.0))
    many = shown(sky, count=3, size=64, maps=())
    one = sky.draw(np.array([2]), R, seed=5, split="test", size=64, psf=survey_psf(R))
    assert torch.equal(one.truth["magnitude"][0], many.truth["magnitude"][2]) or torch.equal(
        one.truth["magnitude"][0].nan_to_num(), many.truth["magnitude"][2].nan_to_num()
    )
    assert torch.allclose(one.image[0], many.image[2], rtol=1e-5, atol=1e-4)


def test_a_psf_that_varies_changes_the_sources_away_from_the_axis():
    stars = FieldSources(stars=1.0, magnitude=(19.0, 20.0))
    fixed, varied = (
        shown(Scenes(stars, Positions(density=30.0), psf), count=1, size=256, maps=())
        for psf in (None, FieldPsf(growth=0.5))
    )
    # The same light, spread wider.
    assert varied.image.sum() == pytest.approx(float(fixed.image.sum()), rel=0.02)
    assert varied.image.square().sum() < 0.9 * fixed.image.square().sum()


def test_blends_have_the_separation_and_brightness_asked_for():
    sky = Blends(BulgeDisc(magnitude=(18.0, 23.0)), separation=(4.0, 20.0), fainter=(0.5, 2.0))
    light = shown(sky, count=200, size=64, maps=BOTH, survey=hst())
    truth = light.truth
    apart = torch.hypot(truth["x"].diff(dim=1), truth["y"].diff(dim=1))[:, 0]
    assert torch.allclose(apart * hst().pixel_scale, truth["separation"], rtol=1e-4)
    assert apart.min() >= 4 and apart.max() <= 20
    fainter = truth["magnitude"].diff(dim=1)[:, 0]
    assert fainter.min() >= 0.5 and fainter.max() <= 2.0
    assert torch.allclose(truth["isolated"].sum(1), light.image)
    flux = 10 ** (0.4 * (31.4 - truth["magnitude"]))
    small = truth["radius_disc"].amax(1) < 5 * hst().pixel_scale
    ratio = truth["isolated"].sum((2, 3, 4)) / flux
    assert ratio[small].median() == pytest.approx(1.0, abs=0.05)
    # The closer, the more blended.
    near = truth["separation"] < truth["separation"].median()
    assert truth["blendedness"][near].mean() > truth["blendedness"][~near].mean()
    with pytest.raises(ValueError, match=r"separation up to 61 px in stamps of 64"):
        shown(Blends(), count=1, size=64, survey=hst())


def test_a_field_is_written_with_wcs_and_catalogue(tmp_path):
    sky = Scenes(positions=Positions(density=30.0))
    source = Simulated(
        hsc().select(("g", "r")), {"test": 1}, 3, 128, sky, maps=("segmentation",), split="test"
    )
    batch = source.take(torch.arange(1), 0)
    write_field(batch, tmp_path / "field")
    table = Table.read(tmp_path / "field" / "catalogue.fits")
    assert len(table) == int(batch.truth["sources"][0])
    with fits.open(tmp_path / "field" / "r.fits") as file:
        assert np.allclose(file[0].data, batch.values[0, 1])
        assert np.allclose(file["VARIANCE"].data, batch.variance[0, 1])
        wcs = WCS(file[0].header)
        assert file[0].header["BUNIT"] == "nJy"
    x, y = wcs.all_world2pix(table["ra"], table["dec"], 0)
    assert np.allclose(x, table["x"], atol=1e-3) and np.allclose(y, table["y"], atol=1e-3)
    # North is up and east is left.
    ra, dec = wcs.all_pix2world([0, 127, 0], [0, 0, 127], 0)
    assert ra[0] > ra[1] and dec[2] > dec[0]
    labels = fits.getdata(tmp_path / "field" / "segmentation.fits")
    assert set(np.unique(labels)) - {0} <= set(table["number"])
    with pytest.raises(ValueError, match="expected one field"):
        write_field(batch.take(torch.tensor([0, 0])), tmp_path / "b")


def test_what_is_cut_off_is_far_below_the_noise():
    light = shown(Scenes(positions=Positions(density=60.0)), count=1, size=128)
    sigma = float(sky_variance(R)[0].sqrt())
    alone = light.truth["isolated"][0, :, 0].nan_to_num()
    for own in alone:
        there = own != 0
        edge = there & ~torch.nn.functional.max_pool2d((~there).float()[None], 3, 1, 1)[0].eq(0)
        inner = edge.clone()
        inner[[0, -1], :] = False
        inner[:, [0, -1]] = False
        assert not inner.any() or float(own[inner].max()) <= FAINT * sigma
