"""Measuring: a network whose answer is a joint distribution of numbers."""

from collections.abc import Callable

from torch import Tensor, nn

from deepfield.nets.frame import Frame
from deepfield.nets.heads.contract import Distribution, Head
from deepfield.nouns.batch import Batch


class Measuring(nn.Module):
    """A first layer that reads a batch, a trunk, and a head.

    Args:
        first: a module, batch -> (tensor, frame).
        trunk: any module, that tensor -> [object, feature].
        head: a module, [object, feature] -> a distribution.

    Example:
        >>> from deepfield.nets.heads.mixture import MixtureHead
        >>> from deepfield.nets.multipoles import Multipoles
        >>> from deepfield.nets.residual_mlp import residual_mlp
        >>> first = Multipoles(1, 32)
        >>> net = Measuring(first, residual_mlp(first.features, width=64), MixtureHead(64, size=3))
        >>> net.size
        3
    """

    def __init__(self, first: nn.Module, trunk: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.first, self.trunk, self.head = first, trunk, head

    @property
    def size(self) -> int:
        """How many numbers it measures."""
        head: Head = self.head  # type: ignore[assignment]
        return head.size

    def embed(self, batch: Batch) -> Tensor:
        """[object, feature]: what the trunk makes of each object."""
        return self.trunk(self.first(batch)[0])

    def forward(self, batch: Batch) -> tuple[Distribution, Frame]:
        """The distribution of standardised numbers, and the frame they are seen in."""
        numbers, frame = self.first(batch)
        head: Callable[[Tensor], Distribution] = self.head
        return head(self.trunk(numbers)), frame
