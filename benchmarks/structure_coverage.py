"""Do the network's intervals, and the corrected ones, hold the truth as often as they say?

Bulges and discs of the mock sky at S/N 5 to 400, of a seed that nothing was trained or chosen on.
Coverage is the share of truths in the 68 and 95 % credible intervals, the mean over seven
quantities; intervals are those of resampled galaxies. Rows that the correction gave up (few
effective samples: they hold the network's own answer) are counted apart, and in ``all``. RMSE of
both, and their paired gap.

With ``--out`` what is done is kept, and a killed run goes on. The last line is JSON.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from deepfield.likelihood.corrected import FEW, Corrected
from deepfield.likelihood.galaxies import bulge_and_disc
from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.recipes.structure import mock
from deepfield.scores.bootstrap import interval, paired_gap
from deepfield.scores.errors import mean_of, rmse_of
from deepfield.scores.marginals import SHARES, marginals
from deepfield.scores.structure import QUANTITIES
from deepfield.train.trained import Trained
from deepfield.weights.files import load, shipped

PART = 200
"""galaxies in a file"""


def judged(method: str, posterior: Posterior, batch: Batch) -> dict[str, np.ndarray]:
    """[object] errors by quantity, and [object, quantity] whether intervals hold the truth."""
    assert batch.truth is not None
    each = [m for m in marginals(posterior, batch.truth) if m.name in QUANTITIES]
    found = {f"{method}/error/{m.name}": m.error for m in each}
    for share in SHARES:
        found[f"{method}/{share}"] = np.stack([m.held(share) for m in each], 1)
    return found


def part(trained: Trained, batch: Batch) -> dict[str, np.ndarray]:
    """What is kept of some galaxies."""
    with torch.inference_mode():
        network = trained.predict(batch)["posterior"]
    began = time.process_time()
    answer = Corrected(trained, bulge_and_disc, (None, 1.0)).predict(batch)
    took = time.process_time() - began
    return {
        **judged("network", network, batch),
        **judged("corrected", answer["posterior"], batch),
        "effective": answer["effective_samples"].values.numpy(),
        "seconds": np.full(len(batch), took / len(batch)),
    }


def covered(name: str, found: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, list[float]]:
    """Print and return the coverage of a method on these rows."""
    method, scores = name.split()[0], {}
    for share in SHARES:
        held = found[f"{method}/{share}"][rows].mean(1)
        scores[share] = [round(v, 4) for v in interval(mean_of(held), int(rows.sum()), seed=0)]
    text = "; ".join(f"{k} %: {v:.3f} [{a:.3f}, {b:.3f}]" for k, (v, a, b) in scores.items())
    print(f"{name}, {rows.sum()} galaxies: {text}")
    return scores


def main() -> None:
    """Ask, keep, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--out", type=Path, help="folder that keeps what is done")
    given = parser.parse_args()
    torch.set_num_threads(1)
    path = shipped("structure")
    if path is None:
        raise ValueError("no weights of structure are shipped; run `deepfield train structure`")
    trained, _ = load(path)
    source = mock(objects={"test": given.objects}, seed=given.seed).part("test")
    parts = []
    for number, rows in enumerate(torch.arange(len(source)).split(PART)):
        stem = f"{given.seed}_{number * PART}_{len(rows)}.npz"
        file = None if given.out is None else given.out / stem
        if file is not None and file.exists():
            with np.load(file) as done:
                parts.append(dict(done))
            continue
        parts.append(part(trained, source.take(rows, 0)))
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, **parts[-1])
        print(f"{number * PART + len(rows)} of {len(source)}", flush=True)
    found = {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
    good, every = found["effective"] >= FEW, np.ones(len(source), bool)
    line: dict = {"name": "structure_coverage", "objects": len(source), "seed": given.seed}
    for name, rows in (
        ("network, all", every),
        ("corrected, not flagged", good),
        ("corrected, all", every),
    ):
        line[name] = covered(name.replace(",", ""), found, rows)
    for quantity in sorted(QUANTITIES):
        if f"network/error/{quantity}" not in found:
            continue
        ours, other = (found[f"{m}/error/{quantity}"] for m in ("corrected", "network"))
        gap = paired_gap(rmse_of(ours), rmse_of(other), len(source), seed=0)
        sizes = [float(np.sqrt(np.nanmean(each**2))) for each in (ours, other)]
        print(
            f"  {quantity:20} corrected {sizes[0]:.4f}, network {sizes[1]:.4f}, "
            f"gap {gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        )
        line[f"rmse_{quantity}"] = [round(size, 5) for size in sizes]
    line["seconds"] = round(float(found["seconds"].mean()), 4)
    print(json.dumps(line))


if __name__ == "__main__":
    main()
