"""Network: stretch, trunk and head, for any trunk."""

import torch
from torch import Tensor, nn

from deepfield.nets.stretch import AsinhStretch
from deepfield.nouns.batch import Batch


class Network(nn.Module):
    """A trunk between the stretch and a linear head.

    Args:
        trunk: any module [object, channel, y, x] -> [object, feature]; for a timm backbone
            ``timm.create_model(name, in_chans=stretched_channels(bands), num_classes=0)``.
        outputs: numbers that the task asks for per object.
        channels: bands of the images.
        size: side of the stamps it is made for, px.
        dropout: on the features, in training.

    Raises:
        ValueError: the trunk does not take these stamps or does not give one row an object.

    Example:
        >>> from deepfield.nets.thin import thin
        >>> net = Network(thin(stretched_channels(3)), outputs=5, channels=3)
        >>> sum(p.numel() for p in net.parameters()) < 1e6
        True
    """

    def __init__(
        self,
        trunk: nn.Module,
        *,
        outputs: int,
        channels: int,
        size: int = 64,
        dropout: float = 0.0,
        stretch: AsinhStretch | None = None,
    ) -> None:
        super().__init__()
        self.stretch = AsinhStretch() if stretch is None else stretch
        self.trunk = trunk
        self.size = size
        stretched = channels * len(self.stretch.softenings)
        was_training = trunk.training
        with torch.no_grad():
            try:
                features = trunk.eval()(torch.zeros(1, stretched, size, size))
            except RuntimeError as error:
                raise ValueError(
                    f"the trunk does not take [object, {stretched}, {size}, {size}] "
                    f"({channels} bands, stretched): {str(error).splitlines()[0]}"
                ) from None
        trunk.train(was_training)
        if features.ndim != 2:
            raise ValueError(
                f"the trunk gives shape {tuple(features.shape)}; expected [object, feature]: "
                "end it with pooling and Flatten"
            )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(features.shape[1], outputs)

    def embed(self, batch: Batch) -> Tensor:
        """[object, feature]: what the trunk sees in each object."""
        return self.trunk(self.stretch(batch))

    def forward(self, batch: Batch) -> Tensor:
        """[object, outputs]."""
        return self.head(self.dropout(self.embed(batch)))


def stretched_channels(bands: int) -> int:
    """Channels that the default stretch makes of so many bands."""
    return bands * len(AsinhStretch().softenings)
