"""Catalogues of magnitudes: codes, limits, names of columns, files, and densities for others."""

import h5py
import numpy as np
import pytest
import torch
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from deepfield.data.band_columns import bands, redshift_column
from deepfield.data.magnitudes import to_fluxes
from deepfield.data.photometry_files import read_photometry
from deepfield.data.photometry_table import PhotometryTable
from deepfield.data.qp import write_qp
from deepfield.nouns.flags import Flag
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.quantity import Quantity

REDSHIFT = Quantity("redshift")


def catalogue(objects=6):
    rng = np.random.default_rng(0)
    table = Table({"id": np.arange(objects)})
    for band in "riug":
        table[f"MAG_{band.upper()}"] = rng.uniform(18, 24, objects)
        table[f"MAGERR_{band.upper()}"] = rng.uniform(0.01, 0.3, objects)
    table["Z"] = rng.uniform(0, 1, objects)
    return table


@given(st.floats(10, 35), st.floats(1e-3, 60))
def test_a_flux_is_its_magnitude(magnitude, error):
    found = to_fluxes(np.array([[magnitude]]), np.array([[error]]))
    assert 31.4 - 2.5 * np.log10(found.flux[0, 0]) == pytest.approx(magnitude)
    noise = np.sqrt(found.variance[0, 0]) / found.flux[0, 0] * 2.5 / np.log(10)
    assert noise == pytest.approx(error)
    assert not found.missing.any() and not found.undetected.any()


@pytest.mark.parametrize(
    ("magnitude", "error"),
    [
        *[(99, 99), (99, -99), (-99, -99), (-99.9, 0.1), (np.nan, 0.1), (99, np.nan), (99, 0.0)],
        *[(21, 99), (21, 999), (21, np.nan), (21, 0), (21, -1), (np.inf, 0.1), (-99, 25.0)],
        (999, 1.0),
    ],
)
def test_all_codes_mean_missing(magnitude, error):
    found = to_fluxes(np.array([[float(magnitude)]]), np.array([[float(error)]]))
    assert found.missing.all()
    assert found.flux.item() == 0
    assert np.isinf(found.variance.item())


def test_a_limit_is_no_light_within_its_noise():
    found = to_fluxes(np.array([[99.0]]), np.array([[26.4]]))
    assert found.undetected.all()
    assert found.flux.item() == 0
    assert np.sqrt(found.variance.item()) == pytest.approx(100)


def test_bands_have_names_and_no_order():
    table = catalogue()
    source = PhotometryTable.open(table)
    assert source.channels == ("u", "g", "r", "i")
    assert source.quantity("redshift").name == "redshift"
    shuffled = PhotometryTable.open(table[table.colnames[::-1]])
    assert shuffled.channels == source.channels
    assert torch.equal(shuffled.values, source.values)
    named = PhotometryTable.open(
        table, magnitudes=["MAG_I", "MAG_G"], errors=["MAGERR_I", "MAGERR_G"]
    )
    assert named.channels == ("i", "g")
    assert torch.equal(named.values, source.values[:, [3, 1]])


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["mag_u_lsst", "mag_err_u_lsst", "mag_g_lsst", "mag_err_g_lsst"], ("u", "g")),
        (["u_photzi25", "eu_photzi25", "ic_photzi25", "eic_photzi25"], ("u", "ic")),
        (["umag", "e_umag", "rmag", "e_rmag"], ("u", "r")),
        (["g", "g_err", "r", "r_err"], ("g", "r")),
        (["u", "g", "u-g", "eu", "eg", "eu-g"], ("u", "g")),
        (["w2", "w1", "w1_err", "w2_err"], ("w1", "w2")),
    ],
)
def test_the_usual_names_are_understood(columns, names):
    assert bands(Table({name: [1.0] for name in columns})).names == names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"magnitudes": ["MAG_R", "MAG_Q"]}, "no column MAG_Q"),
        ({"magnitudes": ["MAG_R"], "errors": ["MAGERR_R", "MAGERR_G"]}, "1 magnitudes"),
        ({"magnitudes": ["Z"]}, "the error of Z"),
        ({"errors": ["MAGERR_R"]}, "without magnitudes"),
        ({"target": "redshft"}, "redshft"),
        ({"identifier": "name"}, "no column name"),
    ],
)
def test_what_cannot_be_told_is_refused_in_one_line(change, message):
    with pytest.raises(ValueError, match=message) as refusal:
        PhotometryTable.open(catalogue(), **change)
    assert "\n" not in str(refusal.value)


def test_a_table_without_bands_or_with_two_redshifts_is_refused():
    with pytest.raises(ValueError, match="name magnitudes and errors"):
        bands(Table({"x": [1.0], "y": [2.0]}))
    table = catalogue()
    table["zspec"] = table["Z"]
    with pytest.raises(ValueError, match="name it with target"):
        PhotometryTable.open(table)
    assert redshift_column(table, bands(table), "zspec") == "zspec"


def test_repeated_ids_are_refused():
    table = catalogue()
    table["id"] = 1
    with pytest.raises(ValueError, match="repeated"):
        PhotometryTable.open(table)


def test_rows_say_what_they_lack():
    table = catalogue()
    table["MAG_U"][:2] = 99.0
    table["MAGERR_U"][:2] = [99.0, 25.0]
    for band in "UGRI":
        table[f"MAG_{band}"][2] = -99.0
    table["Z"][3] = -99.0
    batch = PhotometryTable.open(table).take(torch.arange(6), 0).check()
    some, none = int(Flag.MISSING_PIXELS), int(Flag.NO_PIXELS)
    assert batch.flags.tolist() == [some, some, some | none, 0, 0, 0]
    assert batch.variance[:, 0].isinf().tolist() == [True, False, True, False, False, False]
    assert batch.truth["redshift"].isnan().tolist() == [False] * 3 + [True] + [False] * 2


def test_splits_never_share_an_object():
    source = PhotometryTable.open(catalogue(500), fold=2)
    parts = [set(source.part(s).ids) for s in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 500
    part = source.part("test")
    again = PhotometryTable.open(catalogue(500)[::-1], fold=2).part("test")
    assert set(part.ids) == set(again.ids)


def test_every_kind_of_file_says_the_same(tmp_path):
    table = catalogue()
    expected = PhotometryTable.open(table)
    plain = np.stack([table[name] for name in table.colnames], 1)
    comma = "\n".join(",".join(f"{x:.12g}" for x in row) for row in plain)
    header = ";".join(f"F:{name}" for name in table.colnames)
    (tmp_path / "a.csv").write_text(f"#{header}\n{comma}\n")
    blanks = comma.replace(",", "  ")
    (tmp_path / "a.dat").write_text(f"# {' '.join(table.colnames)}\n{blanks}\n")
    (tmp_path / "a.txt").write_text(f"{' '.join(table.colnames)}\n{blanks}\n")
    table.write(tmp_path / "a.fits")
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        for name in table.colnames:
            file[f"photometry/{name}"] = np.asarray(table[name])
    for name in ("a.csv", "a.dat", "a.txt", "a.fits", "a.hdf5"):
        found = PhotometryTable.open(tmp_path / name)
        assert found.channels == expected.channels, name
        assert torch.allclose(found.values, expected.values), name


def test_empty_cells_and_masked_ones_are_missing(tmp_path):
    (tmp_path / "a.csv").write_text("u,eu,g,eg\n,0.1,20,0.1\n21,0.1,20,\n")
    found = PhotometryTable.open(tmp_path / "a.csv")
    assert found.variance.isinf().tolist() == [[True, False], [False, True]]


def test_a_line_of_names_that_does_not_fit_is_refused(tmp_path):
    (tmp_path / "a.train").write_text("#zs u g eg\n0.1 20 21 0.1 0.1\n")
    with pytest.raises(ValueError, match="5 entries for 4 names"):
        read_photometry(tmp_path / "a.train")
    columns = ["zs", "u", "g", "eu", "eg"]
    assert read_photometry(tmp_path / "a.train", columns=columns).colnames == columns
    with pytest.raises(ValueError, match="no such file"):
        read_photometry(tmp_path / "none.csv")
    (tmp_path / "b.hdf5").write_text("no HDF5")
    with pytest.raises(ValueError, match=r"b\.hdf5: cannot be read"):
        read_photometry(tmp_path / "b.hdf5")


def normal(mean, sigma, count=512):
    points = (torch.arange(count) + 0.5) / count
    return mean + sigma * 2**0.5 * torch.erfinv(2 * points - 1)


def test_densities_are_read_by_qp(tmp_path):
    qp = pytest.importorskip("qp")
    samples = torch.stack([normal(0.5, 0.05), normal(1.0, 0.2), torch.full((512,), torch.nan)])
    posterior = Posterior((REDSHIFT,), samples[:, :, None])
    path = tmp_path / "z.hdf5"
    names = np.array(["a", "b", "c"])
    assert write_qp(posterior, path, ids=names, beside={"magnitude": np.arange(3.0)}) == 2
    found = qp.read(str(path))
    assert found.npdf == 2
    assert list(found.ancil["magnitude"]) == [0, 1]
    assert np.allclose(found.median().ravel(), [0.5, 1.0], atol=1e-3)
    assert np.allclose(found.ppf(0.16).ravel(), [0.4503, 0.8011], atol=2e-3)
    grid = np.linspace(0, 2, 2001)
    assert np.allclose(np.trapezoid(found.pdf(grid), grid, axis=1), 1, atol=0.02)
    assert np.allclose(found.cdf(1.0).ravel(), [1, 0.5], atol=1e-3)


def test_densities_without_width_still_rise(tmp_path):
    posterior = Posterior((REDSHIFT,), torch.full((1, 16, 1), 0.3))
    write_qp(posterior, tmp_path / "z.hdf5", ids=np.array(["a"]))
    with h5py.File(tmp_path / "z.hdf5") as file:
        assert (np.diff(file["data/locs"][0]) > 0).all()
        assert file["meta/quants"][0, 0] == 0 and file["meta/quants"][0, -1] == 1
    with pytest.raises(ValueError, match="none of 1 objects"):
        empty = posterior.blank(torch.tensor([True]))
        write_qp(empty, tmp_path / "none.hdf5", ids=np.array(["a"]))
    with pytest.raises(ValueError, match="ends in"):
        write_qp(posterior, tmp_path / "z.txt", ids=np.array(["a"]))
