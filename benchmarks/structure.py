"""Structure against pyimfit: the same GalSim stamps, by signal-to-noise; speeds on one core.

Stamps that no renderer of ours drew (``galsim_structure``), white noise, S/N 10 to 200. Methods:
the deployed network, the network corrected by the likelihood, our batched fit, and pyimfit with
the prior's limits, from its users' start and the best of three. Errors count outliers in (RMSE)
and leave them out (scatter, 1.4826 MAD), with 95 % bootstrap intervals over galaxies; ratios to
pyimfit resample both together. Objects that a method could not fit are left out for all, and
counted.

Speeds are seconds of the processor a galaxy, on one thread, from Batch to catalogue columns with
quantiles; methods take turns in every round. pyimfit is charged for its fits alone. With ``--out``
its fits are kept, and a killed run goes on. The last line is JSON.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import galsim_structure
import numpy as np
import torch

from deepfield.deploy.fastest import fastest
from deepfield.likelihood.corrected import Corrected
from deepfield.likelihood.galaxies import bulge_and_disc
from deepfield.nouns.batch import Batch
from deepfield.nouns.contracts import Predictor
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.rivals.batched_fit import BatchedBulgeDisc
from deepfield.rivals.profile_models import Limits
from deepfield.rivals.pyimfit_fit import Fits, PyimfitBulgeDisc, PyimfitSersic, best
from deepfield.scores.bootstrap import Resampled, resample
from deepfield.scores.errors import rmse_of, scatter_of
from deepfield.scores.marginals import marginals
from deepfield.scores.noise_levels import LEVELS
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.weights.files import load, shipped

QUANTITIES = (
    *("magnitude", "bulge_to_total", "log_radius_bulge", "log_radius_disc"),
    *("sersic_index_bulge", "axis_ratio_bulge", "axis_ratio_disc"),
)
PEERS = ("pyimfit", "pyimfit_best")
MANY, SOME, FEW, ROUNDS = 2048, 64, 2, 5
"""galaxies timed in a round: of the network, of the slower of ours, of pyimfit; and rounds"""
TIMED_AT = 50
PRIOR = BulgeDisc()


def pixels(limits: tuple[float, float]) -> tuple[float, float]:
    """Of a range of log10."""
    return 10 ** limits[0], 10 ** limits[1]


LIMITS = Limits(
    radius=pixels(PRIOR.log_radius_bulge),
    radius_disc=pixels(PRIOR.log_radius_disc),
    sersic_index=PRIOR.sersic_index,
    axis_ratio=(1 - PRIOR.ellipticity[1], 1 - PRIOR.ellipticity[0]),
)
"""pyimfit knows the prior's limits, as the network does"""


def kept(path: Path | None, fits: Callable[[], list[Fits]]) -> list[Fits]:
    """Fits from every start, from a file where it is there."""
    if path is not None and path.exists():
        with np.load(path) as file:
            count = len({name.split("/")[0] for name in file})
            return [
                Fits(**{name: file[f"{i}/{name}"] for name in Fits.__annotations__})
                for i in range(count)
            ]
    found = fits()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        named = {f"{i}/{k}": v for i, each in enumerate(found) for k, v in asdict(each).items()}
        np.savez(path, **named)
    return found


def asked(predictor: Predictor, batch: Batch) -> Prediction:
    """Every answer, a few hundred objects at a time."""
    with torch.inference_mode():
        return Prediction.join([predictor.predict(batch.take(r)) for r in rows(batch, 256)])


def rows(batch: Batch, size: int) -> tuple[torch.Tensor, ...]:
    """Positions of the objects, in parts."""
    return torch.arange(len(batch)).split(size)


def errors(
    predictions: Mapping[str, Prediction], batch: Batch
) -> dict[str, dict[str, np.ndarray]]:
    """By method and quantity, [object]; NaN for all where a method gave no answer."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for method, prediction in predictions.items():
        posterior = prediction["posterior"]
        assert isinstance(posterior, Posterior)
        found[method] = {m.name: m.error for m in marginals(posterior, batch.truth)}
    failed = {m: np.isnan(each["magnitude"]) for m, each in found.items()}
    for method, lost in failed.items():
        if lost.any():
            print(f"  {method}: no answer for {lost.sum()} of {len(lost)}")
    lost = np.any(list(failed.values()), 0)
    for each in found.values():
        for error in each.values():
            error[lost] = np.nan
    return found


def judged(found: Mapping[str, Mapping[str, np.ndarray]], level: int) -> dict[str, float]:
    """Print a table at one S/N; the numbers by name."""
    scores: dict[str, float] = {}
    count = len(next(iter(found.values()))["magnitude"])
    for kind, of in (("rmse", rmse_of), ("scatter", scatter_of)):
        print(f"S/N {level}, {kind}, {count} galaxies; times pyimfit's, times its best of three's")
        for quantity in QUANTITIES:
            drawn = resample({m: of(each[quantity]) for m, each in found.items()}, count)
            cells = []
            for method, one in drawn.items():
                value, low, high = one.interval()
                name = f"{method}_{kind}_{quantity}_sn{level}"
                scores[name] = value
                cell = f"{method} {value:.3f} [{low:.3f}, {high:.3f}]"
                if method not in PEERS:
                    over = [over_peer(one, drawn[peer]) for peer in PEERS]
                    cell += "".join(f" x{v:.2f} [{a:.2f}, {b:.2f}]" for v, a, b in over)
                cells.append(cell)
            print(f"  {quantity:20}" + "\n  ".ljust(23).join(cells), flush=True)
    return scores


def over_peer(one: Resampled, peer: Resampled) -> tuple[float, float, float]:
    """A score over the peer's, resampled together."""
    low, high = np.nanquantile(one.draws / peer.draws, [0.025, 0.975])
    return one.value / peer.value, float(low), float(high)


def seconds(call: Callable[[], object]) -> float:
    """Of the processor."""
    start = time.process_time()
    call()
    return time.process_time() - start


def tiled(batch: Batch, count: int) -> Batch:
    """The objects again and again, so many."""
    return batch.take(torch.arange(count) % len(batch))


def speeds(
    batch: Batch, single: Batch, ours: Mapping[str, Predictor], single_net: Predictor
) -> dict[str, float]:
    """Seconds a galaxy of every method, medians of rounds in which all take turns."""
    pair, one = PyimfitBulgeDisc(limits=LIMITS), PyimfitSersic()
    many = {name: tiled(batch, MANY if name == "net" else SOME) for name in ours}
    wide = tiled(single, MANY)
    spent: dict[str, list[float]] = {}

    def columns(predictor: Predictor, some: Batch) -> None:
        with torch.inference_mode():
            predictor.predict(some).columns()

    for name, predictor in ours.items():
        columns(predictor, many[name])  # first calls allocate
    columns(single_net, wide)
    for turn in range(ROUNDS):
        for name, predictor in ours.items():
            took = seconds(lambda p=predictor, b=many[name]: columns(p, b))
            spent.setdefault(name, []).append(took / len(many[name]))
        took = seconds(lambda: columns(single_net, wide))
        spent.setdefault("net_single", []).append(took / len(wide))
        few = torch.arange(turn * FEW, (turn + 1) * FEW)
        for name, rival, some in (("pyimfit", pair, batch), ("pyimfit_single", one, single)):
            fits = rival.fits(some.take(few % len(some)))[0]
            spent.setdefault(name, []).append(float(fits.seconds.mean()))
    # Fits differ from galaxy to galaxy: of those the mean counts.
    return {
        name: statistics.mean(each) if name.startswith("pyimfit") else statistics.median(each)
        for name, each in spent.items()
    }


def shipped_net(recipe: str, example: Batch) -> tuple[Predictor, Predictor]:
    """A recipe's shipped weights as they were trained, and deployed on the fastest backend."""
    path = shipped(recipe)
    if path is None:
        raise ValueError(f"no weights of {recipe} are shipped; run `deepfield train {recipe}`")
    trained, _ = load(path)
    choice = fastest(trained, example)
    print(f"{recipe}: deployed on {choice.backend}")
    return trained, choice.deployed


def main() -> None:
    """Draw, ask, judge, time; print tables and one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=200, help="at every S/N")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, help="folder that keeps pyimfit's fits")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    def drawn(level: int) -> Batch:
        return galsim_structure.bulge_disc(given.objects, signal_to_noise=level, seed=given.seed)

    timed = drawn(TIMED_AT)
    single = galsim_structure.single_sersic(
        min(given.objects, 20), signal_to_noise=TIMED_AT, seed=given.seed
    )
    trained, net = shipped_net("structure", timed)
    _, net_single = shipped_net("sersic", single)
    corrected = Corrected(trained, bulge_and_disc, (None, 1.0))
    ours = {"net": net, "corrected": corrected, "batched_fit": BatchedBulgeDisc()}
    peer, scores = PyimfitBulgeDisc(starts=3, limits=LIMITS), {}
    for level in LEVELS:
        batch = drawn(level)
        predictions = {name: asked(predictor, batch) for name, predictor in ours.items()}
        stem = f"pyimfit_{given.seed}_{level}_{given.objects}.npz"
        path = None if given.out is None else given.out / stem
        every = kept(path, lambda b=batch: peer.fits(b))
        scale = batch.survey.pixel_scale
        for name, fits in zip(PEERS, (every[0], best(every)), strict=True):
            predictions[name] = peer.answer(fits, scale)
        scores |= judged(errors(predictions, batch), level)
    took = speeds(timed, single, ours, net_single)
    print("seconds a galaxy, one core: " + ", ".join(f"{k} {v:.3g}" for k, v in took.items()))
    figures = {
        "ratio": took["pyimfit"] / took["net"],
        "ratio_single": took["pyimfit_single"] / took["net_single"],
        "ratio_corrected": took["pyimfit"] / took["corrected"],
        "ratio_fit": took["pyimfit"] / took["batched_fit"],
        "ours": 1e3 * took["net"],
        "peer": 1e3 * took["pyimfit"],
    }
    line = {"name": "structure", "objects": given.objects, "seed": given.seed}
    rounded = {k: float(f"{v:.4g}") for k, v in (figures | scores).items()}
    print(json.dumps(line | rounded))


if __name__ == "__main__":
    main()
