"""Deployed: a predictor whose network's trunk runs on another backend."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from deepfield.deploy.backends import Backend, Run
from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source

TRUNK = "trunk"
"""the submodule, tensor to tensor, where a network spends its time"""


class Networked(Protocol):
    """A predictor around a network: a frozen dataclass with the field ``net``."""

    @property
    def net(self) -> nn.Module:
        """With a submodule ``trunk``: [object, ...] -> [object, feature]."""
        ...

    def fit(self, source: Source) -> Any:
        """A fitted predictor."""
        ...

    def predict(self, batch: Batch) -> Prediction:
        """Answers for every object of the batch."""
        ...


class Trunk(nn.Module):
    """A trunk that a backend runs; without gradients."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        """[object, feature]."""
        return self.run(x.detach())


@dataclass(frozen=True)
class Deployed:
    """What was learnt, on a backend: the same answers, faster.

    Explanations need gradients: ask ``trained`` for them.

    Args:
        trained: the predictor as it was learnt.
        backend: where its trunk runs.
        example: a batch like those that will come; its objects set the batch size.

    Raises:
        ImportError, ValueError: the backend is not to be had here.

    Example:
        >>> from deepfield.deploy.backends import eager
        >>> deployed = Deployed(trained, eager, batch)  # doctest: +SKIP
        >>> deployed.predict(batch).columns()  # doctest: +SKIP
    """

    trained: Networked
    backend: Backend
    example: Batch = field(repr=False)
    fast: Any = field(init=False, repr=False)
    """the predictor itself, with all that it has, around the other trunk"""

    def __post_init__(self) -> None:
        trunk = self.trained.net.get_submodule(TRUNK).eval()
        run = self.backend(trunk, trunk_input(self.trained, self.example))
        # Told that the trunk is copied already, deepcopy takes the other one in its place.
        net = deepcopy(self.trained.net, {id(trunk): Trunk(run)})
        fast = replace(self.trained, net=net.eval())  # type: ignore[type-var]
        object.__setattr__(self, "fast", fast)

    def fit(self, source: Source) -> "Deployed":
        """Learn anew, and run on the same backend."""
        return replace(self, trained=self.trained.fit(source))

    def predict(self, batch: Batch) -> Prediction:
        """Answers for every object of the batch, as ``trained`` gives them."""
        return self.fast.predict(batch)


def trunk_input(trained: Networked, batch: Batch) -> Tensor:
    """What the trunk is handed when these objects are asked for: the first call's input.

    Raises:
        ValueError: the network has no trunk that takes one tensor.
    """
    try:
        trunk = trained.net.get_submodule(TRUNK)
    except AttributeError:
        raise ValueError(
            f"{type(trained.net).__name__} has no submodule {TRUNK}; it is what a backend runs"
        ) from None
    seen: list[tuple[Any, ...]] = []
    handle = trunk.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    try:
        trained.predict(batch)
    finally:
        handle.remove()
    if not seen or len(seen[0]) != 1 or not isinstance(seen[0][0], Tensor):
        raise ValueError("the trunk takes something else than one tensor; no backend can run it")
    # Made under inference mode, it could not be used outside of it.
    with torch.inference_mode(False):
        return seen[0][0].clone()
