"""Arithmetic of convolutions: sizes of what comes out, and the matrix that a convolution is."""

import torch
from torch import Tensor


def convolved(
    size: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Side of what a convolution or a pooling gives, px.

    With stride 1 and no padding it is ``size - kernel + 1``.

    Args:
        size: side of the input, px.
        kernel: side of the kernel, px.
        stride: px from one window to the next.
        padding: px added on either side.
        dilation: px from one weight of the kernel to the next.

    Raises:
        ValueError: the kernel does not fit in.

    Example:
        >>> convolved(5, 3), convolved(75, 2, stride=2)
        (3, 37)
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise ValueError(
            f"a kernel of {dilation * (kernel - 1) + 1} px on {size + 2 * padding} px; expected "
            "one that fits: pad more, or take a smaller kernel"
        )
    return room // stride + 1


def transposed(
    size: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    output_padding: int = 0,
) -> int:
    """Side of what a transposed convolution gives, px.

    A convolution with the same settings gives ``size`` back; where its stride leaves pixels
    over, ``output_padding`` says how many.

    Args:
        size, kernel, stride, padding, dilation: as in ``convolved``.
        output_padding: px added on one side.

    Example:
        >>> transposed(2, 3), transposed(37, 2, stride=2, output_padding=1)
        (4, 75)
    """
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def convolution_matrix(kernel: Tensor, size: tuple[int, int], *, stride: int = 1) -> Tensor:
    """The matrix C for which ``C @ image.flatten()`` is the convolution, flattened.

    ``C.T`` is the transposed convolution: the adjoint, which has the shape of an inverse and is
    none. As in networks the kernel is not flipped: mathematics calls it a cross-correlation.

    Source: Dumoulin & Visin 2016, arXiv:1603.07285.

    Args:
        kernel: [y, x] weights.
        size: (y, x) of the image, px.
        stride: px from one window to the next.

    Returns:
        [output pixel, input pixel]; differentiable in the kernel.

    Raises:
        ValueError: the kernel does not fit in.

    Example:
        >>> convolution_matrix(torch.ones(3, 3), (4, 4)).shape
        torch.Size([4, 16])
    """
    rows, columns = (
        convolved(side, width, stride=stride)
        for side, width in zip(size, kernel.shape, strict=True)
    )
    pixels = torch.arange(size[0] * size[1], device=kernel.device).reshape(size)
    windows = pixels.unfold(0, kernel.shape[0], stride).unfold(1, kernel.shape[1], stride)
    weights = kernel.flatten().expand(rows * columns, -1)
    empty = kernel.new_zeros(rows * columns, size[0] * size[1])
    return empty.scatter(1, windows.reshape(rows * columns, -1), weights)
