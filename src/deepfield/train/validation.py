"""Validation: losses and scores of objects that the network does not learn from."""

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Truth
from deepfield.nouns.contracts import Task
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.source import Source


def validate(
    net: nn.Module, task: Task, source: Source, *, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Mean losses, weighted by objects, and the task's scores over all objects at once.

    In evaluation mode and in float32, as the network will be used. Always the source's epoch 0:
    the same noise each time, so that two epochs differ by the network alone.

    Args:
        net: on ``device``; its mode is left as it was.
        source: the validation objects.
        batch_size: objects at a time; changes nothing but the speed.

    Returns:
        ``loss`` (the sum), ``loss_<name>`` where there are several, and every score.
    """
    sums: dict[str, float] = {}
    predictions: list[Prediction] = []
    truths: list[Truth] = []
    was_training = net.training
    net.eval()
    try:
        with torch.no_grad():
            for rows in torch.arange(len(source)).split(batch_size):
                batch = source.take(rows, 0).to(device)
                for name, loss in task.losses(net, batch).items():
                    sums[name] = sums.get(name, 0.0) + float(loss) * len(rows)
                predictions.append(task.predict(net, batch))
                if batch.truth is not None:
                    truths.append(batch.truth)
            means = {name: total / len(source) for name, total in sums.items()}
            scores = task.score(Prediction.join(predictions), _join(truths)) if truths else {}
    finally:
        net.train(was_training)
    return {**named_losses(means), **scores}


def named_losses(losses: dict[str, float]) -> dict[str, float]:
    """The sum as ``loss``, and every part of it where there are several.

    Example:
        >>> named_losses({"cross_entropy": 0.5}), named_losses({"a": 1.0, "b": 2.0})
        ({'loss': 0.5}, {'loss': 3.0, 'loss_a': 1.0, 'loss_b': 2.0})
    """
    parts = {f"loss_{name}": value for name, value in losses.items()}
    return {"loss": sum(losses.values()), **(parts if len(parts) > 1 else {})}


def _join(truths: list[Truth]) -> Truth:
    def column(name: str) -> Tensor:
        return torch.cat([truth[name] for truth in truths])

    return Truth({truths[0].quantity(name): column(name) for name in truths[0]})
