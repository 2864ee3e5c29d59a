"""The CNN of the SDSS morphologies, and the three-layer drawing of it that explains CNNs."""

from torch import nn


def dominguez_sanchez(channels: int, *, size: int = 69) -> nn.Sequential:
    """Four convolutions with dropout and a fully connected layer of 64.

    Kernels of 6, 5, 2 and 3 px with 32, 64, 128 and 128 filters, which keep the sides; two
    max-poolings halve them. In ``Network(trunk, outputs=1, channels=3, size=69, dropout=0.5,
    stretch=AsinhStretch((1.0,)))`` it has the paper's 2,602,849 parameters on three bands.

    Source: Dominguez Sanchez et al. 2018, MNRAS 476, 3661, Fig. 1.

    Args:
        channels: of the stretched image.
        size: side of the stamps, px.

    Returns:
        a trunk [object, channel, y, x] -> [object, 64].

    Raises:
        ValueError: stamps too small to be halved twice.

    Example:
        >>> import torch
        >>> dominguez_sanchez(3)(torch.zeros(1, 3, 69, 69)).shape
        torch.Size([1, 64])
    """
    if size < 4:
        raise ValueError(f"stamps of {size} px; expected 4 or more, which are halved twice")
    return nn.Sequential(
        *_convolution(channels, 32, 6),
        nn.Dropout(0.5),
        *_convolution(32, 64, 5),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        *_convolution(64, 128, 2),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        *_convolution(128, 128, 3),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(128 * (size // 4) ** 2, 64),
        nn.ReLU(),
    )


def three_layers(channels: int, widths: tuple[int, int, int] = (32, 64, 128)) -> nn.Sequential:
    """The very simple CNN: convolution, activation, pooling, three times.

    Every stage halves the sides and makes more channels: the tensors shrink and deepen. The
    kernels are the paper's 6, 5 and 3 px; the drawing leaves them, and the widths, open.

    Args:
        channels: of the stretched image.
        widths: filters of the three convolutions.

    Returns:
        a trunk [object, channel, y, x] -> [object, feature].

    Example:
        >>> import torch
        >>> three_layers(3)(torch.zeros(1, 3, 64, 64)).shape == (1, 128 * 8 * 8)
        True
    """
    layers: list[nn.Module] = []
    for inputs, outputs, kernel in zip((channels, *widths), widths, (6, 5, 3), strict=False):
        layers += [*_convolution(inputs, outputs, kernel), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten())


def _convolution(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    # An even kernel needs one more pixel after the image than before it to keep the sides.
    before, after = (kernel - 1) // 2, kernel // 2
    return [
        nn.ZeroPad2d((before, after, before, after)),
        nn.Conv2d(inputs, outputs, kernel),
        nn.ReLU(),
    ]
