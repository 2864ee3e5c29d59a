"""DeepMerge: the small CNN that tells mergers, and the space in which its domains are aligned."""

from torch import Tensor, nn

from deepfield.nets.stretch import AsinhStretch
from deepfield.nouns.batch import Batch


class DeepMerge(nn.Module):
    """Three convolutions and three fully connected layers; 174,626 parameters on 3 x 75 x 75.

    The trunk ends with the flattened maps (2592 numbers), which is where the domain adaptation
    of the second paper compares source and target. The published table writes the ReLU in the
    convolution's row; in the authors' code, as here, it follows the batch norm. The softmax
    belongs to the task.

    Source: Ciprijanovic et al. 2020, Astronomy & Computing 32, 100390; 2021, MNRAS 506, 677.

    Args:
        channels: bands of the images.
        outputs: numbers that the task asks for per object.
        size: side of the stamps, px.
        stretch: first layer; None = one asinh copy of each band, so that channels stay channels.

    Raises:
        ValueError: stamps too small to be halved three times.

    Example:
        >>> sum(p.numel() for p in DeepMerge().parameters())
        174626
    """

    def __init__(
        self,
        *,
        channels: int = 3,
        outputs: int = 2,
        size: int = 75,
        stretch: AsinhStretch | None = None,
    ) -> None:
        super().__init__()
        if size < 8:
            raise ValueError(f"stamps of {size} px; expected 8 or more, which are halved 3 times")
        self.stretch = AsinhStretch((1.0,)) if stretch is None else stretch
        self.size = size
        self.trunk = nn.Sequential(
            *_stage(channels * len(self.stretch.softenings), 8, 5),
            *_stage(8, 16, 3),
            *_stage(16, 32, 3),
            nn.Flatten(),
        )
        self.head = nn.Sequential(
            nn.Linear(32 * (size // 8) ** 2, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, outputs),
        )

    def embed(self, batch: Batch) -> Tensor:
        """[object, feature]: the flattened maps."""
        return self.trunk(self.stretch(batch))

    def forward(self, batch: Batch) -> Tensor:
        """[object, outputs] before the softmax."""
        return self.head(self.embed(batch))


def _stage(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
