"""Experiment: one question of practice, answered over five seeds with intervals.

Every run is kept in ``<out>/<name>.json`` as soon as it ends, so that a killed experiment goes on
where it was. A seed stands for another training set, other noise, other initial weights and
another order; all curves of a seed share them, so that differences are paired. Intervals are 95 %
over the seeds: Student's, and Wilson's for shares of runs. The figure goes to
``<out>/<name>.png``, the last line printed is one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student

from deepfield.nouns.whole import whole
from deepfield.report.experiment import seed_curves
from deepfield.scores.binomial import binomial_interval
from deepfield.scores.bootstrap import Interval

SEEDS = 5
LEVEL = 0.95
OUT = Path("out/advice")
Choice = float | str
Run = Callable[[str, Choice, int, Path], Mapping[str, float]]


@dataclass(frozen=True)
class Budget:
    """How much an experiment may use.

    Args:
        objects: of a training set.
        updates: of a network, on 32 objects each.
        tested: objects that are judged on.
        pool: objects that training sets are drawn from.
    """

    objects: int = 1000
    updates: int = 120
    tested: int = 1000
    pool: int = 4000


@dataclass(frozen=True)
class Experiment:
    """A question, the choices that it compares, and how one of them is measured.

    Args:
        name: of its files.
        question: one sentence.
        curves: methods.
        choices: along the horizontal axis, ``x`` its label.
        metrics: names of what a run gives that are drawn -> axis labels.
        run: (curve, choice, seed, folder) -> numbers by name; the same for the same arguments.
        ours, peer: (curve, choice) that the last line compares in the first metric.
        settings: all else that decides the numbers; kept results with others are not used.
        shares: metrics that are 1 or 0 in every run; their means have binomial intervals.
        log_x, log_y: whether axes are logarithmic; ``log_y`` names metrics.
        conclude: more for the last line, from the results.
    """

    name: str
    question: str
    curves: tuple[str, ...]
    choices: tuple[Choice, ...]
    x: str
    metrics: Mapping[str, str]
    run: Run
    ours: tuple[str, Choice]
    peer: tuple[str, Choice]
    settings: str = ""
    shares: tuple[str, ...] = ()
    log_x: bool = False
    log_y: tuple[str, ...] = ()
    conclude: Callable[["Results"], dict[str, Any]] = field(default=lambda results: {})


@dataclass(frozen=True)
class Points:
    """One number of a curve's choices: [choice, seed], and the limits of its mean.

    Args:
        runs: [choice, seed].
        share: whether every number is 1 or 0.
    """

    runs: np.ndarray
    share: bool = False

    @cached_property
    def _limits(self) -> np.ndarray:
        interval = of_share if self.share else over_seeds
        return np.array([interval(row) for row in self.runs])

    @property
    def mean(self) -> np.ndarray:
        """[choice] over the seeds."""
        return self._limits[:, 0]

    @property
    def low(self) -> np.ndarray:
        """[choice] lower limit of the mean."""
        return self._limits[:, 1]

    @property
    def high(self) -> np.ndarray:
        """[choice] upper limit of the mean."""
        return self._limits[:, 2]


@dataclass(frozen=True)
class Results:
    """Every run of an experiment.

    Args:
        experiment: that was run.
        seeds: how many.
        runs: by curve, choice and seed.
    """

    experiment: Experiment
    seeds: int
    runs: Mapping[str, Mapping[str, float]]

    def points(self, metric: str, curve: str) -> Points:
        """A number of all choices and seeds of a curve."""
        rows = [self.of(metric, curve, choice) for choice in self.experiment.choices]
        return Points(np.array(rows), metric in self.experiment.shares)

    def of(self, metric: str, curve: str, choice: Choice) -> np.ndarray:
        """[seed] a number of one choice; NaN where a run has none."""
        keys = [_key(curve, choice, seed) for seed in range(self.seeds)]
        return np.array([self.runs[key].get(metric, np.nan) for key in keys], dtype=float)


def over_seeds(values: np.ndarray) -> Interval:
    """The mean of some runs with Student's interval; NaN are left out.

    Source: Student 1908, Biometrika 6, 1.

    Example:
        >>> print(*(round(x, 2) for x in over_seeds(np.array([0.6, 0.7, 0.8]))))
        0.7 0.45 0.95
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, np.nan, np.nan)
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    half = float(student.ppf(0.5 + LEVEL / 2, len(values) - 1)) * error
    return Interval(mean, mean - half, mean + half)


def of_share(values: np.ndarray) -> Interval:
    """The share of runs with a 1, with Wilson's interval.

    Example:
        >>> print(*(round(x, 2) for x in of_share(np.array([1, 0, 0, 0, 0]))))
        0.2 0.04 0.62
    """
    low, high = binomial_interval(values.sum(), len(values), level=LEVEL)
    return Interval(float(values.mean()), float(low), float(high))


def perform(experiment: Experiment, out: Path, *, seeds: int = SEEDS) -> Results:
    """Run what is not kept yet; keep every run when it ends.

    Args:
        experiment: to run.
        out: folder of the kept runs and of the stamps.
        seeds: from 0.
    """
    path = out / f"{experiment.name}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    runs = kept["runs"] if kept.get("settings") == experiment.settings else {}
    for seed in range(seeds):
        for curve in experiment.curves:
            for choice in experiment.choices:
                key = _key(curve, choice, seed)
                if key in runs:
                    continue
                began = time.process_time()
                found = experiment.run(curve, choice, seed, out)
                # JSON has no NaN: what is not finite is left out.
                runs[key] = {n: float(v) for n, v in found.items() if np.isfinite(v)}
                runs[key]["seconds"] = round(time.process_time() - began, 2)
                with whole(path) as temporary:
                    temporary.write_text(
                        json.dumps({"settings": experiment.settings, "runs": runs}, indent=1)
                    )
    return Results(experiment, seeds, runs)


def summary(results: Results) -> dict[str, Any]:
    """What the last line says: the two choices that are compared, and their difference."""
    experiment = results.experiment
    metric = next(iter(experiment.metrics))
    ours, peer = (results.of(metric, *which) for which in (experiment.ours, experiment.peer))
    mine, other, gap = over_seeds(ours), over_seeds(peer), over_seeds(ours - peer)
    seconds = sum(run.get("seconds", 0.0) for run in results.runs.values())
    found = {
        "name": f"advice/{experiment.name}",
        "ratio": mine.value / other.value,
        "ours": mine.value,
        "peer": other.value,
        "ours_is": " ".join(map(str, experiment.ours)),
        "peer_is": " ".join(map(str, experiment.peer)),
        "metric": metric,
        "ours_interval": [mine.low, mine.high],
        "peer_interval": [other.low, other.high],
        "difference": list(gap),
        "seeds": results.seeds,
        "seconds": seconds,
        **experiment.conclude(results),
    }
    return {name: _rounded(value) for name, value in found.items()}


def table(results: Results) -> str:
    """Mean and limits of every metric, a row a choice of a curve."""
    experiment = results.experiment
    lines = [experiment.question, f"{'':44}" + "".join(f"{m:>27}" for m in experiment.metrics)]
    for curve in experiment.curves:
        columns = [results.points(metric, curve) for metric in experiment.metrics]
        for row, choice in enumerate(experiment.choices):
            cells = [
                f"{c.mean[row]:.4g} [{c.low[row]:.4g}, {c.high[row]:.4g}]"
                if np.isfinite(c.mean[row])
                else "-"
                for c in columns
            ]
            name = f"{curve}, {choice if isinstance(choice, str) else f'{choice:g}'}"
            lines.append(f"{name:44}" + "".join(f"{cell:>27}" for cell in cells))
    return "\n".join(lines)


def draw(results: Results, path: Path) -> None:
    """The experiment's figure."""
    experiment = results.experiment
    labels = experiment.metrics
    figure = seed_curves(
        {
            label: {curve: results.points(metric, curve) for curve in experiment.curves}
            for metric, label in labels.items()
        },
        experiment.choices,
        x=experiment.x,
        log_x=experiment.log_x,
        log_y=[labels[metric] for metric in experiment.log_y],
    )
    with whole(path) as temporary:
        figure.savefig(temporary, dpi=90, format="png", metadata={"Software": None})


def main(experiment: Experiment) -> None:
    """Run from the command line: table, figure, one line of JSON."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=experiment.question)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    given = parser.parse_args()
    results = perform(experiment, given.out, seeds=given.seeds)
    print(table(results))
    draw(results, given.out / f"{experiment.name}.png")
    print(json.dumps(summary(results)))


def _key(curve: str, choice: Choice, seed: int) -> str:
    return f"{curve} | {choice} | {seed}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}") if np.isfinite(value) else None
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return value
