"""History: what training measured, one row an epoch."""

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepfield.nouns.whole import whole

FIGURE_SECONDS = 20.0  # drawing takes a second: seldom enough not to slow training


@dataclass
class History:
    """Rows of ``epoch``, ``step``, ``rate``, ``seconds``, ``train_*`` and ``validation_*``.

    ``train_loss`` is the mean over the epoch, with the weights as they moved; ``validation_loss``
    is measured after it. Where a task has several losses their sum is followed by each of them.

    Example:
        >>> history = History([{"epoch": 1, "validation_loss": 0.7},
        ...                    {"epoch": 2, "validation_loss": 0.5}])
        >>> history.column("validation_loss")
        [0.7, 0.5]
    """

    rows: list[dict[str, float]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def names(self) -> list[str]:
        """All columns, in the order in which they first appear."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def column(self, name: str) -> list[float]:
        """One number an epoch; NaN where an epoch has none.

        Raises:
            ValueError: no epoch has it; the message lists what there is.
        """
        if self.rows and name not in self.names():
            raise ValueError(f"the history has no {name!r}; it has {', '.join(self.names())}")
        return [row.get(name, float("nan")) for row in self.rows]

    def write(self, path: Path) -> None:
        """Write a CSV file: whole, or not at all."""
        with whole(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.names(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def figure(self) -> Figure:
        """Losses, scores and learning rate against the epoch."""
        figure = Figure(figsize=(10, 3.2))
        # Fixed margins: finding them takes longer than drawing.
        figure.subplots_adjust(left=0.07, right=0.99, bottom=0.16, top=0.97, wspace=0.3)
        losses, scores, rate = figure.subplots(1, 3)
        names = [name for name in self.names() if name.startswith(("train_", "validation_"))]
        self._lines(losses, [n for n in names if "_loss" in n], "loss", lambda n: n)
        self._lines(
            scores,
            [n for n in names if "_loss" not in n and self._is_fraction(n)],
            "validation score",
            lambda n: n.removeprefix("validation_"),
        )
        self._lines(rate, ["rate"], "learning rate", lambda n: n)
        if self.rows and min(self.column("rate")) > 0:
            rate.set_yscale("log")
        return figure

    def _is_fraction(self, name: str) -> bool:
        # Counts, such as the number of negatives, would flatten every score beside them.
        return all(not abs(value) > 1.0 for value in self.column(name))

    def _lines(self, axes: Axes, names: list[str], what: str, label: Callable[[str], str]) -> None:
        for name in names:
            style = ":" if name.startswith("train_") else "-"
            axes.plot(
                self.column("epoch"), self.column(name), style, marker=".", label=label(name)
            )
        axes.set(xlabel="epoch", ylabel=what)
        axes.grid(alpha=0.3)
        if names:
            axes.legend(fontsize=7)


class HistoryFiles:
    """``history.csv`` and ``history.png`` of a run, kept up to date at little cost.

    Args:
        directory: where they go.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._drawn = time.monotonic()

    def update(self, history: History) -> None:
        """After an epoch: the table, and the figure if the last one is old."""
        history.write(self.directory / "history.csv")
        if time.monotonic() - self._drawn > FIGURE_SECONDS:
            self._draw(history)

    def finish(self, history: History) -> None:
        """After training: table and figure of all epochs."""
        history.write(self.directory / "history.csv")
        self._draw(history)

    def _draw(self, history: History) -> None:
        with whole(self.directory / "history.png") as temporary:
            history.figure().savefig(temporary, dpi=110, format="png")
        self._drawn = time.monotonic()
