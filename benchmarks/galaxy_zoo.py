"""Five folds over real Galaxy Zoo spirals: the network beside its rivals, from the mock or not.

Takes a folder with ``images/`` and ``labels.csv`` (object_id, kind, file); by default
galaxy_zoo_spirals under DEEPFIELD_DATA. About an hour on one core; runs that are finished are
kept in ``--out`` and not repeated.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from astropy.table import vstack

from deepfield.data.tables import read_table
from deepfield.scores.bootstrap import paired_gap
from deepfield.scores.resampled import auroc_of
from deepfield.verbs.evaluate import evaluate
from deepfield.verbs.train import train

DATA = Path(os.environ.get("DEEPFIELD_DATA", "../shared/data")) / "galaxy_zoo_spirals"
FOLDS = 5


def fold(number: int, data: Path, out: Path, from_nothing: bool) -> tuple[dict, float]:
    """Train and judge one fold; the scores and the seconds of the training."""
    run = out / str(number)
    if not (run / "judged" / "scores.json").exists():
        train(
            "morphology",
            images=data / "images",
            labels=data / "labels.csv",
            out=run,
            fold=number,
            folds=FOLDS,
            from_nothing=from_nothing,
            resume=True,
        )
        evaluate("morphology", run=run, out=run / "judged")
    scores = json.loads((run / "judged" / "scores.json").read_text())
    return scores, json.loads((run / "run.json").read_text())["seconds"]


def main() -> None:
    """Run all folds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("out/galaxy_zoo"))
    parser.add_argument("--from-nothing", action="store_true")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(json.dumps({"name": "galaxy_zoo", "skipped": f"no data at {given.data}"}))
        return
    results = [fold(i, given.data, given.out, given.from_nothing) for i in range(FOLDS)]
    folds = [scores["scores"] for scores, _ in results]
    means = {m: float(np.mean([f[m]["auroc"] for f in folds])) for m in folds[0]}
    tables = [read_table(given.out / str(i) / "judged/predictions.parquet") for i in range(FOLDS)]
    pooled = vstack(tables)
    labels = (np.asarray(pooled["kind"]) == "spiral").astype(int)

    def area(method: str):
        columns = [np.asarray(pooled[f"{method}_{kind}"]) for kind in ("smooth", "spiral")]
        return auroc_of(np.stack(columns, 1), labels)

    rivals = [method for method in means if method != "net"]
    gaps = {m: paired_gap(area("net"), area(m), len(pooled), seed=0) for m in rivals}
    print(f"{len(pooled)} galaxies, {FOLDS} folds, AUROC")
    for method, mean in means.items():
        each = " ".join(f"{f[method]['auroc']:.3f}" for f in folds)
        gap = gaps.get(method)
        said = (
            ""
            if gap is None
            else f"  net minus it {gap.value:.3f} [{gap.low:.3f}, {gap.high:.3f}]"
        )
        print(f"{method:20} {mean:.4f}  ({each}){said}")
    best = max(rivals, key=lambda m: means[m])
    print(
        json.dumps(
            {
                "name": "galaxy_zoo",
                "ratio": (1 - means[best]) / (1 - means["net"]),
                "ours": means["net"],
                "peer": means[best],
                "gap": gaps[best]._asdict(),
                "seconds_per_fold": [seconds for _, seconds in results],
            }
        )
    )


if __name__ == "__main__":
    main()
