"""Recipe and Claim: a system of the literature, and what it must reproduce."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from deepfield.nouns.contracts import Predictor, Rival, Task
from deepfield.nouns.source import Source


@dataclass(frozen=True)
class Claim:
    """A number that a system must reach.

    Args:
        metric: its name in ``scores.json``.
        at_least, at_most: bounds on the network's value; None = none.
        paper: what the paper's network scored, and ``rival_paper`` its classical rival.
        source: where the bound or the paper's numbers come from.
        over: a rival; bounds are then of the network's value over this rival's.
    """

    metric: str
    source: str
    at_least: float | None = None
    at_most: float | None = None
    paper: float | None = None
    rival_paper: float | None = None
    over: str | None = None

    def holds(self, value: float) -> bool:
        """Whether a measured value keeps the bounds; NaN does not.

        Example:
            >>> Claim("accuracy", "here", at_least=0.9).holds(0.95)
            True
        """
        above = self.at_least is None or value >= self.at_least
        below = self.at_most is None or value <= self.at_most
        return value == value and above and below


@dataclass(frozen=True)
class Recipe:
    """A paper on one screen: all that is needed to train, compare and run a system.

    Built by one function whose first argument is the training source: the user's or the mock.

    Args:
        name: as on the command line.
        net: an untrained network.
        task: the question.
        training: settings of ``train.fit``.
        rivals: classical methods by name.
        claims: what must hold on the mock sky.
        source: what it learns from.
        views: orientations of every stamp that a prediction pools, 1 to 8.
        corrections: predictors made of the trained network, by name: judged beside the rivals.
        challenges: the test objects seen otherwise, by name: every method answers again for what
            each makes of the judged source, and is scored as ``<metric>_<name>``.
    """

    name: str
    net: nn.Module
    task: Task
    training: Any
    rivals: Mapping[str, Callable[[], Rival]]
    claims: tuple[Claim, ...]
    source: Source
    views: int = 1
    corrections: Mapping[str, Callable[[Any], Predictor]] = field(default_factory=dict)
    challenges: Mapping[str, Callable[[Source], Source]] = field(default_factory=dict)
