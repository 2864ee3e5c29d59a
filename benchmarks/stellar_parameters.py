"""Stars: the network beside chi-square, regression and the Cramer-Rao bound, and the crossover.

Run: ``python benchmarks/stellar_parameters.py`` (about ten minutes of one core; ``--epochs`` and
``--objects`` for less). Spectra and medium bands of the same stars are learnt, and judged on stars
that neither has seen. The last line is one JSON object.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from deepfield.data.simulated_stars import SimulatedStars
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.recipe import Recipe
from deepfield.recipes.stellar_parameters import mock, mock_bands, stellar_parameters
from deepfield.scores.bootstrap import paired_gap
from deepfield.scores.errors import rmse_of
from deepfield.sky.instruments import medium_bands, spectrograph
from deepfield.sky.stars import PARAMETERS
from deepfield.tasks.density import POSTERIOR
from deepfield.train.trained import Trained
from deepfield.weights.files import predictor

NOISE = (5, 10, 20, 30, 50, 70, 100)


@dataclass(frozen=True)
class Learnt:
    """A recipe and its trained, calibrated network."""

    recipe: Recipe
    network: Trained

    @classmethod
    def of(cls, source: SimulatedStars, epochs: int) -> "Learnt":
        """Train on a source; says how long that took."""
        recipe = stellar_parameters(source, epochs=epochs)
        began = time.process_time()
        pixels = len(source.instrument.wavelength)
        unfitted = predictor(recipe, channels=source.channels, size=pixels)
        network = unfitted.fit(source)
        name = " ".join(source.grid) or "bands"
        print(f"{name}: trained in {time.process_time() - began:.0f} s of one core")
        return cls(recipe, network)

    def posterior(self, batch: Batch) -> Posterior:
        """What the network says of every star."""
        answer = self.network.predict(batch)[POSTERIOR]
        assert isinstance(answer, Posterior)
        return answer


def errors(posterior: Posterior, truth: Truth) -> np.ndarray:
    """[object, parameter] median minus truth."""
    medians = posterior.quantiles([0.5])[:, :, 0].numpy()
    return medians - np.stack([truth[name].numpy() for name in PARAMETERS], 1)


def main() -> None:
    """Train, compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=50000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--test", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--figure", type=Path, default=None)
    asked = parser.parse_args()
    counts = {"train": asked.objects, "validation": 2000}
    console, said = Console(width=100), {}
    both = {
        "spectra": Learnt.of(mock(objects=counts, seed=0), asked.epochs),
        "bands": Learnt.of(mock_bands(objects=counts, seed=0), asked.epochs),
    }
    recipe = both["spectra"].recipe
    batch = mock(objects={"test": asked.test}, seed=asked.seed).part("test")
    batch = batch.take(torch.arange(asked.test), 0)
    posteriors, seconds = {}, {}
    began = time.process_time()
    posteriors["network"] = both["spectra"].posterior(batch)
    seconds["network"] = (time.process_time() - began) / asked.test
    for name, make in recipe.rivals.items():
        rival = make().fit(recipe.source)
        began = time.process_time()
        posteriors[name] = rival.predict(batch)["posterior"]
        seconds[name] = (time.process_time() - began) / asked.test
    off = {name: errors(posterior, batch.truth) for name, posterior in posteriors.items()}
    for i, parameter in enumerate(PARAMETERS):
        table = Table(title=f"{parameter}, {asked.test:,} unseen stars")
        for column in ("method", "rmse", "net - rival, 95 %", "error / bound", "by S/N", "68 %"):
            table.add_column(column)
        for name, posterior in posteriors.items():
            scores = recipe.task.score(Prediction({POSTERIOR: posterior}), batch.truth)
            gap = paired_gap(
                rmse_of(off["network"][:, i]), rmse_of(off[name][:, i]), asked.test, draws=500
            )
            levels = (scores.get(f"cramer_rao_ratio_{parameter}_sn{n}") for n in (10, 20, 50, 100))
            table.add_row(
                name,
                f"{scores[f'rmse_{parameter}']:.4f}",
                f"{gap.low:+.4f} to {gap.high:+.4f}" if name != "network" else "",
                f"{scores[f'cramer_rao_ratio_{parameter}']:.3f}",
                " ".join("-" if x is None else f"{x:.2f}" for x in levels),
                f"{scores[f'coverage_68_{parameter}']:.3f}",
            )
            said[f"{name}_ratio_{parameter}"] = scores[f"cramer_rao_ratio_{parameter}"]
            said[f"{name}_rmse_{parameter}"] = scores[f"rmse_{parameter}"]
        console.print(table)
    print("ms a star:", {name: round(1e3 * each, 3) for name, each in seconds.items()})
    curves = crossover(both, asked.test // 2, asked.seed)
    shown(curves, console)
    for parameter in PARAMETERS:
        said[f"crossover_{parameter}"] = reached(curves, parameter)
    if asked.figure is not None:
        figure(curves, asked.figure)
    print(json.dumps(said))


def crossover(both: dict[str, Learnt], count: int, seed: int) -> dict[str, np.ndarray]:
    """By instrument, [signal-to-noise, parameter] root mean squared errors of the same stars."""
    curves = {}
    for name, learnt in both.items():
        rows = []
        for noise in NOISE:
            source = SimulatedStars(
                {"test": count},
                seed,
                instrument=spectrograph() if learnt.recipe.source.grid else medium_bands(),
                signal_to_noise=(noise, noise),
                split="test",
            )
            batch = source.take(torch.arange(count), 0)
            rows.append(np.sqrt(np.square(errors(learnt.posterior(batch), batch.truth)).mean(0)))
        curves[name] = np.array(rows)
    return curves


def reached(curves: dict[str, np.ndarray], parameter: str) -> float:
    """Signal-to-noise of a band at which bands do as well as spectra at 10; NaN = nowhere."""
    i = PARAMETERS.index(parameter)
    goal = curves["spectra"][NOISE.index(10), i]
    bands = np.minimum.accumulate(curves["bands"][:, i])
    if bands[-1] > goal:
        return float("nan")
    return float(np.exp(np.interp(-goal, -bands, np.log(NOISE))))


def shown(curves: dict[str, np.ndarray], console: Console) -> None:
    """The curves as a table."""
    table = Table(title="Root mean squared error by signal-to-noise: spectra | medium bands")
    table.add_column("S/N")
    for parameter in PARAMETERS:
        table.add_column(parameter)
    for row, noise in enumerate(NOISE):
        table.add_row(
            str(noise),
            *(
                f"{curves['spectra'][row, i]:.4f} | {curves['bands'][row, i]:.4f}"
                for i in range(3)
            ),
        )
    console.print(table)


def figure(curves: dict[str, np.ndarray], path: Path) -> None:
    """The curves as a figure."""
    drawn, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    for i, (axis, parameter) in enumerate(zip(axes, PARAMETERS, strict=True)):
        for name, curve in curves.items():
            axis.loglog(NOISE, curve[:, i], "o-", label=name)
        axis.set(
            xlabel="signal-to-noise per element or band", ylabel=f"rms error of {parameter}, dex"
        )
        axis.axhline(curves["spectra"][NOISE.index(10), i], color="0.7", lw=1)
    axes[0].legend()
    drawn.savefig(path)


if __name__ == "__main__":
    main()
