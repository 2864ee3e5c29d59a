"""Measured: a fit in astronomers' units, its errors as a posterior."""

import math
from functools import cache

import torch
from torch import Tensor

from deepfield.likelihood.fit import Fit
from deepfield.likelihood.model import Model
from deepfield.nouns.posterior import HALF_TURN, Posterior
from deepfield.nouns.quantity import Quantity
from deepfield.render.noise import NANOJANSKY

CHI_SQUARE = Quantity("reduced_chi_square", description="of the best model found")
PAIRS = 128
"""samples to either side of the best fit"""
RADIUS, INDEX, RATIO, MAGNITUDES = 0.2, (0.5, 8.0), (0.05, 1.0), 10.0
"""no less is known than these ranges: least radius in px (the most is the stamp), Sersic index,
axis ratio, and magnitudes"""
BOUNDED = ("radius", "sersic_index", "axis_ratio", "bulge_to_total")
PARTS = {1: ("",), 2: ("_bulge", "_disc")}
SQUARE = math.sqrt(12)
"""range of a flat distribution over its standard deviation"""


def quantities(model: Model, channels: tuple[str, ...]) -> tuple[Quantity, ...]:
    """What a fit of one component, or of a bulge and a disc, measures.

    Args:
        model: of the fit.
        channels: names of its bands; magnitudes of several end in them.

    Raises:
        ValueError: more than two components, or another number of bands.

    Example:
        >>> [quantity.name for quantity in quantities(Model(64, bands=2), ("g", "r"))][:3]
        ['magnitude_g', 'magnitude_r', 'radius']
    """
    if len(model.indices) not in PARTS or len(channels) != model.bands:
        raise ValueError(
            f"{len(model.indices)} components and {model.bands} bands; expected 1 component, or "
            f"a bulge and a disc, in {len(channels)} bands"
        )
    parts = PARTS[len(model.indices)]
    bands = [f"_{name}" for name in channels] if len(channels) > 1 else [""]
    free = [part for part, fixed in zip(parts, model.indices, strict=True) if fixed is None]
    along = "major-axis half-light radius"
    return (
        *(Quantity(f"magnitude{b}", "mag(AB)", "flux", description="total") for b in bands),
        *(
            Quantity(f"bulge_to_total{b}", description="light of the bulge over all")
            for b in bands
            if len(parts) == 2
        ),
        *(Quantity(f"radius{part}", "arcsec", "length", description=along) for part in parts),
        *(Quantity(f"sersic_index{part}", description="Sersic index") for part in free),
        *(Quantity(f"axis_ratio{part}", description="minor over major axis") for part in parts),
        *(
            Quantity(f"position_angle{part}", "deg", "angle", description="east of north")
            for part in parts
        ),
        *(Quantity(axis, "pix", "point", description="centre, first pixel 0") for axis in "xy"),
    )


def measured(
    model: Model, found: Fit, *, channels: tuple[str, ...], pixel_scale: float
) -> Posterior:
    """The Gaussian of a fit's errors, in logarithms of radius, index and axis ratio.

    Its median is the best fit. Where a fit knows next to nothing of a number (a component that
    fades, the angle of a round galaxy) the error is that of a flat distribution over all that is
    sensible.

    Args:
        model: that was fitted, in nJy.
        found: of some objects.
        channels: names of the bands.
        pixel_scale: arcsec per pixel.

    Returns:
        of ``quantities(model, channels)``; NaN what a missing band would have told, and all where
        there is no fit.

    Example:
        >>> perfect = torch.tensor([[5.0, 1.5, 0.0, 0.8, 0.3, 0.4, -0.3]])
        >>> one = torch.ones(1)
        >>> found = Fit(perfect, 1e-4 * torch.eye(7)[None], one, one, one, one > 0)
        >>> told = measured(Model(64), found, channels=("r",), pixel_scale=0.2)
        >>> round(float(told.quantiles([0.5])[0, 5, 0]), 2)
        31.9
    """
    names = [quantity.name for quantity in quantities(model, channels)]
    point, slopes = _natural(model, found.parameters.nan_to_num(0.0))
    unknown = ~found.parameters.isfinite()
    lost = ((slopes != 0) & unknown[:, None]).any(2)
    covariance = found.covariance.double().nan_to_num(0.0, 1e12, -1e12)
    # No inverse at all: nothing is known but the ranges.
    covariance[~found.covariance.isfinite().any(2).any(1)] = 1e12 * torch.eye(model.count).double()
    ranges = torch.tensor([_range(name, model.size) for name in names])
    width = (ranges[:, 1] - ranges[:, 0]).double() / SQUARE
    ends = torch.tensor([not name.startswith(BOUNDED) for name in names])
    ranges = torch.where(ends[:, None], torch.tensor([-torch.inf, torch.inf]), ranges).to(point)
    spread = slopes.double() @ covariance @ slopes.double().mT
    root = _root(spread / (width[:, None] * width)) * width[:, None]
    away = (_normals(len(names)) @ root.mT).to(point)
    drawn = torch.cat([away, torch.zeros_like(away[:, :1]), -away], 1)
    low = torch.minimum(ranges[:, 0], point)[:, None]
    high = torch.maximum(ranges[:, 1], point)[:, None]
    bounded = torch.minimum(torch.maximum(point[:, None] + drawn, low), high)
    values = [_value(name, bounded[..., i], pixel_scale) for i, name in enumerate(names)]
    samples = torch.stack(values, 2).masked_fill(lost[:, None], torch.nan)
    return Posterior(quantities(model, channels), samples)


def _natural(model: Model, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers [object, quantity] whose errors are Gaussian, and their derivatives by the fit's."""
    # A caller's inference mode would forbid derivatives.
    with torch.inference_mode(False), torch.enable_grad():
        at = parameters.clone()
        for plus, _ in model.layout.shear:
            at[:, plus] += (at[:, plus] == 0) * 1e-4  # a circle has no angle to differentiate
        at.requires_grad_()
        profile = model.profile(at)
        total = profile.flux.sum(1)
        middle = (model.size - 1) / 2
        each = [NANOJANSKY - 2.5 * total.log10()]
        if len(model.indices) == 2:
            each.append(profile.flux[:, 0] / total)
        each.append(profile.radius.log())
        free = [c for c, fixed in enumerate(model.indices) if fixed is None]
        each += [profile.sersic_index[:, free].log(), profile.axis_ratio.log()]
        each += [profile.position_angle, torch.stack([profile.x, profile.y], 1) + middle]
        numbers = torch.cat(each, 1)
        rows = [torch.autograd.grad(one.sum(), at, retain_graph=True)[0] for one in numbers.T]
    return numbers.detach(), torch.stack(rows, 1).nan_to_num(0.0)


def _range(name: str, size: int) -> tuple[float, float]:
    """Of the numbers of ``_natural``; of those without borders its width alone counts."""
    if name.startswith("radius"):
        return math.log(RADIUS), math.log(size)
    if name.startswith(("sersic_index", "axis_ratio")):
        low, high = INDEX if name.startswith("sersic_index") else RATIO
        return math.log(low), math.log(high)
    if name.startswith("bulge_to_total"):
        return 0.0, 1.0
    if name.startswith("position_angle"):
        return 0.0, HALF_TURN
    return (0.0, float(size)) if name in ("x", "y") else (0.0, MAGNITUDES)


def _value(name: str, number: Tensor, pixel_scale: float) -> Tensor:
    """In the quantity's unit."""
    if name.startswith("radius"):
        return number.exp() * pixel_scale
    if name.startswith(("sersic_index", "axis_ratio")):
        return number.exp()
    return number.remainder(HALF_TURN) if name.startswith("position_angle") else number


def _root(spread: Tensor) -> Tensor:
    """Roots [object, D, D] of covariances, limited by a unit Gaussian.

    A (A + 1)^-1 as 1 - (A + 1)^-1, which stays exact where some variances are huge.
    """
    one = torch.eye(spread.shape[1], dtype=spread.dtype)
    both = spread + one
    scale = both.diagonal(dim1=1, dim2=2).clamp(min=1).rsqrt()
    inverse, failed = torch.linalg.inv_ex(both * scale[:, None] * scale[..., None])
    limited = one - inverse * scale[:, None] * scale[..., None]
    # Of a matrix that is no covariance only the variances are believed, where there are any.
    alone = spread.diagonal(dim1=1, dim2=2)
    odd = (alone < 0).any(1) | (failed != 0)
    alone = torch.where(alone < 0, torch.inf, alone)
    variances = torch.diag_embed(1 - 1 / (1 + alone))
    # Single precision of the fit's covariance may leave it not quite positive.
    values, vectors = torch.linalg.eigh(torch.where(odd[:, None, None], variances, limited))
    return vectors * values.clamp(0, 1).sqrt()[:, None]


@cache
def _normals(count: int) -> Tensor:
    """[sample, number] of a unit Gaussian."""
    engine = torch.quasirandom.SobolEngine(count, scramble=True, seed=1)
    # A point in the outermost cell may lie anywhere in it: at six sigma it would rule the spread.
    edge = 0.5 / PAIRS
    drawn = torch.special.ndtri(engine.draw(PAIRS, dtype=torch.float64).clamp(edge, 1 - edge))
    # So few points are not quite independent: made so, the samples have the fit's covariance.
    root = torch.linalg.cholesky(drawn.mT @ drawn / PAIRS)
    return torch.linalg.solve_triangular(root, drawn.mT, upper=False).mT
