"""Widths of corrected posteriors beside those of long Markov chains on the exact likelihood.

Galaxies of the mock sky whose bulge and disc can both be told: 0.2 < B/T < 0.8, bulge wider than
2 px. A chain renders every step. It sets out from draws of the network weighted by the
likelihood, not from the answer that it judges; bulge and disc may change places. Widths are those
of 68 % intervals, of every quantity; the ratio of a galaxy is the median over its quantities.
Chains are compared with their own halves, too: what these differ by is not the correction's.

With ``--out`` chains are kept, and a killed run goes on. The last line is JSON.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepfield.likelihood.corrected import Corrected
from deepfield.likelihood.evidence import log_likelihood
from deepfield.likelihood.exchange import Exchange
from deepfield.likelihood.galaxies import bulge_and_disc
from deepfield.likelihood.importance import resampled, tempered
from deepfield.likelihood.model import Model
from deepfield.likelihood.pixels import pixels
from deepfield.likelihood.walkers import walk
from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.recipes.structure import mock
from deepfield.train.trained import Trained
from deepfield.weights.files import load, shipped

INDICES = (None, 1.0)
WALKERS, POOL, ENOUGH = 64, 512, 40.0
BURN, KEPT, BETWEEN = 8, 16, 10
"""blocks of so many steps: before a chain is kept, and kept; bulge and disc are exchanged between
them"""
LIMITS = (0.16, 0.84)


def chosen(count: int, seed: int) -> Batch:
    """So many galaxies with a bulge and a disc that can be told."""
    source = mock(objects={"test": 8 * count}, seed=seed).part("test")
    found: list[Tensor] = []
    for rows in torch.arange(len(source)).split(256):
        batch = source.take(rows, 0)
        assert batch.truth is not None and batch.survey is not None
        share, radius = batch.truth["bulge_to_total"], batch.truth["radius_bulge"]
        good = (share > 0.2) & (share < 0.8) & (radius > 2 * batch.survey.pixel_scale)
        found.append(rows[good])
        if sum(len(each) for each in found) >= count:
            break
    return source.take(torch.cat(found)[:count], 0)


@torch.no_grad()
def chain(trained: Trained, one: Batch) -> Posterior:
    """The posterior of one galaxy, from a chain on the exact likelihood."""
    assert one.psf is not None and one.variance is not None and one.survey is not None
    size, scale, task = one.values.shape[-1], one.survey.pixel_scale, trained.task
    model, seen = Model(size, INDICES), pixels(one.values, one.psf, variance=one.variance)
    net, frame = trained.net.eval()(one)
    names = [quantity.name for quantity in task.quantities]
    exchange = Exchange.of(names, task.scales, frame)
    assert exchange is not None

    def height(z: Tensor) -> Tensor:
        values = task.to_values(z, frame)
        profile = bulge_and_disc(dict(zip(names, values[0].T, strict=True)), scale, size)
        parameters = model.parameters(profile)[None]
        return log_likelihood(model, seen, parameters) - 0.5 * z.square().sum(2)

    pool = net.samples(POOL)
    walkers = resampled(pool, tempered(height(pool) - net.log_density(pool), ENOUGH), WALKERS)
    found = []
    for block in range(BURN + KEPT):
        random = torch.Generator().manual_seed(block)
        walkers = walk(height, exchange.step(height, walkers, random), BETWEEN, seed=block)
        found.append(walkers)
    values = task.to_values(torch.cat(found[BURN:], 1), frame)
    return Posterior(task.quantities, values)


def widths(posterior: Posterior) -> np.ndarray:
    """[object, quantity] of 68 % intervals."""
    limits = posterior.quantiles(LIMITS)
    return (limits[..., 1] - limits[..., 0]).numpy()


def half(posterior: Posterior, which: int) -> Posterior:
    """The first half of a chain, or the second."""
    return Posterior(posterior.quantities, posterior.samples.chunk(2, 1)[which])


def kept(path: Path | None, trained: Trained, one: Batch) -> np.ndarray:
    """Widths [whole, first half, second half; quantity] of a chain, from a file if it is there."""
    if path is not None and path.exists():
        return np.load(path)
    found = chain(trained, one)
    three = np.concatenate([widths(each) for each in (found, half(found, 0), half(found, 1))])
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, three)
    return three


def told(name: str, ratios: np.ndarray) -> dict[str, float]:
    """Print and return how ratios [object, quantity] of widths are spread."""
    each = np.median(ratios, 1)
    scores = {
        "median": float(np.median(each)),
        "low": float(np.quantile(each, 0.025)),
        "high": float(np.quantile(each, 0.975)),
        "within": float(np.mean((each > 0.9) & (each < 1.2))),
    }
    print(f"{name}: " + ", ".join(f"{k} {v:.3f}" for k, v in scores.items()))
    return scores


def main() -> None:
    """Run the chains, correct, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--out", type=Path, help="folder that keeps the chains' widths")
    given = parser.parse_args()
    torch.set_num_threads(1)
    path = shipped("structure")
    if path is None:
        raise ValueError("no weights of structure are shipped; run `deepfield train structure`")
    trained, _ = load(path)
    batch, chains = chosen(given.objects, given.seed), []
    for i, identifier in enumerate(batch.ids):
        file = None if given.out is None else given.out / f"{given.seed}_{identifier}.npy"
        chains.append(kept(file, trained, batch.take(torch.tensor([i]))))
        print(f"chain {i + 1} of {len(batch)}", flush=True)
    whole, first, second = np.stack(chains, 1)
    found = Corrected(trained, bulge_and_disc, INDICES).predict(batch)
    corrected = widths(found["posterior"])
    with torch.inference_mode():
        network = widths(trained.predict(batch)["posterior"])
    effective = found["effective_samples"].values
    print(f"{int((effective < 8).sum())} of {len(batch)} rows hold the network's own answer")
    line = {"name": "posterior_widths", "objects": len(batch), "seed": given.seed}
    ratio = corrected / whole
    for name, ratios in (
        ("corrected", ratio),
        ("network", network / whole),
        ("first half of a chain over second", first / second),
    ):
        line[name.split()[0]] = told(f"{name}, over the chain's", ratios)
    names = [quantity.name for quantity in trained.task.quantities]
    for name, column in zip(names, ratio.T, strict=True):
        print(f"  {name:22} {np.median(column):.3f}")
    print(json.dumps(line | {"ratio": line["corrected"]["median"]}))


if __name__ == "__main__":
    main()
