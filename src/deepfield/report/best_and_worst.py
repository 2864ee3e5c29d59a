"""The stamps of which a network was surest, right and wrong."""

import numpy as np
import torch

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Classes
from deepfield.report.figures import label
from deepfield.report.noise import channel_sigma
from deepfield.report.parts import Figure, Part, Text
from deepfield.report.stamps import stamp_wall


def best_and_worst(
    batch: Batch, answer: Classes, labels: np.ndarray, *, stamps: int = 12
) -> list[Part]:
    """The stamps of which a network was surest, right and wrong.

    Args:
        batch: the objects' images.
        answer: of the network; NaN = not measured.
        labels: [object] class numbers, -1 = not known.
        stamps: at most, of each.

    Example:
        >>> from deepfield.nouns.quantity import Quantity
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> batch = Batch(np.array(["a", "b"]), torch.zeros(2, 1, 8, 8), ("r",))
        >>> parts = best_and_worst(batch, Classes(kind, torch.eye(2)), np.array([0, 0]))
        >>> [part.title for part in parts]
        ['Surest and right', 'Surest and wrong']
    """
    probabilities = answer.probabilities.detach().double().cpu().numpy()
    measured = np.isfinite(probabilities).all(1)
    sure = np.nan_to_num(probabilities).max(1)
    said = np.nan_to_num(probabilities).argmax(1)
    known, right = measured & (labels >= 0), said == labels
    names = [label(name) for name in answer.quantity.classes]

    def wall(title: str, rows: np.ndarray, captions: list[str], words: str) -> Part:
        chosen = np.flatnonzero(rows)
        chosen = chosen[np.argsort(-sure[chosen], kind="stable")][:stamps]
        if not len(chosen):
            return Text("There is none.", title=title)
        shown = batch.take(torch.from_numpy(chosen).to(batch.values.device))
        images = shown.values.detach().cpu().numpy()
        figure = stamp_wall(images, [captions[i] for i in chosen], sigma=channel_sigma(shown))
        return Figure(figure, f"{words} {len(chosen)} of {int(rows.sum()):,}.", title=title)

    spoken = [f"{names[k]} {p:.2f}" for k, p in zip(said, sure, strict=True)]
    # An unknown label has no name, and is never drawn.
    truths = [f"{words}\ntrue: {names[k]}" for words, k in zip(spoken, labels, strict=True)]
    words = "The class said, with its probability"
    return [
        wall("Surest and right", known & right, spoken, f"{words}."),
        wall("Surest and wrong", known & ~right, truths, f"{words}, and the true one."),
    ]
