"""Classification: which of several exclusive classes an object belongs to."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.prediction import Classes, Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.scores.calibration import calibration_error
from deepfield.scores.classification import accuracy, auroc, true_positive_rate_at


@dataclass(frozen=True)
class Classification:
    """Probabilities of classes, from labels or from soft labels (fractions that sum to 1).

    The network gives one number a class; its softmax are the probabilities. Objects with label
    -1 or NaN fractions are left out of the loss and the scores.

    Args:
        quantity: the question; its ``classes`` are the columns.
        weights: of the classes in the loss, [class]; None = equal.

    Raises:
        ValueError: the quantity has no classes.

    Example:
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> task = Classification(kind)
        >>> prediction = Prediction({"kind": Classes(kind, torch.eye(2))})
        >>> task.score(prediction, Truth({kind: torch.tensor([0, 1])}))["accuracy"]
        1.0
    """

    quantity: Quantity
    weights: tuple[float, ...] | None = None
    players: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.quantity.classes:
            raise ValueError(f"{self.quantity.name} has no classes; classification needs them")

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The question alone."""
        return (self.quantity,)

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Mean cross-entropy of the objects whose label is known."""
        if batch.truth is None:
            raise ValueError(f"the batch has no truth; training needs {self.quantity.name}")
        labels = batch.truth[self.quantity.name]
        logits = net(batch).float()
        weight = None if self.weights is None else logits.new_tensor(self.weights)
        if labels.is_floating_point():
            known = labels.isfinite().all(1)
            labels = labels.nan_to_num()
            per_object = F.cross_entropy(logits, labels, weight=weight, reduction="none")
        else:
            known = labels >= 0
            per_object = F.cross_entropy(logits, labels.clamp(min=0), weight, reduction="none")
        return {"cross_entropy": (per_object * known).sum() / known.sum().clamp(min=1)}

    def calibrate(self, net: nn.Module, source: Source) -> None:
        """Nothing: softmax probabilities come out calibrated enough."""

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        """Probabilities of the classes."""
        return Prediction(
            {self.quantity.name: Classes(self.quantity, net(batch).float().softmax(1))}
        )

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        """Accuracy, AUROC, calibration error; TPR0 and TPR10 of two classes (Metcalf+19).

        Objects without a measurement (NaN) or a label are left out. ``accuracy_visible`` where
        the truth says which objects' features can be seen at all.
        """
        answer = prediction[self.quantity.name]
        assert isinstance(answer, Classes)
        probabilities, labels = answer.probabilities, truth[self.quantity.name]
        if labels.is_floating_point():
            labels = torch.where(labels.isfinite().all(1), labels.argmax(1), -1)
        use = probabilities.isfinite().all(1) & (labels >= 0)
        probabilities, labels = probabilities[use], labels[use]
        if not len(labels):
            return {"accuracy": torch.nan}
        scores = {
            "accuracy": accuracy(probabilities, labels),
            "auroc": auroc(probabilities, labels),
            "calibration_error": calibration_error(probabilities, labels),
        }
        if "visible" in truth:
            seen = truth["visible"][use] > 0.5
            scores["accuracy_visible"] = accuracy(probabilities[seen], labels[seen])
            scores["visible_fraction"] = float(seen.float().mean())
        if len(self.quantity.classes) == 2:
            positive = labels == 1
            for count in (0, 10):
                scores[f"tpr{count}"] = true_positive_rate_at(
                    probabilities[:, 1], positive, count
                )[0]
            scores["negatives"] = float((~positive).sum())
        return scores
