"""Views: a galaxy turned and mirrored, cut into corners of one pose, all seen by one trunk."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TURNS = 2
"""orientations: upright, and turned by an eighth"""
LOOKS = 2 * TURNS * 4
"""parts of a stamp: mirrored or not, each orientation, its four corners"""


class Maxout(nn.Module):
    """The larger of two linear functions for each feature (Goodfellow et al. 2013).

    Args:
        inputs, outputs: numbers of an object.
        dropout: on the inputs, in training.

    Example:
        >>> Maxout(8, 4)(torch.zeros(2, 8)).shape
        torch.Size([2, 4])
    """

    def __init__(self, inputs: int, outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(inputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[object, inputs] -> [object, outputs]."""
        first, second = self.linear(self.dropout(x)).chunk(2, 1)
        return torch.maximum(first, second)


class Views(nn.Module):
    """Sixteen parts of every stamp through one trunk, and two maxout layers on what it says.

    Two orientations, 0 and 45 degrees, each also mirrored, are four views of a galaxy. Each
    view's four corners overlap in the middle; turned so that the galaxy's centre is in the same
    corner of all, they can share their weights.

    Source: Dieleman, Willett & Dambre 2015, MNRAS 450, 1441, Figs. 4 and 5: there parts of 45 px
    of a view of 69 px, a trunk of four convolutions, and 42 million parameters.

    Args:
        trunk: [part, channel, y, x] -> [part, feature].
        features: that the trunk gives.
        size: side of the stamps, px.
        part: side of the parts, px; more than half of ``size``, so that they overlap.
        hidden: features of the maxout layers.
        dropout: before each of them.

    Shape: [object, channel, size, size] -> [object, hidden].

    Raises:
        ValueError: parts that do not overlap, or are larger than the stamp.

    Example:
        >>> from deepfield.nets.thin import thin
        >>> net = Views(thin(6, (4, 8)), features=8, size=48, part=28, hidden=16)
        >>> net(torch.zeros(2, 6, 48, 48)).shape
        torch.Size([2, 16])
    """

    def __init__(
        self,
        trunk: nn.Module,
        *,
        features: int,
        size: int,
        part: int,
        hidden: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.shared = trunk
        self.register_buffer("places", places(size, part), persistent=False)
        self.dense = nn.Sequential(
            Maxout(LOOKS * features, hidden, dropout=dropout),
            Maxout(hidden, hidden, dropout=dropout),
        )

    def forward(self, image: Tensor) -> Tensor:
        """What the network makes of each object."""
        seen = self.shared(parts(image, self.get_buffer("places")))
        return self.dense(seen.reshape(len(image), -1))


def places(size: int, part: int) -> Tensor:
    """Where the pixels of all parts lie in a stamp.

    Args:
        size: side of the stamp, px.
        part: side of the parts, px.

    Returns:
        [part, y, x, 2] x and y, -1 to 1 between the stamp's outer edges.

    Raises:
        ValueError: parts that do not overlap, or are larger than the stamp.

    Example:
        >>> places(48, 28).shape
        torch.Size([16, 28, 28, 2])
    """
    if not size / 2 < part <= size:
        raise ValueError(
            f"parts of {part} px of stamps of {size} px; expected more than {size / 2:g} px, so "
            f"that they overlap, and at most {size}"
        )
    # From a part's corner, beyond the centre, to the stamp's corner.
    along = torch.arange(part) + 0.5 + size / 2 - part
    y, x = torch.meshgrid(along, along, indexing="ij")
    found = []
    for mirror in (1.0, -1.0):
        for turn in range(TURNS):
            for quarter in range(4):
                angle = math.pi * (turn / (2 * TURNS) + quarter / 2)
                cos, sin = math.cos(angle), math.sin(angle)
                found.append(torch.stack([mirror * (cos * x - sin * y), sin * x + cos * y], -1))
    return torch.stack(found) * (2 / size)


def parts(image: Tensor, where: Tensor) -> Tensor:
    """Parts of every image, one after the other.

    Args:
        image: [object, channel, y, x]; 0 beyond its edges.
        where: [part, y, x, 2] as from ``places``.

    Returns:
        [object * part, channel, y, x].

    Example:
        >>> parts(torch.zeros(3, 2, 8, 8), places(8, 5)).shape
        torch.Size([48, 2, 5, 5])
    """
    count, side = where.shape[0], where.shape[2]
    grid = where.reshape(1, count * side, side, 2).to(image).expand(len(image), -1, -1, -1)
    seen = F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    seen = seen.unflatten(2, (count, side)).transpose(1, 2)
    return seen.reshape(-1, *seen.shape[2:])
