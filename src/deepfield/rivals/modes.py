"""Modes: arms, bars and lopsidedness as Fourier components around the centre."""

from math import log, sqrt

import torch
from torch import Tensor

ORDERS = (1, 2, 3, 4)
NODES = 16
INNER, OUTER = 0.2, 4.0
GROUPS = 5
"""Radial bins of the plain amplitudes: neighbouring nodes taken together."""
WINDINGS = torch.arange(-12.0, 13.0)
"""p of a logarithmic spiral exp i(m phi + p ln r); its pitch angle is arctan(m / |p|)."""
STRAIGHT = 2.0
"""|p| up to which a pattern counts as a bar."""

NAMES = (
    *(f"mode{m}_ring{k}" for m in ORDERS for k in range(GROUPS)),
    *(f"{what}{m}" for m in ORDERS for what in ("arms", "straight", "winding", "arms_local")),
    *(f"{what}{m}_snr" for m in ORDERS for what in ("arms", "straight")),
    *(f"coherence{m}_{where}" for m in (1, 2) for where in ("inner", "outer")),
    "bar_axis",
)


def measure(image: Tensor, valid: Tensor, y: Tensor, x: Tensor, scale: Tensor) -> Tensor:
    """Strength and winding of patterns with one to four arms.

    Rings are even in ln r from 0.2 to 4 half-light radii of the deprojected disc. Per order m:
    the amplitude in five groups of rings; the strongest logarithmic spiral (Kalnajs 1975;
    Puerari & Dottori 1992) and the strongest straight pattern, as a fraction of the light, of
    every ring's own light (which a bulge can't outshine) and of the noise; how far the phase
    keeps still inside and outside one half-light radius; and how a straight pattern lies to the
    major axis. Nothing depends on the image's orientation or handedness.

    Args:
        image: [object, y, x] in units of the sky noise.
        valid: [object, y, x] bool.
        y, x: [object, y, x] deprojected coordinates, pixels, x along the major axis.
        scale: [object] half-light radius along the major axis, pixels.

    Returns:
        [object, feature] in the order of ``NAMES``.

    Example:
        >>> y, x = torch.meshgrid(torch.arange(-16.0, 17), torch.arange(-16.0, 17), indexing="ij")
        >>> r, phi = torch.hypot(y, x), torch.atan2(y, x)
        >>> arms = torch.exp(-r / 4) * (1 + 0.5 * torch.cos(2 * phi + 6 * r.clamp_min(1).log()))
        >>> found = measure(100 * arms[None], arms[None] > 0, y[None], x[None], torch.ones(1) * 6)
        >>> [round(float(found[0, NAMES.index(f"winding{m}")])) for m in (2,)]
        [6]
    """
    step = log(OUTER / INNER) / (NODES - 1)
    r = torch.hypot(y, x).clamp_min(1e-3)
    place = (r / scale[:, None, None]).log().sub(log(INNER)) / step
    rings = (1 - (place[:, None] - torch.arange(NODES)[:, None, None]).abs()).clamp_min(0)
    rings = (rings * valid[:, None]).flatten(2)
    turn = torch.complex(x / r, y / r)
    powers = [turn]
    for _ in ORDERS[1:]:
        powers.append(powers[-1] * turn)
    waves = (
        torch.view_as_real(torch.stack(powers, 1) * image[:, None]).movedim(-1, 2).flatten(1, 2)
    )
    columns = torch.cat([image[:, None], valid[:, None].float(), waves], 1).flatten(2)
    sums = rings @ columns.transpose(1, 2)
    light, area = sums[..., 0], sums[..., 1].clamp_min(0.5)
    # [object, order, ring]
    mode = torch.complex(sums[..., 2::2].contiguous(), sums[..., 3::2].contiguous())
    mode = mode.transpose(1, 2)

    noise = area.sqrt()  # unit white noise
    grouped = torch.stack([part.sum(-1) for part in mode.tensor_split(GROUPS, -1)], -1)
    group_light = torch.stack([part.sum(-1) for part in light.tensor_split(GROUPS, -1)], -1)
    group_noise = torch.stack([p.sum(-1) for p in area.tensor_split(GROUPS, -1)], -1).sqrt()
    amplitude = grouped.abs() / torch.maximum(group_light, 2 * group_noise)[:, None]

    spiral = torch.exp(
        -1j * WINDINGS[:, None] * (torch.arange(NODES) * step + log(INNER))
    )  # [winding, ring]
    total = light.sum(-1).clamp_min(1)[:, None, None]
    local = mode / torch.maximum(light, 2 * noise)[:, None]
    outside = torch.arange(NODES) * step + log(INNER) > log(0.5)
    of_light = (mode @ spiral.T).abs() / total
    of_ring = (local * outside @ spiral.T).abs() / outside.sum()
    of_noise = (mode / noise[:, None] @ spiral.T).abs() / sqrt(NODES)
    bent = WINDINGS.abs() > STRAIGHT
    arms, straight = of_light[..., bent].amax(-1), of_light[..., ~bent].amax(-1)
    winding = WINDINGS[of_light.argmax(-1)].abs()
    per_order = torch.stack([arms, straight, winding, of_ring[..., bent].amax(-1)], -1)
    snr = torch.stack([of_noise[..., bent].amax(-1), of_noise[..., ~bent].amax(-1)], -1)

    inside = torch.arange(NODES) * step + log(INNER) < 0
    coherence = torch.stack(
        [
            (mode[:, :2] * where).sum(-1).abs()
            / (mode[:, :2] * where).abs().sum(-1).clamp_min(1e-9)
            for where in (inside, ~inside)
        ],
        -1,
    )
    bar = (mode[:, 1] * inside).sum(-1)
    axis = bar.real / bar.abs().clamp_min(1e-9)
    parts = [amplitude, per_order, snr, coherence]
    return torch.cat([*(part.flatten(1) for part in parts), axis[:, None]], 1)
