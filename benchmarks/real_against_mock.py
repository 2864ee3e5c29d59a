"""Can one tell real stamps from mock ones? Before and after the priors are tuned.

The same code measures real and mock stamps: for galaxies size, concentration, asymmetry,
signal-to-noise and colours (``deepfield.rivals.morphometry``); for pieces of sky the statistics of
their pixels. Priors are tuned on the half of the real objects that a hash of their id chooses: a
random search, flat in stated ranges, then closer and closer to the best, for the least sum of
Kolmogorov-Smirnov distances. On the other half, a random forest tries to tell real from mock (five
folds; the bands of one stamp stay together). A second forest sees all that morphometry measures.

Run: ``python benchmarks/real_against_mock.py`` (about six minutes of one core, or ``--only`` one
data set). Figures go to ``--out``. The last line is one JSON object.
"""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import real_and_mock_stamps as both
import torch
from scipy.stats import ks_2samp, kurtosis, skew
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor

from deepfield.data.noise import sky
from deepfield.data.split import unit_hash
from deepfield.nouns.batch import Batch
from deepfield.rivals import morphometry
from deepfield.scores.bootstrap import Interval, interval
from deepfield.scores.resampled import auroc_of

TRIALS, CLOSER = 16, 34
"""of the search: flat in the ranges, and then around the best"""
DRAWN = 150
"""mock stamps a trial, at most"""
JUDGED = 1000
"""seed of the mock stamps that are judged; others are tuned on"""
FOREST = 200
WALL = 6
Priors = Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """Numbers of some stamps.

    Args:
        names: of the quantities.
        values: [row, quantity].
        stamp: [row] which stamp it is of; a stamp of sky has a row for each band.
        all: [row, feature] everything that a stricter judge may see.
    """

    names: tuple[str, ...]
    values: np.ndarray
    stamp: np.ndarray
    all: np.ndarray


def measure(images: Tensor, case: both.Case) -> Measured:
    """Measure stamps [object, channel, y, x] of a data set, real or mock."""
    if case.name == "des_backgrounds":
        return pixels(images)
    channels = case.channels
    level, sigma = (part[..., None, None] for part in sky(images))
    sigma = sigma.maximum(case.least_sigma * images.amax((2, 3), keepdim=True))
    names = np.array([str(i) for i in range(len(images))])
    batch = Batch(names, images - level, channels, variance=sigma.square())
    found = morphometry.features(batch).numpy()
    column = dict(zip(morphometry.names(channels), found.T, strict=True))
    chosen = {
        "log size": np.log10(column["radius_half"].clip(0.1)),
        "concentration": column["concentration"],
        "asymmetry": column["asymmetry"],
        "log S/N": np.log10(column["snr"].clip(0.1)),
    }
    for name, values in column.items():
        if name.startswith("colour") and name.endswith("disc"):
            _, blue, red, _ = name.split("_")
            chosen[f"{blue} - {red}"] = values
    return Measured(
        tuple(chosen), np.stack(list(chosen.values()), 1), np.arange(len(names)), found
    )


def pixels(images: Tensor) -> Measured:
    """Statistics of the pixels of every stamp and band, in units of its own noise."""
    values = images.double().numpy()
    level = np.median(values, (2, 3), keepdims=True)
    sigma = 1.4826 * np.median(np.abs(values - level), (2, 3), keepdims=True)
    score = ((values - level) / sigma).clip(-10, 10)

    def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        # Of pixels of the sky: those within 3 sigma, both.
        fine = (np.abs(a) < 3) & (np.abs(b) < 3)
        return (a * b * fine).sum((2, 3)) / (0.5 * (a**2 + b**2) * fine).sum((2, 3))

    chosen = {
        "log sigma over its median": np.log10(sigma / np.median(sigma, 0))[..., 0, 0],
        "lag 1 in x": correlation(score[..., 1:], score[..., :-1]),
        "lag 1 in y": correlation(score[..., 1:, :], score[..., :-1, :]),
        "skewness": skew(score, (2, 3)),
        "log kurtosis": np.log10(3.5 + kurtosis(score, (2, 3))),
        "log above 3 sigma": np.log10((score > 3).mean((2, 3)) + 1e-3),
    }
    table = np.stack([v.ravel() for v in chosen.values()], 1)
    stamp = np.arange(len(values)).repeat(values.shape[1])
    return Measured(tuple(chosen), table, stamp, table)


def distances(real: Measured, mock: Measured) -> np.ndarray:
    """[quantity] Kolmogorov-Smirnov distance of real and mock."""
    pairs = zip(real.values.T, mock.values.T, strict=True)
    return np.array([ks_2samp(a[np.isfinite(a)], b[np.isfinite(b)]).statistic for a, b in pairs])


def tune(case: both.Case, real: Measured, trials: int, closer: int) -> Priors:
    """The priors of the least sum of distances; every trial sees the same random numbers."""
    rng, names = np.random.default_rng(0), list(case.ranges)
    low, high = np.array(list(case.ranges.values())).T
    count = min(DRAWN, int(real.stamp.max()) + 1)
    best, least = (low + high) / 2, np.inf
    for trial in range(trials + closer):
        point = rng.uniform(low, high)
        if trial >= trials:
            # One prior in three moves, by less and less.
            step = 0.3 * 0.95 ** (trial - trials) * (high - low) * rng.normal(size=len(low))
            point = (best + step * (rng.random(len(low)) < 1 / 3)).clip(low, high)
        priors = dict(zip(names, point.tolist(), strict=True))
        mock = measure(case.tuned(priors, count, 0), case)
        total = distances(real, mock).sum()
        if total < least:
            best, least = point, total
    return dict(zip(names, best.tolist(), strict=True))


def told_apart(real: Measured, mock: Measured, *, strict: bool) -> tuple[Interval, np.ndarray]:
    """AUROC of a random forest that takes mock for real, and what it looks at, [feature]."""
    parts = [m.all if strict else m.values for m in (real, mock)]
    table = np.nan_to_num(np.concatenate(parts), nan=-99.0)
    label = np.repeat([1, 0], [len(part) for part in parts])
    group = np.concatenate([real.stamp, mock.stamp + real.stamp.max() + 1])
    answer, weight = np.zeros(len(table)), np.zeros(table.shape[1])
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(
        table, label, group
    ):
        forest = RandomForestClassifier(
            FOREST, min_samples_leaf=3, class_weight="balanced", random_state=0
        ).fit(table[train], label[train])
        answer[test] = forest.predict_proba(table[test])[:, 1]
        weight += forest.feature_importances_ / 5
    # Stamps are resampled whole: the bands of one are not independent.
    area, (_, row) = (
        auroc_of(np.stack([1 - answer, answer], 1), label),
        np.unique(group, return_inverse=True),
    )
    return interval(lambda draws: area(draws[:, row]), int(row.max()) + 1, seed=0), weight


def table(real: Measured, before: Measured, after: Measured) -> str:
    """Median and 16-84 % of every quantity, and the distances."""
    lines = [f"{'':26}{'real':>22}{'mock, default':>22}{'mock, tuned':>22}   K-S before, after"]
    apart = [distances(real, mock) for mock in (before, after)]
    for number, name in enumerate(real.names):
        cells = []
        for one in (real, before, after):
            low, middle, high = np.nanpercentile(one.values[:, number], (16, 50, 84))
            cells.append(f"{middle:7.2f} ({low:5.2f}, {high:5.2f})")
        end = "   ".join(f"{a[number]:.2f}" for a in apart)
        lines.append(f"{name:26}" + "".join(f"{cell:>22}" for cell in cells) + f"   {end}")
    return "\n".join(lines)


def histograms(folder: Path, name: str, columns: Mapping[str, Measured]) -> None:
    """The quantities of real and mock stamps, side by side."""
    names = columns["real"].names
    figure, axes = plt.subplots(1, len(names), figsize=(2.6 * len(names), 2.6))
    for number, axis in enumerate(axes):
        together = np.concatenate([m.values[:, number] for m in columns.values()])
        least, most = np.nanpercentile(together, (1, 99))
        bins = np.linspace(least, most, 20)
        for label, measured in columns.items():
            filled = {"histtype": "stepfilled", "color": "0.8"} if label == "real" else {}
            axis.hist(
                measured.values[:, number],
                bins,
                density=True,
                label=label,
                **{"histtype": "step", **filled},
            )
        axis.set(xlabel=names[number], yticks=[])
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(folder / f"{name}_histograms.png", dpi=120)
    plt.close(figure)


def wall(folder: Path, name: str, columns: Mapping[str, Tensor]) -> None:
    """Stamps of each, chosen blindly, in the same stretch: asinh of the signal-to-noise."""
    figure, axes = plt.subplots(WALL, WALL * len(columns), figsize=(4 * len(columns), 4.4))
    for block, (label, images) in enumerate(columns.items()):
        level, sigma = (part[..., None, None] for part in sky(images[: WALL**2]))
        shown = torch.asinh((images[: WALL**2] - level) / sigma).mean(1).numpy()
        for number in range(WALL**2):
            axis = axes[number // WALL, block * WALL + number % WALL]
            axis.axis("off")
            if number < len(shown):
                axis.imshow(shown[number], cmap="gray", vmin=-1.5, vmax=5, origin="lower")
        axes[0, block * WALL].set_title(label, loc="left", fontsize=9)
    figure.subplots_adjust(0, 0, 1, 0.95, 0.03, 0.03)
    figure.savefig(folder / f"{name}_wall.png", dpi=110)
    plt.close(figure)


def judge(case: both.Case, out: Path, trials: int, closer: int) -> dict[str, Any]:
    """Tune, compare, print and draw one data set."""
    started = time.process_time()
    first = unit_hash(case.ids, "tune") < 0.5
    tuning, judged = (case.real[torch.from_numpy(rows)] for rows in (first, ~first))

    priors = tune(case, measure(tuning, case), trials, closer)
    images = {
        "real": judged,
        "mock, default": case.default(len(judged), JUDGED),
        "mock, tuned": case.tuned(priors, len(judged), JUDGED),
    }
    columns = {label: measure(values, case) for label, values in images.items()}
    real, before, after = columns.values()
    result: dict[str, Any] = {"n_real": len(judged)}
    print(f"\n{case.name}: {len(tuning)} real stamps to tune on, {len(judged)} to judge on")
    print(table(real, before, after))
    stricter = real.all.shape[1] > len(real.names)
    for suffix, strict in (("", False), ("_strict", True))[: 1 + stricter]:
        areas = [told_apart(real, mock, strict=strict) for mock in (before, after)]
        (old, _), (new, weight) = areas
        result |= {f"auroc_before{suffix}": old.value, f"auroc_after{suffix}": new.value}
        result |= {f"low{suffix}": new.low, f"high{suffix}": new.high}
        names = morphometry.names(case.channels) if strict else real.names
        looks = [f"{names[i]} {weight[i]:.2f}" for i in np.argsort(-weight)[:4]]
        print(
            f"AUROC{suffix} {old.value:.3f} before, {new.value:.3f} [{new.low:.3f}, "
            f"{new.high:.3f}] after; it looks at {', '.join(looks)}"
        )
    print("priors: " + ", ".join(f"{name} {value:.3g}" for name, value in priors.items()))
    histograms(out, case.name, columns)
    wall(out, case.name, images)
    print(f"{time.process_time() - started:.0f} s", flush=True)
    rounded = {key: round(value, 4) for key, value in result.items()}
    return rounded | {"priors": {name: round(value, 4) for name, value in priors.items()}}


def main() -> None:
    """Judge every data set and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=both.ROOT / "out" / "real_against_mock")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--closer", type=int, default=CLOSER)
    parser.add_argument("--only", choices=[case.__name__ for case in both.CASES])
    given = parser.parse_args()
    if not (both.DATA / "hsc_blends").is_dir():
        print(json.dumps({"name": "real_against_mock", "skipped": f"no data at {both.DATA}"}))
        return
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    results = {
        make.__name__: judge(make(), given.out, given.trials, given.closer)
        for make in both.CASES
        if given.only in (None, make.__name__)
    }
    print(json.dumps({"name": "real_against_mock", **results}))


if __name__ == "__main__":
    main()
