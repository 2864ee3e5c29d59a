"""Redshifts from real magnitudes: the network beside nearest neighbours and boosting.

Takes the folder ``redshifts`` under DEEPFIELD_DATA: BOSS, the SDSS main sample, zCOSMOS bright and
LSST's DC2. Every fold trains from nothing and judges the fifth of the objects that it has not
seen; settings are the recipe's own for all. ``net_as_learnt`` is the network before it is
calibrated on the validation objects, which ``Trained.fit`` always does. What is finished is kept
in ``--out``.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table, hstack, vstack

from deepfield.data.photometry_files import read_photometry
from deepfield.data.photometry_table import PhotometryTable
from deepfield.data.tables import read_table, write_table
from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.recipe import Recipe
from deepfield.recipes.photoz_colours import photoz_colours
from deepfield.scores.bootstrap import paired_gap
from deepfield.scores.errors import beyond_of, scatter_of
from deepfield.scores.redshift_scores import redshift_scores
from deepfield.train.loop import fit

DATA = Path(os.environ.get("DEEPFIELD_DATA", "../shared/data")) / "redshifts"
FOLDS = 5
NET = "net"
RIVALS = ("nearest_neighbours", "boosting", "forest")
SDSS = "zs,u,g,r,i,z,u-g,g-r,r-i,i-z,eu,eg,er,ei,ez,eu-g,eg-r,er-i,ei-z"
COSMOS = tuple("ubgvrizjk")


def boss(data: Path) -> tuple[Table, dict]:
    """18,000 luminous galaxies; ugriz."""
    return vstack([read_photometry(file) for file in sorted(data.glob("boss_dr10_*.csv"))]), {}


def sdss(data: Path) -> tuple[Table, dict]:
    """5,000 of the main sample; its line of names lacks one, so that we say them."""
    return read_photometry(data / "SDSS_MGS.train", columns=SDSS.split(",")), {}


def zcosmos(data: Path) -> tuple[Table, dict]:
    """11,000 secure redshifts of galaxies; nine bands, with gaps."""
    table = read_photometry(data / "zcosmost_bright20k.csv")
    secure = np.isin(np.floor(np.asarray(table["cc"], float)), (3, 4))
    seen = np.isfinite(np.asarray(table["u_photzi25"], float))
    table = table[secure & seen & (np.asarray(table["zpec"], float) > 0.01)]
    return table, {
        "magnitudes": [f"{band}_photzi25" for band in COSMOS],
        "errors": [f"e{band}_photzi25" for band in COSMOS],
        "target": "zpec",
        "identifier": "id_zcosmos",
    }


def dc2(data: Path) -> tuple[Table, dict]:
    """10,000 simulated galaxies of LSST; ugrizy."""
    return read_photometry(data / "dc2_simulated.hdf5"), {}


SETS = {read.__name__: read for read in (boss, sdss, zcosmos, dc2)}


def networks(recipe: Recipe, batch: Batch) -> dict[str, Posterior]:
    """The network as it was learnt, and calibrated on the validation objects."""
    answers = {}
    fit(recipe.net, recipe.task, recipe.source, recipe.training, progress=False)
    with torch.inference_mode():
        answers["net_as_learnt"] = recipe.task.predict(recipe.net, batch)["posterior"]
    recipe.task.calibrate(recipe.net, recipe.source.part("validation"))
    with torch.inference_mode():
        return {"net": recipe.task.predict(recipe.net, batch)["posterior"], **answers}


def judged(name: str, number: int, learner: str, data: Path) -> tuple[Table, dict]:
    """What a learner says of a fold after the others: a row an object, and scores by method."""
    table, words = SETS[name](data)
    source = PhotometryTable.open(table, fold=number, folds=FOLDS, **words)
    recipe, test = photoz_colours(source), source.part("test")
    batch = test.take(torch.arange(len(test)), 0)
    began = time.process_time()
    if learner == NET:
        answers = networks(recipe, batch)
    else:
        rival = recipe.rivals[learner]().fit(source)
        answers = {learner: rival.predict(batch)["posterior"]}
    seconds = time.process_time() - began
    truth = batch.truth["redshift"]
    rows, scores = Table({"object_id": batch.ids, "redshift": truth.numpy()}), {}
    for method, answer in answers.items():
        rows[method] = answer.quantiles([0.5])[:, 0, 0].numpy()
        rows[f"{method}_pit"] = answer.ranks(truth[:, None])[:, 0].numpy()
        scores[method] = redshift_scores(answer, batch.truth) | {"seconds": seconds}
    return rows, scores


def fold(
    name: str, number: int, rivals: Sequence[str], data: Path, out: Path
) -> tuple[Table, dict]:
    """Every test object's truth, medians and PIT by method, and the fold's scores; kept."""
    tables, scores = [], {}
    for learner in (NET, *rivals):
        kept = out / f"{name}-{number}-{learner}.parquet"
        if not kept.exists():
            rows, found = judged(name, number, learner, data)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.with_suffix(".json").write_text(json.dumps(found))
            write_table(rows, kept)
        tables.append(read_table(kept))
        scores |= json.loads(kept.with_suffix(".json").read_text())
    for other in tables[1:]:
        other.remove_columns(["object_id", "redshift"])
    return hstack(tables), scores


def main() -> None:
    """Run the folds and print a table for each data set, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("out/photoz_colours"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(FOLDS)))
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    given = parser.parse_args()
    if not given.data.is_dir():
        print(json.dumps({"name": "photoz_colours", "skipped": f"no data at {given.data}"}))
        return
    summary = {}
    for name in given.sets:
        results = [
            fold(name, number, given.rivals, given.data, given.out) for number in given.folds
        ]
        rows = vstack([rows for rows, _ in results])
        truth = np.asarray(rows["redshift"], float)
        methods = list(results[0][1])
        residual = {m: (np.asarray(rows[m], float) - truth) / (1 + truth) for m in methods}
        weights = [len(r) for r, _ in results]
        print(f"\n{name}: {len(rows)} objects, {len(results)} of {FOLDS} folds")
        summary[name] = {}
        for m in methods:
            mean = {
                k: float(np.average([s[m][k] for _, s in results], weights=weights))
                for k in results[0][1][m]
            }
            mean["sigma_mad"] = float(scatter_of(residual[m])(np.ones((1, len(rows))))[0])
            pit = np.sort(np.asarray(rows[f"{m}_pit"], float))
            steps = np.arange(len(pit) + 1) / len(pit)
            mean["pit_ks"] = float(max((steps[1:] - pit).max(), (pit - steps[:-1]).max()))
            inside = [float(np.mean(np.abs(pit - 0.5) < s / 2)) for s in (0.68, 0.95)]
            mean["coverage_68"], mean["coverage_95"] = inside
            summary[name][m] = mean
            print(f"{m:20}" + "  ".join(f"{k} {v:.4f}" for k, v in mean.items()))
        for m in methods[2:]:
            said = []
            for what, of in (
                ("sigma_mad", scatter_of),
                ("outliers > 0.15", lambda r: beyond_of(r, 0.15)),
                ("outliers > 0.05", lambda r: beyond_of(r, 0.05)),
            ):
                gap = paired_gap(of(residual["net"]), of(residual[m]), len(rows), seed=0)
                summary[name][m][f"gap {what}"] = list(gap)
                said.append(f"{what} {gap.value:+.5f} [{gap.low:+.5f}, {gap.high:+.5f}]")
            print(f"  net minus {m}: " + "; ".join(said))
    print(json.dumps({"name": "photoz_colours", "folds": len(given.folds), **summary}))


if __name__ == "__main__":
    main()
