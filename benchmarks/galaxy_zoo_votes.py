"""Five folds over real Galaxy Zoo 2 votes: the network beside ridge regressions, from the mock.

Takes a folder with ``images/`` and ``votes.csv`` as Galaxy Zoo 2 publishes votes (weighted
fractions and the number of volunteers); by default galaxy_zoo_votes under DEEPFIELD_DATA. Every
fold starts from the weights in ``--start`` (those shipped, if there are some) and learns from
four fifths of the galaxies. Some minutes on one core; folds that are finished are kept in
``--out`` and not repeated. The last line is JSON: ``ratio`` is the rival's error over ours.
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import torch

from deepfield.data.opened import open_images
from deepfield.data.tables import read_table, write_table
from deepfield.data.votes_table import tidy
from deepfield.evaluate.answers import ask
from deepfield.nouns.batch import Truth
from deepfield.nouns.galaxy_zoo import GALAXY_ZOO_2
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.votes import Votes
from deepfield.recipes.galaxy_zoo import SIZE
from deepfield.rivals.feature_ridge import FeatureRidge
from deepfield.rivals.features.colour_histogram import ColourHistogram
from deepfield.rivals.hog_ridge import HogRidge
from deepfield.scores.bootstrap import paired_gap
from deepfield.scores.votes import rmse_of
from deepfield.tasks.votes import VoteFractions
from deepfield.verbs.train import train
from deepfield.weights.files import load, shipped

DATA = Path(os.environ.get("DEEPFIELD_DATA", "../shared/data")) / "galaxy_zoo_votes"
FOLDS = 5
TASK = VoteFractions(GALAXY_ZOO_2)
SETTINGS = {"epochs": 50, "rate": 3e-3, "zoom": 1.15, "shift": 0.03, "patience": 50}
RIVALS = {
    "hog_ridge": partial(HogRidge, GALAXY_ZOO_2),
    "colour_ridge": partial(FeatureRidge, GALAXY_ZOO_2, (ColourHistogram(),)),
}


def fold(
    number: int, images: Path, labels: Path, out: Path, start: Path | None, settings: dict
) -> dict[str, Path]:
    """Train and ask one fold: files of the votes that every method predicts for what it left out.

    Rivals learn from the same objects, and choose their settings on the same few.
    """
    files = {method: out / str(number) / f"{method}.npz" for method in ("net", "truth", *RIVALS)}
    if all(file.exists() for file in files.values()):
        return files
    run = out / str(number)
    train(
        "galaxy_zoo",
        images=images,
        labels=labels,
        out=run,
        fold=number,
        folds=FOLDS,
        start=start,
        from_nothing=start is None,
        resume=True,
        **settings,
    )
    extent = json.loads((run / "run.json").read_text())["extent"]
    source = open_images(images, labels, size=SIZE, extent=extent, fold=number, folds=FOLDS)
    methods = {"net": load(run / "model.safetensors")[0]}
    methods |= {name: make().fit(source) for name, make in RIVALS.items()}
    answers = ask(methods, source.part("test"), progress=False)
    truth = answers.batch.truth
    for method, prediction in answers.predictions.items():
        votes = prediction["votes"]
        assert isinstance(votes, Votes)
        np.savez(files[method], fractions=votes.fractions, concentration=votes.concentration)
    np.savez(files["truth"], votes=GALAXY_ZOO_2.stacked(dict(truth or {})), ids=answers.batch.ids)
    return files


def main() -> None:
    """Run all folds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("out/galaxy_zoo_votes"))
    parser.add_argument("--start", type=Path, default=shipped("galaxy_zoo"))
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON, of the recipe")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(json.dumps({"name": "galaxy_zoo_votes", "skipped": f"no data at {given.data}"}))
        return
    given.out.mkdir(parents=True, exist_ok=True)
    labels = write_table(tidy(read_table(given.data / "votes.csv")), given.out / "votes.csv")
    settings = {**SETTINGS, **given.settings}
    folds = [
        fold(number, given.data / "images", labels, given.out, given.start, settings)
        for number in range(FOLDS)
    ]
    counts = torch.from_numpy(np.concatenate([np.load(f["truth"])["votes"] for f in folds]))
    truth = Truth(dict(zip(GALAXY_ZOO_2.quantities, counts.T, strict=True)))
    methods = {method: _joined([f[method] for f in folds]) for method in ("net", *RIVALS)}
    scores = {m: TASK.score(Prediction({"votes": v}), truth) for m, v in methods.items()}
    shares = counts / counts[:, GALAXY_ZOO_2.slices[0]].sum(1, keepdim=True)
    error = {method: rmse_of(votes.joint(), shares) for method, votes in methods.items()}
    gaps = {m: paired_gap(error["net"], error[m], len(shares), seed=0) for m in RIVALS}
    print(f"{len(shares)} galaxies, {FOLDS} folds")
    for metric in scores["net"]:
        print(f"{metric:34}" + "".join(f"{m} {s[metric]:8.4f}   " for m, s in scores.items()))
    for method, gap in gaps.items():
        print(f"net minus {method}: {gap.value:.4f} [{gap.low:.4f}, {gap.high:.4f}]")
    ours, peer = (scores[method]["rmse_fractions"] for method in ("net", "hog_ridge"))
    print(
        json.dumps(
            {
                "name": "galaxy_zoo_votes",
                "ratio": peer / ours,
                "ours": ours,
                "peer": peer,
                "irreducible": scores["net"]["rmse_irreducible"],
                "gap": gaps["hog_ridge"]._asdict(),
                "pit_ks_votes": scores["net"]["pit_ks_votes"],
                "calibration_error": scores["net"]["calibration_error"],
            }
        )
    )


def _joined(files: list[Path]) -> Votes:
    parts = [np.load(file) for file in files]
    return Votes.join(
        [
            Votes(
                GALAXY_ZOO_2,
                torch.from_numpy(part["fractions"]),
                torch.from_numpy(part["concentration"]),
            )
            for part in parts
        ]
    )


if __name__ == "__main__":
    main()
