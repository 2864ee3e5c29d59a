"""Files and tables: what is written is read, and what is wrong is said."""

import os

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from pictures import picture, says
from PIL import Image as Picture

from deepfield.data.files import find, read
from deepfield.data.fits import read_fits
from deepfield.data.images import read_image
from deepfield.data.tables import read_table, write_table

RNG = np.random.default_rng(0)


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


def test_a_damaged_header_does_not_hang(tmp_path):
    file = tmp_path / "a.fits.fz"
    fits.CompImageHDU(RNG.normal(size=(40, 50)).astype(np.float32)).writeto(file)
    whole = file.read_bytes()
    # A negative length makes each next HDU the same one.
    one = b"GCOUNT  = %20d"
    assert one % 1 in whole
    file.write_bytes(whole.replace(one % 1, b"GCOUNT  = -                  1"))
    assert read(file)[0].shape == (1, 40, 50)


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


@pytest.mark.parametrize("name", ["t.parquet", "t.fits", "t.fits.gz", "t.ecsv", "t.csv"])
def test_tables_round_trip(tmp_path, name):
    table = QTable({"object_id": ["a", "bb", "ccc"], "n": [1, -2, 2**40],
                    "ok": [True, False, True], "ra": [1.0, np.nan, 3.0] * units.deg},
                   meta={"weights": "abc"})  # fmt: skip
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
