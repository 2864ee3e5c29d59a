"""Ring colours: a centred galaxy's colours from the inside out, and its shape.

What an image knows of a redshift beyond total magnitudes is how colours change from the bulge to
the disc, and how inclined the disc is. Colours need more signal than one ring has in the faintest
band; so besides rings there are fluxes weighted as the stack of all bands shines: of the whole,
of its inner and its outer light, and of what is elongated, which is the disc.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from deepfield.nets.frame import Frame, frame, sigma
from deepfield.nets.multipoles import over_noise, rings, upright
from deepfield.nouns.batch import Batch

MOST = 8
"""highest angular order of the shape"""
FARTHEST = 8.0
"""deviations beyond which a number says no more"""


class RingColours(nn.Module):
    """Stamps to standardised numbers: rings, fluxes, colours, and the shape of the stack.

    Missing pixels take the value on the opposite side of the centre, or 0 if that is missing too.

    Args:
        channels: bands, from blue to red; two or more.
        size: side of the stamps, px.

    Shape: ``features`` numbers an object, and the frame that they are seen in.

    Example:
        >>> import numpy as np
        >>> batch = Batch(np.array(["a"]), torch.zeros(1, 2, 32, 32), ("g", "r"),
        ...               variance=torch.ones(1, 2, 1, 1))
        >>> layer = RingColours(2, 32)
        >>> layer(batch)[0].shape == (1, layer.features)
        True
    """

    def __init__(self, channels: int, size: int = 64) -> None:
        super().__init__()
        if channels < 2:
            raise ValueError(f"{channels} bands; expected two or more, to have a colour")
        self.channels, self.size = channels, size
        found = rings(size, most=MOST)
        flat, turning = found.order == 0, (found.order > 0) & (found.order % 2 == 0)
        length = (found.cosine.square() + found.sine.square()).sum(1, keepdim=True).sqrt()
        cosine, sine = found.cosine / length, found.sine / length
        matrix = torch.cat([cosine[flat], cosine[turning], sine[turning]])
        self.register_buffer("matrix", matrix.T.contiguous(), persistent=False)
        # A ring's flux over noise times its length is its light.
        self.register_buffer("length", length[flat, 0], persistent=False)
        order = found.order[turning]
        self.register_buffer("order", order.float(), persistent=False)
        self.flat, self.turning = int(flat.sum()), int(turning.sum())
        self.second = int((order == 2).sum())
        a_band = self.flat + self.second + 4
        shape = self.flat + 2 * self.turning
        self.features = channels * a_band + (channels - 1) * (self.flat + 4) + shape
        self.register_buffer("mean", torch.zeros(self.features))
        self.register_buffer("deviation", torch.ones(self.features))

    def standardise(self, batches: Iterable[Batch]) -> None:
        """Learn means and deviations of the numbers; once.

        Args:
            batches: training objects.
        """
        numbers = torch.cat([self._numbers(batch)[0] for batch in batches])
        low, middle, high = numbers.quantile(torch.tensor([0.16, 0.5, 0.84]), 0)
        self.get_buffer("mean").copy_(middle)
        self.get_buffer("deviation").copy_(((high - low) / 2).clamp(min=1e-4))

    def forward(self, batch: Batch) -> tuple[Tensor, Frame]:
        """[object, features], and the frame.

        Raises:
            ValueError: no variance, or stamps of another size.
        """
        numbers, up = self._numbers(batch)
        numbers = (numbers - self.get_buffer("mean")) / self.get_buffer("deviation")
        return numbers.clamp(-FARTHEST, FARTHEST), frame(batch, position_angle=torch.rad2deg(up))

    def _numbers(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Numbers that are not standardised, and the galaxy's direction, radian."""
        shape = (self.channels, self.size, self.size)
        pixels, noise = over_noise(batch, border_sigma, shape)
        flat, cosine, sine = (pixels @ self.get_buffer("matrix")).split(
            [self.flat, self.turning, self.turning], 2
        )
        order = self.get_buffer("order")
        up, along, across = upright(cosine, sine, order)
        long = along[..., order == 2]
        fluxes = torch.cat([flat, self._weighted(flat, long)], 2)
        # Asinh magnitudes: where light is bright their unit is that of the values, not the noise.
        told = fluxes.asinh() + noise.log()[..., None]
        shade = told[:, :-1] - told[:, 1:]
        stack = torch.cat([flat, along, across], 2).sum(1)
        size = stack[:, : self.flat].square().sum(1, keepdim=True).sqrt().clamp(min=1e-3)
        parts = [told, long.asinh(), shade]
        return torch.cat([*(part.flatten(1) for part in parts), stack / size], 1), up

    def _weighted(self, flat: Tensor, long: Tensor) -> Tensor:
        """[object, channel, 4] fluxes over noise: whole, inner, outer, elongated."""
        stack, stretched = flat.sum(1).clamp(min=0), long.sum(1).clamp(min=0)
        light = stack * self.get_buffer("length")
        within = (light.cumsum(1) - light / 2) / light.sum(1, keepdim=True).clamp(min=1e-3)
        weights = torch.stack([stack, stack * (1 - within), stack * within], 2)
        seen = flat @ nn.functional.normalize(weights, dim=1)
        return torch.cat([seen, long @ nn.functional.normalize(stretched[..., None], dim=1)], 2)


def border_sigma(batch: Batch) -> Tensor:
    """[object, channel] one sigma of a pixel at the border of the stamp: of the sky alone.

    In the middle a galaxy adds noise of its own. A variance map that is known without error, as
    that of a mock sky is, would tell the galaxy's light without error there.

    Raises:
        ValueError: the batch has no variance.

    Example:
        >>> import numpy as np
        >>> variance = torch.full((1, 1, 5, 5), 4.0)
        >>> variance[:, :, 1:4, 1:4] = 9.0
        >>> batch = Batch(np.array(["a"]), torch.ones(1, 1, 5, 5), ("r",), variance=variance)
        >>> border_sigma(batch).tolist()
        [[2.0]]
    """
    everywhere = sigma(batch)
    assert batch.variance is not None
    weight = batch.variance.reciprocal().expand_as(batch.values)
    edges = [weight[..., 0, :], weight[..., -1, :], weight[..., 0], weight[..., -1]]
    border = torch.cat(edges, 2)
    measured = (border > 0).to(border).mean(2)
    at_border = (border.mean(2) / measured.clamp(min=1e-6)).clamp(min=1e-30).rsqrt()
    return torch.where(measured > 0, at_border, everywhere)
