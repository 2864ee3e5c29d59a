"""YOLO's loss: boxes, how sure they are, and classes, from one grid of cells."""

import torch
import torch.nn.functional as F
from torch import Tensor

from deepfield.losses.box import iou

# Below this width or height, as a share of the image, a square root has no useful slope.
SMALLEST = 1e-8


def yolo(
    predicted: Tensor, true: Tensor, *, coordinates: float = 5.0, no_object: float = 0.5
) -> dict[str, Tensor]:
    """The five terms of the loss, weighted; their sum is the loss.

    A cell answers for the object whose centre lies in it, with the one of its boxes that
    overlaps it most (the first of those that tie). That box should be as sure as it overlaps;
    every other box, there and elsewhere, not sure at all. Square roots make the same error
    count more on small boxes.

    Source: Redmon et al. 2016 (CVPR), arXiv:1506.02640, eq. 3.

    Args:
        predicted: [image, 5 boxes + class, y, x of cell]: (x, y, width, height, confidence) of
            each box, then the probabilities of the classes. x and y count from the cell's corner
            in cells; width and height are shares of the image, at least 0.
        true: [image, 5 + class, y, x of cell]: the same with one box, whose confidence is 1
            where the cell has an object and 0 elsewhere; the rest counts only where it is 1.
        coordinates: weight of ``position`` and ``size``.
        no_object: weight of ``no_object``.

    Returns:
        ``position``, ``size``, ``confidence``, ``no_object`` and ``classes``: sums over cells and
        boxes, averaged over images.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> true = torch.tensor([0.5, 0.5, 0.2, 0.2, 1.0, 1.0]).reshape(1, 6, 1, 1)
        >>> guess = torch.tensor([0.5, 0.9, 0.2, 0.2, 0.0, 1.0]).reshape(1, 6, 1, 1)
        >>> {name: round(float(term), 3) for name, term in yolo(guess, true).items()}
        {'position': 0.8, 'size': 0.0, 'confidence': 0.0, 'no_object': 0.0, 'classes': 0.0}
    """
    classes = true.shape[1] - 5
    boxes, rest = divmod(predicted.shape[1] - classes, 5)
    cells = [(shape[0], *shape[2:]) for shape in (predicted.shape, true.shape)]
    if classes < 0 or boxes < 1 or rest or cells[0] != cells[1]:
        raise ValueError(
            f"predicted has shape {tuple(predicted.shape)} and true {tuple(true.shape)}; expected "
            "[image, 5 boxes + classes, y, x] and [image, 5 + classes, y, x]"
        )
    guess = predicted[:, : 5 * boxes].unflatten(1, (boxes, 5))
    present = true[:, 4:5] > 0.5
    # What an empty cell holds, NaN perhaps, must not reach the gradient either.
    true = true.where(present, 0)
    target = true[:, None, :5]
    with torch.no_grad():
        overlap = iou(_corners(guess), _corners(target))
        best = F.one_hot(overlap.argmax(1), boxes).movedim(-1, 1) > 0
    responsible = best & present

    def total(term: Tensor, where: Tensor) -> Tensor:
        return term.where(where, 0).sum() / max(len(predicted), 1)

    position = (guess[:, :, :2] - target[:, :, :2]).square().sum(2)
    roots = [box[:, :, 2:4].clamp(min=SMALLEST).sqrt() for box in (guess, target)]
    size = (roots[0] - roots[1]).square().sum(2)
    sure = guess[:, :, 4]
    kind = (predicted[:, 5 * boxes :] - true[:, 5:]).square().sum(1, keepdim=True)
    return {
        "position": coordinates * total(position, responsible),
        "size": coordinates * total(size, responsible),
        "confidence": total((sure - overlap).square(), responsible),
        "no_object": no_object * total(sure.square(), ~responsible),
        "classes": total(kind, present),
    }


def _corners(boxes: Tensor) -> Tensor:
    """[image, box, 5, y, x] -> [image, box, y, x, 4] in shares of the image, from the cell."""
    x, y, width, height = (boxes[:, :, i] for i in range(4))
    x, y = x / boxes.shape[-1], y / boxes.shape[-2]
    sides = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return torch.stack(sides, -1)
