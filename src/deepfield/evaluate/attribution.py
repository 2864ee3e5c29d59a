"""Attribution methods judged: do maps lie on the evidence, and change with what was learnt?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch
from deepfield.scores.attribution import (
    area,
    deletion,
    insertion,
    overlap,
    pointing_game,
    rank_correlation,
)

Method = Callable[[nn.Module, Batch, str], Tensor]
"""network, objects and a class -> [object, y, x] evidence for the class"""

TOLERANCE = 15 / 224
"""of the stamp's side: a hit may lie that far beside the evidence (Zhang+18, IJCV 126, 1084)"""
BESIDE = 2
"""px, of a hit on distinct evidence: the stride of the windows"""
STEPS = 12
ORDERS = 2
"""random orders that deletion and insertion are measured against"""
TESTED = 15
"""objects of the sanity checks"""
CHANGES = 0.5
"""rank correlation below which a map is another one"""
SHUFFLED, UNTRAINED = "shuffled", "untrained"


@dataclass(frozen=True)
class Examined:
    """Objects that the network is right about, and where the evidence lies.

    Args:
        batch: images.
        asked: [object] the class of each.
        support: [object, y, x] bool, pixels that hold the evidence; None = not known.
        distinct: as ``support``, where it is not outshone.
        companions: as ``support``, pixels of neighbours.
        parts: [object] names of what holds the evidence, such as arm; empty = not known.

    Raises:
        ValueError: no objects, or another number of classes.
    """

    batch: Batch
    asked: tuple[str, ...]
    support: Tensor | None = None
    distinct: Tensor | None = None
    companions: Tensor | None = None
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.asked or len(self.asked) != len(self.batch):
            raise ValueError(
                f"{len(self.asked)} classes for {len(self.batch)} objects; expected one each, and "
                "at least one object that the network is right about"
            )

    def take(self, rows: Tensor) -> "Examined":
        """Some of the objects, without their evidence."""
        return Examined(self.batch.take(rows), tuple(self.asked[i] for i in rows.tolist()))

    def apply(self, explain: Callable[[Batch, str], Tensor]) -> Tensor:
        """``explain(objects, class)`` of all objects, class by class, in their order."""
        found: list[Tensor] = []
        order: list[int] = []
        for what in dict.fromkeys(self.asked):
            rows = [i for i, asked in enumerate(self.asked) if asked == what]
            found.append(explain(self.batch.take(torch.tensor(rows)), what))
            order += rows
        return torch.cat(found)[torch.tensor(order).argsort()]


def judge(
    methods: Mapping[str, Method],
    net: nn.Module,
    examined: Examined,
    *,
    probability: Callable[[Batch, str], Tensor],
    blank: Tensor,
    forgetful: Mapping[str, nn.Module],
    seed: int = 0,
    step: Callable[[str], None] = lambda name: None,
) -> dict[str, dict[str, float]]:
    """Scores of attribution methods.

    ``pointing_game``: share of objects whose strongest pixel lies within 15/224 of the side of
    the evidence's support (and by part, ``pointing_game_arm``); ``pointing_game_distinct``:
    within 2 px of where the evidence isn't outshone; ``pointing_game_untrained``: the latter for
    a network that has learnt nothing. ``overlap`` of the strongest pixels with distinct evidence.
    ``on_companion``: share of objects with neighbours whose strongest pixel lies on one.
    ``deletion`` and ``insertion``: area under the curve of the class's probability while pixels
    turn into those of ``blank`` or back, strongest first, over that in random order: 1 is as good
    as random, deletion should be below and insertion above. ``sanity``: mean rank correlation of
    the absolute maps with those of a network whose parameters are all shuffled, by how many of
    its layers also ``sanity_25`` and so on; ``sanity_untrained``: with one that was initialised
    anew. Low is good.

    Args:
        methods: by name.
        net: the trained network.
        examined: objects; what is not known of them is not scored.
        probability: objects and a class -> [object].
        blank: [object, channel, y, x] what deleted pixels become.
        forgetful: other networks by name: ``shuffled``, ``untrained``, and any others.
        seed: of the random orders.
        step: called with a method's name when its turn comes.
    """
    chosen = torch.linspace(0, len(examined.asked) - 1, min(TESTED, len(examined.asked)))
    tested = chosen.round().long()
    few = examined.take(tested)
    order = torch.Generator().manual_seed(seed)
    shape = (ORDERS, len(blank), *blank.shape[2:])
    removed, restored = _areas(examined, torch.rand(shape, generator=order), probability, blank)
    scores: dict[str, dict[str, float]] = {}
    for name, method in methods.items():
        step(name)
        maps = examined.apply(lambda some, what, m=method: m(net, some, what))  # type: ignore[misc]
        found = pointed(maps, examined)
        taken, put = _areas(examined, maps[None], probability, blank)
        found |= {"deletion": taken / removed, "insertion": put / restored}
        for level, other in forgetful.items():
            forgot = few.apply(lambda some, what, m=method, n=other: m(n, some, what))  # type: ignore[misc]
            same = float(rank_correlation(forgot.abs(), maps[tested].abs()).nanmean())
            found["sanity" if level == SHUFFLED else f"sanity_{level}"] = same
            if level == UNTRAINED and examined.distinct is not None:
                known = examined.distinct[tested]
                found["pointing_game_untrained"] = pointing_game(forgot, known, tolerance=BESIDE)
        scores[name] = found
    return scores


def pointed(maps: Tensor, examined: Examined) -> dict[str, float]:
    """What of ``judge`` needs no network: where maps [object, y, x] are strongest."""
    found: dict[str, float] = {}
    if examined.support is not None:
        near = round(TOLERANCE * maps.shape[-1])
        found["pointing_game"] = pointing_game(maps, examined.support, tolerance=near)
        for part in dict.fromkeys(examined.parts):
            rows = torch.tensor([one == part for one in examined.parts])
            found[f"pointing_game_{part}"] = pointing_game(
                maps[rows], examined.support[rows], tolerance=near
            )
    if examined.distinct is not None:
        found["pointing_game_distinct"] = pointing_game(maps, examined.distinct, tolerance=BESIDE)
        found["overlap"] = overlap(maps, examined.distinct)
    if examined.companions is not None:
        found["on_companion"] = pointing_game(maps, examined.companions)
    return found


def default(scores: Mapping[str, Mapping[str, float]]) -> str:
    """The method to show: of those whose maps change when the network forgets, the best.

    Best at pointing at distinct evidence; where that is not known, at deletion. If no map
    changes, the one that changes most.

    Args:
        scores: of ``judge``.

    Example:
        >>> default({
        ...     "edges": {"sanity": 0.9, "pointing_game_distinct": 1.0, "deletion": 0.2},
        ...     "good": {"sanity": 0.1, "pointing_game_distinct": 0.9, "deletion": 0.5},
        ...     "poor": {"sanity": 0.0, "pointing_game_distinct": 0.1, "deletion": 0.9},
        ... })
        'good'
    """
    passing = [name for name, found in scores.items() if changes(found)]
    if not passing:
        return min(scores, key=lambda name: _unchanged(scores[name]))
    return max(
        passing,
        key=lambda name: (
            scores[name].get("pointing_game_distinct", 0.0),
            -scores[name]["deletion"],
        ),
    )


def changes(found: Mapping[str, float]) -> bool:
    """Whether a method's maps change when the network forgets what it has learnt.

    Args:
        found: its scores; a map that is constant (NaN) has not changed.

    Example:
        >>> changes({"sanity": 0.1, "sanity_untrained": 0.7})
        False
    """
    return _unchanged(found) < CHANGES


def _unchanged(found: Mapping[str, float]) -> float:
    levels = [found.get("sanity", 1.0), found.get(f"sanity_{UNTRAINED}", 0.0)]
    return max(1.0 if level != level else abs(level) for level in levels)


def _areas(
    examined: Examined,
    maps: Tensor,
    probability: Callable[[Batch, str], Tensor],
    blank: Tensor,
) -> tuple[float, float]:
    """Mean areas under deletion and insertion curves of maps [order, object, y, x]."""
    values = examined.batch.values.nan_to_num()

    def score(changed: Tensor) -> Tensor:
        return replace(examined, batch=replace(examined.batch, values=changed)).apply(probability)

    areas = [
        [
            float(area(curve(score, values, one, baseline=blank, steps=STEPS)).mean())
            for curve in (deletion, insertion)
        ]
        for one in maps
    ]
    taken, put = torch.tensor(areas).mean(0).tolist()
    return taken, put
