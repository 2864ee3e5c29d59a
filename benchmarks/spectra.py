"""Spectra: the network beside template cross-correlation, by signal-to-noise.

Trains the recipe unless ``--weights`` has its network already; judges on spectra of the mock sky
that neither has seen. About 15 minutes on one core.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.recipes.spectra import MOCK_OBJECTS, TARGET, mock, spectra
from deepfield.scores.bootstrap import paired_gap
from deepfield.scores.errors import beyond_of, mean_of, scatter_of
from deepfield.scores.resampled import Statistic, once
from deepfield.scores.spectral_scores import SUCCESS
from deepfield.train.loop import fit

SNRS = ((1, 30), (1, 3), (3, 10), (10, 30))
LINES = ("halpha", "nii", "hbeta", "oiii", "oii")
LOGS = (*(f"log_flux_{line}" for line in LINES), "log_nii_halpha", "log_oiii_hbeta")
BATCH = 128


def statistics(prediction: Prediction, truth: dict[str, np.ndarray]) -> dict[str, Statistic]:
    """Every number of the table, as a function of how often each object counts."""
    kind, posterior = prediction[TARGET], prediction["posterior"]
    assert isinstance(kind, Classes) and isinstance(posterior, Posterior)
    right = kind.probabilities.numpy().argmax(1) == truth[TARGET]
    levels = posterior.quantiles([0.5, 0.16, 0.84]).numpy()
    found = {"accuracy": mean_of(right.astype(float))}
    moving = np.where(truth[TARGET] == 0, np.nan, truth["redshift"])
    median, low, high = levels[:, 0].T
    residual = (median - moving) / (1 + moving)
    found["redshift_failure"] = beyond_of(residual, SUCCESS)
    found["sigma_mad"] = scatter_of(residual)
    found["coverage_redshift"] = mean_of(held(moving, low, high))
    for name in LOGS:
        median, low, high = levels[:, posterior.names.index(name)].T
        found[f"scatter_{name}"] = scatter_of(median - truth[name])
        found[f"median_error_{name}"] = middle_of(np.abs(median - truth[name]))
        found[f"coverage_{name}"] = mean_of(held(truth[name], low, high))
    return found


def held(true: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """1 where the interval holds the truth, 0 where not, NaN where anything is not known."""
    inside = ((true >= low) & (true <= high)).astype(float)
    return np.where(np.isfinite(true + low + high), inside, np.nan)


def middle_of(values: np.ndarray) -> Statistic:
    """Median, by weights."""
    order = np.argsort(values)
    order = order[np.isfinite(values[order])]

    def statistic(weights: np.ndarray) -> np.ndarray:
        if not len(order):
            return np.full(len(weights), np.nan)
        total = weights[:, order].cumsum(1)
        place = (total < total[:, -1:] / 2).sum(1).clip(max=len(order) - 1)
        return values[order][place]

    return statistic


def asked(predict: Callable[..., Prediction], source, count: int) -> tuple[Prediction, float]:
    """Answers for the first objects of a source, and milliseconds an object."""
    parts, spent = [], 0.0
    for rows in torch.arange(count).split(BATCH):
        batch = source.take(rows, 0)
        began = time.process_time()
        with torch.inference_mode():
            parts.append(predict(batch))
        spent += time.process_time() - began
    return Prediction.join(parts), 1e3 * spent / count


def alike(first: Posterior, second: Posterior) -> tuple[Posterior, Posterior]:
    """Both without what either did not measure."""
    lost = ~(first.samples.isfinite().all(1) & second.samples.isfinite().all(1))[:, None]
    return tuple(  # type: ignore[return-value]
        Posterior(each.quantities, each.samples.masked_fill(lost, torch.nan))
        for each in (first, second)
    )


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("out/spectra/net.safetensors"))
    parser.add_argument("--objects", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=101)
    given = parser.parse_args()
    torch.set_num_threads(1)
    learnt = mock(objects=MOCK_OBJECTS, seed=0)
    recipe = spectra(learnt)
    if not given.weights.exists():
        given.weights.parent.mkdir(parents=True, exist_ok=True)
        fit(recipe.net, recipe.task, learnt, recipe.training, directory=given.weights.parent)
        save_file(recipe.net.state_dict(), given.weights)
    recipe.net.load_state_dict(load_file(given.weights))
    recipe.net.eval()
    began = time.process_time()
    rival = recipe.rivals["cross_correlation"]().fit(learnt)
    print(f"rival fitted in {time.process_time() - began:.0f} s: {vars(rival)['setting']}")
    judge = mock(objects={"test": given.objects}, seed=given.seed).part("test")
    known = judge.take(torch.arange(given.objects), 0).truth
    assert known is not None
    truth = {name: values.numpy() for name, values in known.items()}
    ours, ms = asked(lambda b: recipe.task.predict(recipe.net, b), judge, given.objects)
    theirs, rival_ms = asked(rival.predict, judge, given.objects)
    pair = alike(ours["posterior"], theirs["posterior"])  # type: ignore[arg-type]
    numbers: dict[str, dict[str, list[float]]] = {}
    for low, high in SNRS:
        rows = (truth["signal_to_noise"] >= low) & (truth["signal_to_noise"] < high)
        index = torch.from_numpy(np.flatnonzero(rows))
        own = {name: values[rows] for name, values in truth.items()}
        net, other = (
            statistics(Prediction({TARGET: p[TARGET], "posterior": q}).take(index), own)
            for p, q in zip((ours, theirs), pair, strict=True)
        )
        print(f"\nS/N {low} to {high}: {len(index)} spectra; net, rival, net - rival [95 %]")
        for name in net:
            gap = paired_gap(net[name], other[name], len(index), seed=0)
            both = [once(s, len(index)) for s in (net[name], other[name])]
            numbers.setdefault(f"{low}-{high}", {})[name] = [*both, gap.low, gap.high]
            print(f"{name:30} {both[0]:9.5f} {both[1]:9.5f}  [{gap.low:.5f}, {gap.high:.5f}]")
    out = {"name": "spectra", "ms": ms, "rival_ms": rival_ms, "scores": numbers}
    print(json.dumps(out))


if __name__ == "__main__":
    main()
