"""Readers, writers and sources: what is written is read, and what is wrong is said."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy import units
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from PIL import Image as Picture

from deepfield.data.classes import class_weights
from deepfield.data.files import find, read
from deepfield.data.fits import read_fits
from deepfield.data.hdf5 import open_hdf5, write_hdf5
from deepfield.data.images import read_image
from deepfield.data.labelled import LabelledImages
from deepfield.data.noise import estimate_sigma, sky
from deepfield.data.simulated import Simulated
from deepfield.data.split import split_of, unit_hash
from deepfield.data.stamps import resize, typical_extent
from deepfield.data.tables import read_table, write_table
from deepfield.nouns.flags import Flag
from deepfield.sky.surveys import sdss

RNG = np.random.default_rng(0)


def says(*parts):
    """A one-line ValueError that holds these parts, in this order."""
    text = r"[^\n]*".join(str(part).replace("(", r"\(").replace(")", r"\)") for part in parts)
    return pytest.raises(ValueError, match=rf"\A[^\n]*{text}[^\n]*\Z")


def picture(path, size=32, mode="RGB", seed=0):
    shape = (size, size, 3) if mode == "RGB" else (size, size)
    pixels = np.random.default_rng(seed).normal(20, 4, shape)
    pixels[size // 2 - 4 : size // 2 + 4, size // 2 - 4 : size // 2 + 4] += 100
    Picture.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


def folder_of(tmp_path, names="abcdef", kinds=("smooth", "spiral"), **more):
    folder = tmp_path / "images"
    folder.mkdir()
    for i, name in enumerate(names):
        picture(folder / f"{name}.png", seed=i, **more)
    rows = [f"{name},{kinds[i % len(kinds)]}" for i, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("\n".join(["object_id,kind", *rows]) + "\n")
    return folder, tmp_path / "labels.csv"


# Files


def test_colours_come_blue_first(tmp_path):
    Picture.new("RGB", (8, 6), (200, 100, 50)).save(tmp_path / "a.png")
    values, info = read_image(tmp_path / "a.png")
    assert values.shape == (3, 6, 8)
    assert values.dtype == np.float32
    assert dict(zip(info.channels, values[:, 0, 0], strict=True)) == {
        "blue": 50,
        "green": 100,
        "red": 200,
    }


def test_grey_and_sixteen_bits_share_a_scale(tmp_path):
    eight, sixteen = tmp_path / "8.png", tmp_path / "16.png"
    Picture.fromarray(np.full((4, 4), 255, np.uint8)).save(eight)
    Picture.fromarray(np.full((4, 4), 65535, np.uint16)).save(sixteen)
    for file in (eight, sixteen):
        values, info = read_image(file)
        assert values.shape == (1, 4, 4)
        assert np.all(values == 255)
        assert info.channels == ("grey",)


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", "u2", "u1"])
def test_fits_of_any_type_is_native_float(tmp_path, name, dtype):
    image = np.arange(60).reshape(3, 4, 5).astype(dtype)
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(Table({"a": [1]})), fits.ImageHDU(image)]
    fits.HDUList(hdus).writeto(tmp_path / name)
    values, info = read(tmp_path / name)
    assert values.dtype == np.float32
    assert values.dtype.isnative
    assert np.array_equal(values, image.astype(np.float32))
    assert len(info.channels) == 3


def test_tile_compressed_fits(tmp_path):
    image = RNG.normal(size=(40, 50)).astype(np.float32)
    hdu = fits.CompImageHDU(image, compression_type="GZIP_2", quantize_level=0)
    hdu.header["FILTER"] = "g DECam SDSS"
    hdu.writeto(tmp_path / "a.fits.fz")
    values, info = read(tmp_path / "a.fits.fz")
    assert np.array_equal(values[0], image)
    assert info.channels == ("g",)


def test_fits_noise_map_and_band_names(tmp_path):
    image = np.ones((2, 4, 4), np.float32)
    inverse = np.full_like(image, 4)
    inverse[0, 0, 0] = 0
    first = fits.PrimaryHDU(image)
    first.header["BANDS"] = "gz"
    fits.HDUList([first, fits.ImageHDU(inverse, name="IVAR")]).writeto(tmp_path / "a.fits")
    _, info = read(tmp_path / "a.fits")
    assert info.channels == ("g", "z")
    assert info.variance[0, 0, 0] == np.inf
    assert info.variance[1, 1, 1] == 0.25


def test_the_named_hdu_is_read(tmp_path):
    hdus = [fits.PrimaryHDU(np.zeros((4, 4))), fits.ImageHDU(np.ones((4, 4)), name="SCI")]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    assert read_fits(tmp_path / "a.fits")[0].max() == 0
    assert read_fits(tmp_path / "a.fits", hdu="SCI")[0].min() == 1
    assert read_fits(tmp_path / "a.fits", hdu=1)[0].min() == 1
    with says("a.fits", "found 2 HDUs", "HDU 'DQ'"):
        read_fits(tmp_path / "a.fits", hdu="DQ")


def bad_files(tmp_path):
    files = {name: tmp_path / name for name in
             ("empty.jpg", "text.png", "cut.jpg", "cut.png", "empty.fits", "text.fits",
              "cut.fits", "cut.fits.gz", "cut.fits.fz", "liar.fits", "table.fits", "axes.fits",
              "line.fits")}  # fmt: skip
    for name in ("empty.jpg", "empty.fits"):
        files[name].write_bytes(b"")
    for name in ("text.png", "text.fits"):
        files[name].write_text("not an image\n" * 9)
    for end in ("jpg", "png"):
        whole = picture(tmp_path / f"whole.{end}").read_bytes()
        files[f"cut.{end}"].write_bytes(whole[: len(whole) // 2])
    image = RNG.normal(size=(100, 100)).astype(np.float32)
    for end, hdu in (("fits", fits.PrimaryHDU), ("fits.gz", fits.PrimaryHDU),
                     ("fits.fz", fits.CompImageHDU)):  # fmt: skip
        hdu(image).writeto(tmp_path / f"whole.{end}")
        whole = (tmp_path / f"whole.{end}").read_bytes()
        files[f"cut.{end}"].write_bytes(whole[: len(whole) // 2])
    header = fits.PrimaryHDU(image).header
    header["NAXIS1"] = header["NAXIS2"] = 300_000
    files["liar.fits"].write_bytes(header.tostring().encode())
    fits.BinTableHDU(Table({"a": [1]})).writeto(files["table.fits"])
    fits.PrimaryHDU(np.zeros((2, 2, 2, 2))).writeto(files["axes.fits"])
    fits.PrimaryHDU(np.zeros(9)).writeto(files["line.fits"])
    return files.values()


def test_every_bad_file_is_one_line_that_names_it(tmp_path):
    for file in bad_files(tmp_path):
        with says(file.name, "expected"):
            read(file)
    with says("none.fits", "no such file"):
        read(tmp_path / "none.fits")


def test_empty_folders_say_so(tmp_path):
    with says(tmp_path, "found no files", "expected images"):
        find(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with says("found 1 files but no images"):
        find(tmp_path)
    with says("1 of 1 listed files do not exist", "a.jpg"):
        find(["a.jpg"])


# Tables


@pytest.mark.parametrize("name", ["t.parquet", "t.fits", "t.fits.gz", "t.ecsv", "t.csv"])
def test_tables_round_trip(tmp_path, name):
    table = QTable({"object_id": ["a", "bb", "ccc"], "n": [1, -2, 2**40],
                    "ok": [True, False, True], "ra": [1.0, np.nan, 3.0] * units.deg}, meta={"weights": "abc"})  # fmt: skip
    table["n"].info.description = "a count"
    if name != "t.csv":
        table["flux"] = np.arange(6.0).reshape(3, 2).astype(np.float32) * units.nJy
        table["flux"].info.description = "of two bands"
    if name == "t.parquet":
        table["gap"] = MaskedColumn([1, 2, 3], mask=[False, True, False])
    back = read_table(write_table(table, tmp_path / name))
    assert back.colnames == table.colnames
    assert len(os.listdir(tmp_path)) == 1
    assert list(back["object_id"]) == list(table["object_id"])
    assert list(back["n"]) == list(table["n"])
    assert np.array_equal(back["ra"], table["ra"].value, equal_nan=True)
    if name == "t.csv":
        return
    assert back["ra"].unit == units.deg
    assert back["n"].description == "a count"
    assert back["ok"].dtype == bool
    assert np.array_equal(back["flux"], table["flux"].value)
    assert (back["flux"].unit, back["flux"].description) == (units.nJy, "of two bands")
    assert "abc" in [back.meta.get("weights"), back.meta.get("WEIGHTS")]
    if "gap" in table.colnames:
        assert back["gap"].mask.tolist() == [False, True, False]


def test_topcat_finds_descriptions_in_the_header(tmp_path):
    table = Table({"m": [1.0] * units.mag})
    table["m"].description = "brightness"
    header = fits.getheader(write_table(table, tmp_path / "a.fits"), 1)
    assert (header["TUNIT1"], header["TCOMM1"]) == ("mag", "brightness")


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    write_table(Table({"a": [1]}), tmp_path / "a.parquet")
    with says("column b holds object", "convert"):
        write_table(Table({"b": [object()]}), tmp_path / "a.parquet")
    wide = Table({"b": np.zeros((2, 2))})
    with says("CSV cannot hold arrays", "column b"):
        write_table(wide, tmp_path / "a.csv")
    assert os.listdir(tmp_path) == ["a.parquet"]
    assert read_table(tmp_path / "a.parquet").colnames == ["a"]


def test_bad_tables_are_named(tmp_path):
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "a.xlsx").write_text("")
    with says("ragged.csv", "row 3 has 1 entries for 2 columns"):
        read_table(tmp_path / "ragged.csv")
    for name in ("broken.parquet", "broken.fits", "empty.csv", "a.xlsx", "none.csv"):
        with says(name, "expected"):
            read_table(tmp_path / name)


# Noise and stamps


@pytest.mark.parametrize("scale", [0.0, 2.0, 5.0, 10.0])
def test_sky_and_sigma_whatever_the_galaxy(scale):
    y, x = torch.meshgrid(*[torch.arange(64.0) - 31.5] * 2, indexing="ij")
    profile = torch.exp(-torch.hypot(x, y) / max(scale, 0.1)) * 50
    noise = torch.randn(200, 2, 64, 64, generator=torch.manual_seed(1))
    level, sigma = sky(7 + 3 * noise + profile)
    at_edge = profile[0].mean().item()
    assert abs(level.mean().item() - 7) < 0.1 + 1.5 * at_edge
    assert abs(sigma.mean().item() / 3 - 1) < 0.05 + 0.1 * at_edge


def test_sigma_of_quantised_noise_adds_the_step():
    noise = torch.randn(100, 1, 64, 64, generator=torch.manual_seed(1))
    for width in (0.7, 2.0):
        expected = (width**2 + 1 / 12) ** 0.5
        measured = estimate_sigma((20 + width * noise).round()).mean().item()
        assert measured == pytest.approx(expected, rel=0.09)


def test_sigma_is_never_nothing():
    flat = torch.full((2, 1, 16, 16), 4.0)
    flat[1, :, 6:10, 6:10] = 200.0
    assert (estimate_sigma(flat) >= 0.28).all()
    assert (estimate_sigma(torch.zeros(1, 3, 16, 16)) > 0).all()


def test_sky_passes_over_missing_pixels():
    image = torch.randn(20, 1, 64, 64, generator=torch.manual_seed(1)) + 5
    image[:, :, :, :20] = torch.nan
    level, sigma = sky(image)
    assert abs(level.mean() - 5) < 0.1
    assert abs(sigma.mean() - 1) < 0.05
    assert sky(torch.full((1, 1, 8, 8), torch.nan))[1].isnan().all()
    ringless = torch.full((1, 1, 64, 64), torch.nan)
    ringless[..., 16:48, 16:48] = 3.0
    assert sky(ringless)[0].item() == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("extent", [40.0, 17.3, 12.0, 6.5])
def test_stamps_keep_surface_brightness_and_gradients(extent):
    y, x = torch.meshgrid(*[torch.arange(40.0) - 19.5] * 2, indexing="ij")
    image = (10 + x + 2 * y)[None]
    stamp, variance, flags = resize(image, torch.ones_like(image), extent=extent, size=12)
    place = (torch.arange(12) - 5.5) * extent / 12
    inner = slice(1, -1)
    expected = (10 + place + 2 * place[:, None])[inner, inner]
    assert torch.allclose(stamp[0, inner, inner], expected, atol=0.15)
    assert flags == Flag.RESIZED
    if extent > 12:
        ratio = variance[0, 5, 5].item() * (extent / 12) ** 2
        assert 0.5 < ratio < 1.5


def test_averaging_noise_gives_the_variance_that_it_says():
    noise = torch.randn(300, 48, 48, generator=torch.manual_seed(0))
    for extent in (48, 36, 20):
        stamp, variance, _ = resize(noise, torch.ones_like(noise), extent=extent, size=12)
        assert stamp.var(0).mean() == pytest.approx(variance.mean().item(), rel=0.03)


def test_beyond_the_edge_is_missing():
    stamp, variance, flags = resize(torch.ones(1, 10, 10), torch.ones(1, 10, 10),
                                    extent=20, size=20)  # fmt: skip
    assert flags == Flag.EDGE | Flag.RESIZED
    inside = torch.zeros(20, 20, dtype=torch.bool)
    inside[5:15, 5:15] = True
    assert torch.equal(stamp[0].isfinite(), inside)
    assert torch.equal(variance[0].isfinite(), inside)


def test_holes_do_not_spread():
    image = torch.ones(1, 32, 32)
    image[0, 10, 10] = torch.nan
    stamp, _, _ = resize(image, extent=32, size=8)
    assert torch.equal(stamp, torch.ones(1, 8, 8))
    same, _, flags = resize(image, extent=32, size=32)
    assert torch.equal(same.isnan(), image.isnan())
    assert flags == 0


def test_cutting_without_resampling_keeps_pixels():
    image = torch.arange(25.0).reshape(1, 5, 5)
    assert torch.equal(resize(image, extent=3, size=3)[0], image[:, 1:4, 1:4])
    assert torch.equal(resize(image, extent=2, size=2)[0], image[:, 1:3, 1:3])


def test_extent_grows_with_the_galaxies_and_stays_in_the_image():
    y, x = np.mgrid[-60:60, -60:60] + 0.5
    noise = np.random.default_rng(0).normal(size=(6, 1, 120, 120))
    extents = [
        typical_extent(list(noise + 50 * (np.hypot(x, y) < radius))) for radius in (10, 20, 40, 59)
    ]
    assert extents == sorted(extents)
    assert extents[1] == pytest.approx(2 * extents[0], rel=0.2)
    assert extents[-1] <= 120
    assert typical_extent(list(noise)) <= 120


# Splits and classes


def test_the_hash_is_what_it_was():
    assert unit_hash(["587739505552785605"])[0] == 0.9977172060024827
    assert unit_hash(["1"], "a")[0] != unit_hash(["1"], "b")[0]


def test_folds_are_disjoint_cover_all_and_do_not_depend_on_company():
    ids = np.arange(5000).astype(str)
    tests = [split_of(ids, fold=fold, folds=5) == "test" for fold in range(5)]
    assert np.array_equal(np.sum(tests, 0), np.ones(5000))
    split = split_of(ids)
    assert np.array_equal(split_of(ids[::-1][:100]), split[::-1][:100])
    shares = {name: (split == name).mean() for name in np.unique(split)}
    expected = {"test": 0.2, "validation": 0.096, "calibrate": 0.024, "train": 0.68}
    assert shares == pytest.approx(expected, abs=0.015)
    with says("fold 5 of 5"):
        split_of(ids, fold=5)


def test_class_weights_balance():
    labels = torch.tensor([0] * 6 + [1] * 3 + [2, -1])
    weights = class_weights(labels, ("a", "b", "c"))
    assert weights.mean().item() == pytest.approx(1)
    assert (weights * torch.tensor([6, 3, 1])).unique().numel() == 1
    soft = torch.nn.functional.one_hot(labels[:-1], 3).float()
    assert torch.allclose(class_weights(soft, ("a", "b", "c")), weights)
    with says("no object of class d"):
        class_weights(labels, ("a", "b", "c", "d"))


# Labelled images


def test_labelled_pictures(tmp_path):
    folder, labels = folder_of(tmp_path)
    source = LabelledImages.open(folder, labels, size=32)
    assert (source.target, source.quantity("kind").classes) == ("kind", ("smooth", "spiral"))
    assert source.channels == ("blue", "green", "red")
    order = torch.tensor([3, 0, 5])
    batch = source.take(order, epoch=0).check()
    assert batch.ids.tolist() == ["d", "a", "f"]
    assert batch.truth["kind"].tolist() == [1, 0, 1]
    flags = Flag.VARIANCE_ESTIMATED | Flag.DISPLAY_IMAGE | Flag.NO_WCS
    assert batch.flags.tolist() == [flags] * 3
    assert batch.variance.shape == (3, 3, 1, 1)
    raw = torch.from_numpy(read_image(folder / "d.png")[0])
    step = raw - batch.values[0]
    assert torch.allclose(step, step[:, :1, :1].expand_as(step), atol=1e-4)
    assert abs(batch.variance.sqrt().mean().item() / 4 - 1) < 0.15
    again = source.take(order, epoch=7)
    assert torch.equal(again.values, batch.values)
    for name in ("redshift", "label"):
        with says("no", name, "there is kind"):
            source.quantity(name)


def test_parts_are_disjoint_and_agree_with_the_whole(tmp_path):
    folder, labels = folder_of(tmp_path, [f"g{i}" for i in range(60)])
    source = LabelledImages.open(folder, labels, size=16, extent=32)
    parts = [source.part(split) for split in ("train", "validation", "test", "calibrate")]
    assert sorted(np.concatenate([part.ids for part in parts])) == sorted(source.ids)
    whole = source.take(torch.arange(60), 0)
    for part in parts:
        batch = part.take(torch.arange(len(part)), 0)
        at = torch.tensor([source.ids.tolist().index(i) for i in part.ids], dtype=torch.int64)
        assert torch.equal(batch.values, whole.values[at])
        assert torch.equal(batch.truth["kind"], whole.truth["kind"][at])
    other = LabelledImages.open(folder, labels, size=16, extent=32, fold=1)
    assert not set(other.part("test").ids) & set(source.part("test").ids)


def test_a_file_is_read_once(tmp_path):
    folder, labels = folder_of(tmp_path)
    source = LabelledImages.open(folder, labels, size=32)
    source.part("train").take(torch.arange(len(source.part("train"))), 0)
    first = source.take(torch.arange(6), 0)
    for file in folder.iterdir():
        file.unlink()
    assert torch.equal(source.take(torch.arange(6), 1).values, first.values)


@pytest.mark.parametrize("suffix", ["csv", "fits", "parquet"])
def test_labels_by_file_column_other_names_soft_and_numbers(tmp_path, suffix):
    folder, _ = folder_of(tmp_path, "abc")
    table = Table({"DR7objid": [30, 20, 10], "File_Loc": [f"images/{n}.png" for n in "cba"],
                   "shape_round": [8, 0, 0], "shape_flat": [2, 5, 0],
                   "RA": [1.0, 2.0, 3.0], "Dec": [4.0, 5.0, 6.0],
                   "z": [0.1, np.nan, 0.3]})  # fmt: skip
    path = write_table(table, tmp_path / f"t.{suffix}")
    source = LabelledImages.open(folder, path, size=32, target="shape")
    assert source.ids.tolist() == ["30", "20", "10"]
    assert source.quantity("shape").classes == ("round", "flat")
    batch = source.take(torch.arange(3), 0)
    assert batch.truth["shape"][:2].tolist() == pytest.approx(np.array([[0.8, 0.2], [0.0, 1.0]]))
    assert batch.truth["shape"][2].isnan().all()
    assert batch.truth["z"].isnan().tolist() == [False, True, False]
    assert batch.sky_position.tolist() == [[1, 4], [2, 5], [3, 6]]
    raw = read_image(folder / "c.png")[0]
    assert np.corrcoef(raw.ravel(), batch.values[0].ravel())[0, 1] > 0.999


def test_classes_may_be_integers_with_gaps_and_in_a_given_order(tmp_path):
    folder, _ = folder_of(tmp_path, "abcd")
    (tmp_path / "t.csv").write_text("id,Label\na,2\nb,10\nc,\nd,2\n")
    source = LabelledImages.open(folder, tmp_path / "t.csv", size=32)
    assert source.quantity("kind").classes == ("2", "10")
    assert source.truth["kind"].tolist() == [0, 1, -1, 0]
    given = LabelledImages.open(folder, tmp_path / "t.csv", size=32, classes=("10", "2"))
    assert given.truth["kind"].tolist() == [1, 0, -1, 1]


def test_without_labels_there_is_no_truth(tmp_path):
    folder, _ = folder_of(tmp_path)
    source = LabelledImages.open(str(folder / "[a-c].png"), size=32)
    assert source.ids.tolist() == ["a", "b", "c"]
    assert source.take(torch.arange(3), 0).truth is None
    assert LabelledImages.open(sorted(folder.iterdir())[:2], size=32).ids.tolist() == ["a", "b"]


@pytest.mark.parametrize("pattern", ["{id}_{band}.fits", "{id}-{band}.fits", "{band}/{id}.fits"])
def test_one_file_a_band(tmp_path, pattern):
    for number, band in enumerate("irg"):
        for name in ("ngc1", "ngc2"):
            file = tmp_path / pattern.format(id=name, band=band)
            file.parent.mkdir(exist_ok=True)
            fits.PrimaryHDU(np.eye(16) * 10 ** (3 - number)).writeto(file)
    source = LabelledImages.open(tmp_path, size=16)
    assert (source.channels, source.ids.tolist()) == (("g", "r", "i"), ["ngc1", "ngc2"])
    peaks = source.take(torch.arange(2), 0).values.amax((-1, -2))
    assert peaks[0].tolist() == pytest.approx([10, 100, 1000], rel=0.1)


def test_a_missing_band_is_refused_or_infinite_variance(tmp_path):
    for name, bands in (("a", "gr"), ("b", "gri"), ("c", "gri")):
        for band in bands:
            fits.PrimaryHDU(RNG.normal(size=(16, 16))).writeto(tmp_path / f"{name}_{band}.fits")
    with says("a_g.fits has 2 bands (g, r)", "b_g.fits has 3 (g, r, i)"):
        LabelledImages.open(tmp_path, size=16)
    batch = LabelledImages.open(tmp_path, size=16, strict=False).take(torch.arange(3), 0).check()
    assert batch.variance.isinf().all((-1, -2)).tolist()[0] == [False, False, True]
    assert batch.flags[0] & Flag.MISSING_PIXELS
    assert not batch.flags[1] & Flag.MISSING_PIXELS


def test_images_of_different_sizes_share_one_rule(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for size in (40, 64, 90):
        picture(folder / f"{size}.png", size=size)
    source = LabelledImages.open(folder, size=32, extent=60)
    batch = source.take(torch.arange(3), 0).check()
    assert batch.values.shape == (3, 3, 32, 32)
    assert [bool(f & Flag.EDGE) for f in batch.flags.tolist()] == [True, False, False]
    assert [bool(f & Flag.RESIZED) for f in batch.flags.tolist()] == [True] * 3
    assert batch.variance[0].isinf().any()
    # The bright square of 8 px is as wide on all of them.
    width = (batch.values[:, 0] > 50).sum((-1, -2))
    assert width.tolist() == pytest.approx([(8 * 32 / 60) ** 2] * 3, rel=0.35)


def test_a_noise_map_is_used_and_masks(tmp_path):
    image = RNG.normal(size=(32, 32)).astype(np.float32)
    inverse = np.full_like(image, 0.25)
    inverse[:4] = 0
    image[:4] = 1e6
    hdus = [fits.PrimaryHDU(image), fits.ImageHDU(inverse, name="INVVAR")]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    batch = LabelledImages.open(tmp_path, size=32).take(torch.arange(1), 0).check()
    assert batch.flags[0] == Flag.MISSING_PIXELS | Flag.NO_WCS
    assert batch.variance[0, 0, :4].isinf().all()
    assert (batch.variance[0, 0, 4:] == 4).all()
    assert (batch.values[0, 0, :4] == 0).all()
    assert abs(batch.values[0, 0, 4:].median()) < 0.5


def test_labels_and_images_that_do_not_belong_together(tmp_path):
    folder, labels = folder_of(tmp_path, "abcdef")
    (folder / "a.png").rename(folder / "new.png")
    with says("labels.csv", "5 of 6", "1 labels have no image (a)",
              "1 images have no label (new)"):  # fmt: skip
        LabelledImages.open(folder, labels)
    labels.write_text("object_id,kind\nx,a\ny,b\n")
    with says("0 of 2", "2 labels have no image (x, y)", "6 images have no label", ", ...)"):
        LabelledImages.open(folder, labels)
    labels.write_text("name_of_it,kind\nx,a\n")
    with says("labels.csv", "name_of_it", "expected one of", "object_id"):
        LabelledImages.open(folder, labels)


def test_bad_classes(tmp_path):
    folder, labels = folder_of(tmp_path, "ab", kinds=("smooth", "spirl"))
    with says("1 labels in column kind have an unknown class (spirl)", "smooth, spiral"):
        LabelledImages.open(folder, labels, classes=("smooth", "spiral"))
    with says("no column shape", "object_id, kind"):
        LabelledImages.open(folder, labels, target="shape")
    labels.write_text("id,kind\na,smooth\nb,smooth\n")
    with says("kind holds only one class (smooth) in 2 labels"):
        LabelledImages.open(folder, labels)
    labels.write_text("id,kind\na,0.5\nb,0.25\n")
    with says("kind holds numbers such as 0.25"):
        LabelledImages.open(folder, labels)
    labels.write_text("id,kind\na,\nb,\n")
    with says("kind is empty"):
        LabelledImages.open(folder, labels)


def test_repeated_objects(tmp_path):
    folder, labels = folder_of(tmp_path, "ab")
    labels.write_text("id,kind\na,x\nb,y\nb,x\n")
    with says("1 labels repeat an object (b, b)"):
        LabelledImages.open(folder, labels)
    labels.write_text("id,file,kind\n1,a.png,x\n1,b.png,y\n")
    with says("1 object ids are repeated (1)"):
        LabelledImages.open(folder, labels)


def spoil(folder):
    whole = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(whole[:200])
    (folder / "c.png").unlink()
    fits.PrimaryHDU(np.full((3, 32, 32), np.nan)).writeto(folder / "c.fits")


def test_bad_images_stop_training_with_their_name(tmp_path):
    folder, labels = folder_of(tmp_path)
    spoil(folder)
    with says("b.png", "cannot be read", "replace or remove"):
        LabelledImages.open(folder, labels, size=32)
    source = LabelledImages.open(folder, labels, size=32, extent=32)
    with says("b.png", "cannot be read"):
        source.take(torch.tensor([0, 1]), 0)
    with says("c.fits has 3 bands (channel_0, channel_1, channel_2)", "a.png has 3 (blue"):
        source.take(torch.tensor([2]), 0)
    for file in folder.glob("*.png"):
        file.unlink()
    with says("c.fits: every pixel is NaN"):
        LabelledImages.open(folder, size=32).take(torch.tensor([0]), 0)


def test_bad_images_are_flagged_rows_in_prediction(tmp_path):
    folder, labels = folder_of(tmp_path)
    spoil(folder)
    source = LabelledImages.open(folder, labels, size=32, strict=False)
    batch = source.take(torch.arange(6), 0).check()
    unreadable = [bool(flag & Flag.UNREADABLE) for flag in batch.flags.tolist()]
    assert unreadable == [False, True, True, False, False, False]
    assert batch.variance[1].isinf().all()
    assert (batch.values[1] == 0).all()
    assert batch.variance[0].isfinite().all()
    for file in folder.glob("*.png"):
        file.unlink()
    alone = LabelledImages.open(folder, size=32, strict=False).take(torch.tensor([0]), 0).check()
    assert alone.flags[0] & Flag.NO_PIXELS
    (folder / "c.fits").write_bytes(b"")
    with says("none of 1 images can be read", "c.fits"):
        LabelledImages.open(folder, strict=False)


def test_different_bands_name_both_files(tmp_path):
    folder, labels = folder_of(tmp_path, "ab")
    picture(folder / "b.png", mode="L")
    with says("b.png has 1 bands (grey)", "a.png has 3 bands"[:12], "(blue, green, red)"):
        LabelledImages.open(folder, labels)


# HDF5


def same(one, two):
    assert one.ids.tolist() == two.ids.tolist()
    assert torch.equal(one.values, two.values)
    assert torch.equal(one.variance.expand_as(one.values), two.variance)
    assert torch.equal(one.flags, two.flags)
    assert (one.channels, one.grid, one.survey) == (two.channels, two.grid, two.survey)
    if one.psf is not None:
        assert torch.equal(one.psf.kernel, two.psf.kernel)
        assert one.psf.oversampling == two.psf.oversampling
    one_truth, two_truth = (dict(t.truth.items_by_quantity()) for t in (one, two))
    assert list(one_truth) == list(two_truth)
    for name in one_truth:
        assert torch.allclose(one_truth[name], two_truth[name], equal_nan=True, rtol=0, atol=0)


def test_hdf5_round_trip_of_the_mock_sky(tmp_path):
    mock = Simulated(sdss(), {"train": 7}, size=16)
    stored = open_hdf5(write_hdf5(mock, tmp_path / "mock.h5", chunk=3))
    order = torch.tensor([6, 0, 0, 3])
    same(mock.take(order, 0), stored.take(order, 0))
    assert os.listdir(tmp_path) == ["mock.h5"]


def test_hdf5_round_trip_of_labelled_images(tmp_path):
    folder, labels = folder_of(tmp_path, [f"g{i}" for i in range(12)])
    source = LabelledImages.open(folder, labels, size=16, extent=30)
    stored = open_hdf5(write_hdf5(source, tmp_path / "a.h5", chunk=5))
    for split in ("train", "test"):
        one, two = source.part(split), stored.part(split)
        assert one.ids.tolist() == two.ids.tolist()
        same(one.take(torch.arange(len(one)), 0), two.take(torch.arange(len(two)), 0))
    assert stored.quantity("kind") == source.quantity("kind")
    with says("no truth 'z'", "it has kind"):
        stored.quantity("z")


def total(source, queue):
    queue.put(float(source.take(torch.arange(len(source)), 0).values.sum()))


def test_another_process_opens_the_file_for_itself(tmp_path):
    mock = Simulated(sdss(), {"train": 4}, size=16)
    stored = open_hdf5(write_hdf5(mock, tmp_path / "mock.h5"))
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=total, args=(stored, queue))
    process.start()
    answer = queue.get(timeout=60)
    process.join()
    assert answer == float(stored.take(torch.arange(4), 0).values.sum())


class Failing(Simulated):
    def take(self, indices, epoch):
        if int(indices.max()) > 3:
            raise RuntimeError("no more")
        return super().take(indices, epoch)


def test_hdf5_is_whole_or_not_there(tmp_path):
    with pytest.raises(RuntimeError, match="no more"):
        write_hdf5(Failing(sdss(), {"train": 6}, size=16), tmp_path / "a.h5", chunk=2)
    assert os.listdir(tmp_path) == []
    with says("nothing to write"):
        write_hdf5(Simulated(sdss(), {}, size=16), tmp_path / "a.h5")


def test_bad_hdf5_is_named(tmp_path):
    file = Path(write_hdf5(Simulated(sdss(), {"train": 2}, size=16), tmp_path / "a.h5"))
    whole = file.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with says("a.h5", "cannot be read as HDF5"):
            open_hdf5(file)
