"""Grad-CAM: which places of a layer's maps raise the answer (Selvaraju+17, arXiv:1610.02391)."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from deepfield.explain.chunks import chunk_for, in_chunks
from deepfield.explain.layers import capture
from deepfield.explain.receptive_field import receptive_fields
from deepfield.explain.target import Target, evaluate, images
from deepfield.nouns.batch import Batch


def grad_cam(
    target: Target, batch: Batch, net: nn.Module, layer: str, *, chunk: int | None = None
) -> Tensor:
    """``class_activation`` between the places that its units look at.

    Args:
        target, batch, net, layer, chunk: as in ``class_activation``.

    Returns:
        [object, 1, y, x], interpolated linearly between the centres of the units' receptive
        fields, which strided convolutions don't spread evenly over the stamp.

    Raises:
        ValueError: no such layer, one without maps, or ``chunk`` < 1.

    Example:
        >>> import numpy as np, torch
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        >>> batch = Batch(np.array(["a", "b"]), torch.rand(2, 1, 8, 8), ("g",))
        >>> from deepfield.explain.target import output
        >>> grad_cam(output(net, 0), batch, net, "1").shape
        torch.Size([2, 1, 8, 8])
    """
    small = class_activation(target, batch, net, layer, chunk=chunk)
    if not len(batch):
        return small.new_zeros(0, 1, *batch.values.shape[2:])
    fields = receptive_fields(net, batch, layer)
    rows, columns = (
        _between(centres, side).to(small)
        for centres, side in zip(fields.centres(), fields.size, strict=True)
    )
    return torch.einsum("ocab,ya,xb->ocyx", small, rows, columns)


def class_activation(
    target: Target, batch: Batch, net: nn.Module, layer: str, *, chunk: int | None = None
) -> Tensor:
    """Sum of a layer's maps, each times its mean gradient; negative places are 0.

    As captum's ``LayerGradCam``, which in-place activations behind the layer would mislead.

    Args:
        target: what is explained; must run ``net``.
        batch: images.
        net: the network, and ``layer`` the dotted name of one with maps, often the last.
        chunk: images at a time; None to choose.

    Returns:
        [object, 1, y of map, x of map]

    Raises:
        ValueError: no such layer, one without maps or not used by the target, or ``chunk`` < 1.
    """
    seen = images(batch)

    def some(rows: Tensor) -> Tensor:
        part = seen.take(rows)
        with capture(net, layer) as given, torch.enable_grad():
            # Pixels with gradients, so that a frozen network has some too.
            values = part.values.requires_grad_()
            numbers = evaluate(target, replace(part, values=values))
        if not given:
            raise ValueError(f"the target does not use layer {layer!r}")
        maps = given[-1]
        if maps.ndim != 4:
            raise ValueError(
                f"layer {layer!r} has no maps but {tuple(maps.shape[1:])} numbers; choose one "
                "before they are joined"
            )
        (slopes,) = torch.autograd.grad(numbers.sum(), maps)
        return (slopes.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu().detach()

    return in_chunks(some, len(batch), chunk_for(batch, chunk))


def _between(centres: Tensor, side: int) -> Tensor:
    """[pixel, unit] weights of linear interpolation; constant beyond the outermost centres."""
    pixel = torch.arange(side, dtype=torch.float32).clamp(
        float(centres[0]), max(float(centres[0]), float(centres[-1]))
    )
    stride = float(centres[1] - centres[0]) if len(centres) > 1 else 1.0
    return (1 - (pixel[:, None] - centres).abs() / stride).clamp(min=0)
