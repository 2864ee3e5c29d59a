"""Labelled images: what belongs together, and what is wrong said in one line."""

import numpy as np
import pytest
import torch
from astropy.io import fits
from astropy.table import Table
from pictures import folder_of, picture, says

from deepfield.data.images import read_image
from deepfield.data.labelled import LabelledImages
from deepfield.data.tables import write_table
from deepfield.nouns.flags import Flag

RNG = np.random.default_rng(0)


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
    # Noise alone, beside the masked rows.
    assert batch.flags[0] == Flag.MISSING_PIXELS | Flag.NO_WCS | Flag.NOTHING_SEEN
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
    with says("b.png has 1 bands (grey)", "a.png has 3 (blue, green, red)"):
        LabelledImages.open(folder, labels)
