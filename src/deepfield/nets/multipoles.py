"""Multipoles: a centred galaxy as rings times angular waves, in its own direction.

Almost all that a smooth, centred galaxy tells is in a few hundred sums over its pixels: of rings,
times cos and sin of multiples of the angle. They are linear, so that noise stays Gaussian and
known; turned into the galaxy's own direction they do not depend on its position angle. A network
that starts from them needs neither convolutions nor turned copies of its training set: it learns
a hundred times faster.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from deepfield.nets.frame import Frame, frame, sigma
from deepfield.nouns.batch import Batch, missing
from deepfield.nouns.psf import Psf

NODES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.5, 7.5, 10.0, 13.0, 17.0, 22.0, 28.0, 36.0, 46.0)
"""px; radii at which rings have their crest; each falls to nothing at its neighbours'"""
ORDERS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 14)
"""waves around a ring; odd ones tell the centre alone"""
FINEST = 1.5
"""waves per px of radius beyond which a ring has no pixels to tell them"""
LEAST_POWER = 9.0
"""power above the noise's that an object is taken to have at least"""
PSF_REACH = 11.0
"""px; of the PSF only this much is told, in orders 0 and 2"""


@dataclass(frozen=True)
class Rings:
    """Templates on a grid of pixels.

    Args:
        cosine, sine: [template, y * x], the ring times cos and sin of order times the angle.
        order, node: [template].
    """

    cosine: Tensor
    sine: Tensor
    order: Tensor
    node: Tensor


@cache
def rings(side: int, *, finer: int = 1, reach: float = math.inf, most: int = 14) -> Rings:
    """Rings of all orders that the pixels can tell, around the middle of a square.

    Args:
        side: pixels of the grid.
        finer: grid pixels per image pixel.
        reach: largest radius of a crest, image px.
        most: highest order.

    Example:
        >>> found = rings(64)
        >>> total = found.cosine[found.order == 0].sum(0)  # rings share out every pixel
        >>> bool((total - 1).abs().max() < 1e-6)
        True
    """
    axis = (torch.arange(side, dtype=torch.float64) - (side - 1) / 2) / finer
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    radius, angle = torch.hypot(x, y).flatten(), torch.atan2(-x, y).flatten()
    corner = (side - 1) / finer / math.sqrt(2)
    nodes = [node for node in NODES if node <= reach]
    while nodes[-1] < min(corner, reach):
        nodes.append(nodes[-1] * 1.28)
    nodes = [*nodes[: 1 + sum(node < corner for node in nodes)]]
    cosine, sine, order, place = [], [], [], []
    for j, node in enumerate(nodes):
        inner = nodes[j - 1] if j else -1.0
        rise = (radius - inner) / (node - inner)
        ring = (
            rise
            if j + 1 == len(nodes)
            else torch.minimum(rise, (nodes[j + 1] - radius) / (nodes[j + 1] - node))
        )
        ring = ring.clamp(0, 1)
        for m in ORDERS:
            # Beyond the largest circle in the square there are only corners: no angle is whole.
            whole = m == 0 or 0 < node <= side / finer / 2
            if m <= min(most, FINEST * node + 1) and whole:
                cosine.append(ring * torch.cos(m * angle))
                sine.append(ring * torch.sin(m * angle))
                order.append(m)
                place.append(j)
    return Rings(
        torch.stack(cosine).float(),
        torch.stack(sine).float(),
        torch.tensor(order),
        torch.tensor(place),
    )


class Multipoles(nn.Module):
    """Stamps to numbers: multipoles over noise, their shape, and the PSF's.

    Missing pixels take the value on the opposite side of the centre, or 0 if that is missing too.

    Args:
        channels: bands.
        size: side of the stamps, px.

    Shape: ``features`` numbers an object, and the frame that they are seen in.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.zeros(1, 1, 64, 64), ("r",),
        ...               variance=torch.ones(1, 1, 1, 1), psf=Psf(torch.ones(1, 1, 1, 1)))
        >>> layer = Multipoles(1)
        >>> numbers, frame = layer(batch)
        >>> numbers.shape == (1, layer.features)
        True
    """

    def __init__(self, channels: int, size: int = 64) -> None:
        super().__init__()
        self.channels, self.size = channels, size
        templates = rings(size)
        length = (templates.cosine.square() + templates.sine.square()).sum(1).sqrt()
        turning = templates.order > 0
        self.turning = int(turning.sum())
        flat, wave = templates.cosine[~turning], templates.cosine[turning]
        # One matrix: rings, then cosines, then sines, so that the projection is one product.
        matrix = torch.cat(
            [
                flat / length[~turning, None],
                wave / length[turning, None] * math.sqrt(2),
                templates.sine[turning] / length[turning, None] * math.sqrt(2),
            ]
        )
        self.register_buffer("matrix", matrix.T.contiguous(), persistent=False)
        self.register_buffer("order", templates.order[turning].float(), persistent=False)
        around = rings(2 * int(PSF_REACH) + 1, reach=PSF_REACH, most=2).order
        of_psf = int((around == 0).sum() + 2 * (around == 2).sum())
        dipoles = 2 * int((templates.order == 1).sum())
        self.features = channels * (2 * matrix.shape[0] + 1 + dipoles + of_psf) + 2

    def forward(self, batch: Batch) -> tuple[Tensor, Frame]:
        """[object, features], and the frame.

        Raises:
            ValueError: no variance or no PSF, or stamps of another size.
        """
        if batch.psf is None:
            raise ValueError(
                "the batch has no PSF; sizes and shapes cannot be told without: give its image"
            )
        pixels, _ = over_noise(batch, sigma, (self.channels, self.size, self.size))
        found = pixels @ self.get_buffer("matrix")
        flat, cosine, sine = found.split(
            [found.shape[2] - 2 * self.turning, self.turning, self.turning], 2
        )
        order = self.get_buffer("order")
        up, along, across = upright(cosine, sine, order)
        own = torch.cat([flat, along, across], 2)
        power = own.square().sum(2, keepdim=True)
        total = power.sqrt().clamp(min=1e-3)
        told = torch.cat([own.asinh(), 3 * own / total, total.log(), self._psf(batch.psf, up)], 2)
        # Where the centre lies is told in pixels, so dipoles as they are, and which way is up.
        first = order == 1
        dipoles = torch.cat([cosine[..., first], sine[..., first]], 2) / total
        told = torch.cat([told, 3 * dipoles], 2).flatten(1)
        told = torch.cat([told, torch.stack([(2 * up).cos(), (2 * up).sin()], 1)], 1)
        # Noise alone has a power of one in each number.
        signal = (power[:, self.channels // 2, 0] - own.shape[2]).clamp(min=LEAST_POWER).sqrt()
        return told, frame(batch, position_angle=torch.rad2deg(up), signal=signal)

    def _psf(self, psf: Psf, up: Tensor) -> Tensor:
        """[object, channel, number]: rings of the PSF, and its ellipticity in the same frame."""
        kernel, finer = psf.kernel, psf.oversampling
        need = (2 * int(PSF_REACH) + 1) * finer
        need += 1 - need % 2
        gap = (need - kernel.shape[-1]) // 2, (need - kernel.shape[-2]) // 2
        kernel = nn.functional.pad(kernel, (gap[0], gap[0], gap[1], gap[1]))
        around = rings(need, finer=finer, reach=PSF_REACH, most=2)
        light = kernel.flatten(2)
        flat = (light @ around.cosine[around.order == 0].T.to(light)).clamp(min=1e-5)
        second = around.order == 2
        cosine = light @ around.cosine[second].T.to(light)
        sine = light @ around.sine[second].T.to(light)
        objects = (len(up), *flat.shape[1:2], -1)
        turn = 2 * up[:, None, None]
        return torch.cat(
            [
                flat.log().expand(objects),
                10 * (cosine * turn.cos() + sine * turn.sin()),
                10 * (sine * turn.cos() - cosine * turn.sin()),
            ],
            2,
        )


def over_noise(
    batch: Batch, sigma_of: Callable[[Batch], Tensor], shape: tuple[int, int, int]
) -> tuple[Tensor, Tensor]:
    """Pixels over the noise; what is missing is taken from the other side.

    Args:
        batch: stamps.
        sigma_of: batch -> [object, channel] noise.
        shape: (channel, y, x) that they must have.

    Returns:
        [object, channel, pixel], and the noise.

    Raises:
        ValueError: stamps of another shape.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.full((1, 1, 2, 2), 6.0), ("r",))
        >>> over_noise(batch, lambda _: torch.full((1, 1), 3.0), (1, 2, 2))[0].tolist()
        [[[2.0, 2.0, 2.0, 2.0]]]
    """
    values = batch.values
    if values.shape[1:] != shape:
        raise ValueError(
            f"stamps have shape {tuple(values.shape[1:])}; expected [{shape[0]} bands, "
            f"{shape[1]}, {shape[2]}]"
        )
    noise, bad = sigma_of(batch), missing(batch)
    if bool(bad.any()):
        opposite = torch.where(bad, 0.0, values).flip((-2, -1))
        values = torch.where(bad, opposite, values)
    return (values / noise[..., None, None]).flatten(2), noise


def upright(cosine: Tensor, sine: Tensor, order: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Multipoles along and across a galaxy's own direction, that of its quadrupole.

    Args:
        cosine, sine: [object, channel, number].
        order: [number] of each.

    Returns:
        the direction [object] in radian, and the numbers along and across it.

    Example:
        >>> up, along, across = upright(
        ...     torch.zeros(1, 1, 1), torch.ones(1, 1, 1), torch.tensor([2])
        ... )
        >>> round(float(up.rad2deg())), round(float(along), 3), abs(round(float(across), 3))
        (45, 1.0, 0.0)
    """
    second = order == 2
    up = 0.5 * torch.atan2(sine[..., second].sum((1, 2)), cosine[..., second].sum((1, 2)))
    turn = (order * up[:, None])[:, None]
    along = cosine * turn.cos() + sine * turn.sin()
    return up, along, sine * turn.cos() - cosine * turn.sin()
