"""Display: what training shows while it runs."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from deepfield.train.history import History
from deepfield.train.run import Run

REFRESH_SECONDS = 0.25


class Display:
    """A live line on a terminal, one line an epoch elsewhere, nothing if not shown.

    Drawing is left out of most steps: it costs a clock reading a step and a millisecond four
    times a second.

    Args:
        epochs: at most.
        steps: of one epoch.
        monitor: the validation quantity to show beside the loss; for ``loss`` the first score.
        shown: whether to show anything.
    """

    def __init__(self, epochs: int, steps: int, monitor: str, shown: bool) -> None:
        self._epochs, self._steps, self._monitor = epochs, steps, monitor
        self._console = Console()
        self._lines = shown and not self._console.is_terminal
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.fields[loss]}  {task.fields[validation]}"),
            TextColumn("rate {task.fields[rate]:.2g}"),
            TimeRemainingColumn(),
            console=self._console,
            auto_refresh=False,
            disable=not shown or self._lines,
        )
        self._bar = self._progress.add_task(
            "",
            total=epochs * steps,
            epoch=f"1/{epochs}",
            loss="",
            rate=0.0,
            validation="",
        )
        self._live = not self._progress.disable
        self._drawn = 0.0

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._progress.stop()

    def step(self, run: Run, now: float) -> None:
        """After an update, at this time of the monotonic clock."""
        if not self._live or now - self._drawn < REFRESH_SECONDS:
            return
        self._drawn = now
        epoch = len(run.history)
        self._progress.update(
            self._bar,
            completed=epoch * self._steps + run.step,
            epoch=f"{epoch + 1}/{self._epochs}",
            loss=f"loss {sum(run.means().values()):.4f}",
            rate=run.rate,
            refresh=True,
        )

    def epoch(self, history: History) -> None:
        """After an epoch: the last row of the history."""
        row = history.rows[-1]
        scores = [n for n in row if n.startswith("validation_") and "_loss" not in n]
        watched = f"validation_{self._monitor}"
        text = f"validation loss {row['validation_loss']:.4f}"
        for name in [watched] if watched in scores else scores[:1]:
            text += f", {name.removeprefix('validation_')} {row[name]:.4f}"
        self._progress.update(
            self._bar,
            completed=row["epoch"] * self._steps,
            epoch=f"{row['epoch']}/{self._epochs}",
            loss=f"loss {row['train_loss']:.4f}",
            rate=row["rate"],
            validation=text,
            refresh=self._live,
        )
        if self._lines:
            self._console.print(
                f"epoch {row['epoch']}/{self._epochs}: loss {row['train_loss']:.4f}, {text}, "
                f"rate {row['rate']:.2g}, {row['seconds']:.1f} s",
                highlight=False,
                soft_wrap=True,
            )
