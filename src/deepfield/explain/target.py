"""Target: the number that is explained, one for each object.

Nothing in this folder knows of classes. A target is any function of a batch that gives one number
an object and is differentiable in ``batch.values``: a probability or its log-odds, the mean or the
width of a posterior, one pixel of a map, one unit of a hidden layer (``explain.units``).

An attribution method is a function ``(target, batch, ...) -> [object, channel, y, x]`` in the
pixels that the batch holds (nJy), before the network stretches them.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch
from deepfield.nouns.contracts import Task
from deepfield.nouns.prediction import Answer, Classes

Target = Callable[[Batch], Tensor]


def answer(net: nn.Module, task: Task, name: str, what: str, *, size: int | None = None) -> Target:
    """One number of one of a task's answers, such as the probability of a class.

    Args:
        net: the network, which goes into evaluation mode.
        task: turns its numbers into answers.
        name: of the answer, and ``what`` its ``scalar``.
        size: the side that the network has learnt from, px; larger stamps are refused.

    Returns:
        a target; called on a batch it raises ValueError where the task has no such answer, the
        answer no such number, or the stamps are too large.

    Example:
        >>> from deepfield.nouns.quantity import Quantity
        >>> from deepfield.tasks.classification import Classification
        >>> class Sums(nn.Module):
        ...     def forward(self, batch):
        ...         return batch.values.sum((2, 3))
        >>> kind = Classification(Quantity("kind", classes=("smooth", "spiral")))
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.zeros(1, 2, 4, 4), ("g", "r"))
        >>> answer(Sums(), kind, "kind", "spiral")(batch).tolist()
        [0.5]
    """
    net.eval()

    return lambda batch: _asked(net, task, name, size, batch).scalar(what)


def output(net: nn.Module, number: int) -> Target:
    """One of the numbers that a network gives, such as a class's score before the softmax.

    Args:
        net: [object, outputs] of a batch; it goes into evaluation mode.
        number: which output.

    Returns:
        a target; called on a batch it raises ValueError where there is no such output.

    Example:
        >>> import numpy as np
        >>> class Sums(nn.Module):
        ...     def forward(self, batch):
        ...         return batch.values.sum((2, 3))
        >>> output(Sums(), 1)(Batch(np.array(["a"]), torch.ones(1, 2, 4, 4), ("g", "r"))).tolist()
        [16.0]
    """
    net.eval()

    def target(batch: Batch) -> Tensor:
        numbers = net(batch)
        if not 0 <= number < numbers.shape[1]:
            raise ValueError(f"no output {number}; the network gives 0 to {numbers.shape[1] - 1}")
        return numbers[:, number]

    return target


def log_odds(
    net: nn.Module, task: Task, name: str, what: str, *, size: int | None = None
) -> Target:
    """Log-odds of a class, which have a slope also where the network is sure.

    A probability near 1 has none: its difference from 1 is below the precision of its numbers, so
    that the other classes' probabilities are what is summed.

    Args:
        net, task, name, what, size: as in ``answer``, of exclusive classes.

    Returns:
        a target; called on a batch it raises ValueError as that of ``answer`` does, or where the
        answer is not one of classes.
    """
    net.eval()

    def target(batch: Batch) -> Tensor:
        given = _asked(net, task, name, size, batch)
        if not isinstance(given, Classes):
            raise ValueError(
                f"{name} is a {type(given).__name__}, not classes; log-odds need probabilities"
            )
        mine = given.scalar(what)
        others = [label for label in given.quantity.classes if label != what]
        rest = torch.stack([given.scalar(label) for label in others]).sum(0)
        return mine.clamp(min=1e-30).log() - rest.clamp(min=1e-30).log()

    return target


def evaluate(target: Target, batch: Batch) -> Tensor:
    """What the target gives for a batch: [object].

    Raises:
        ValueError: another shape than one number an object.
    """
    numbers = target(batch)
    if numbers.shape != (len(batch),):
        raise ValueError(
            f"the target gives shape {tuple(numbers.shape)} for {len(batch)} objects; expected "
            "one number each: choose a class, a mean or a pixel"
        )
    return numbers


def images(batch: Batch) -> Batch:
    """The batch's images alone: finite, without truth.

    Raises:
        ValueError: not a batch of images.
    """
    if batch.grid != ("y", "x"):
        raise ValueError(f"the batch's grid is {batch.grid}; expected images: ('y', 'x')")
    values = batch.values.detach().nan_to_num(0.0, 0.0, 0.0)
    return replace(batch, values=values, truth=None)


def _asked(net: nn.Module, task: Task, name: str, size: int | None, batch: Batch) -> Answer:
    largest = max(batch.values.shape[2:], default=0)
    if size is not None and largest > size:
        raise ValueError(
            f"the stamps are {largest} px; the network has seen {size} px at most: cut them to "
            f"{size} px"
        )
    prediction = task.predict(net, batch)
    if name not in prediction:
        raise ValueError(f"the task has no answer {name!r}; it has {', '.join(prediction)}")
    return prediction[name]
