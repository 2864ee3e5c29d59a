"""Shifts: the most probable redshift, and samples, of a posterior on a grid of shifts."""

import torch
from torch import Tensor


def peak(log: Tensor, shifts: Tensor) -> Tensor:
    """[object] the most probable shift, between the points by a parabola."""
    best = log.argmax(1).clamp(1, log.shape[1] - 2)
    around = log.gather(1, best[:, None] + torch.tensor([-1, 0, 1])).double()
    curvature = around[:, 0] - 2 * around[:, 1] + around[:, 2]
    away = 0.5 * (around[:, 0] - around[:, 2]) / curvature.clamp(max=-1e-9)
    return shifts[best] + away.clamp(-0.5, 0.5) * (shifts[1] - shifts[0])


def even_samples(every: Tensor, shifts: Tensor, phases: int, count: int) -> Tensor:
    """[object, sample] shifts: even quantiles, each bin with the parabola's width or its own."""
    order = shifts.argsort()
    ordered, weight = shifts[order], every.exp()[:, order].double()
    below = weight.cumsum(1)
    levels = (torch.arange(count).double() + 0.5) / count * below[:, -1:]
    place = torch.searchsorted(below, levels).clamp(max=len(ordered) - 1)
    inside = 1 - (below.gather(1, place) - levels) / weight.gather(1, place).clamp(min=1e-300)
    spread = ordered[place] + (inside.clamp(0, 1) - 0.5) / phases
    # A peak narrower than the grid is told by its parabola.
    best = every.argmax(1)
    at = (best[:, None] + torch.tensor([-1, 0, 1])).clamp(0, every.shape[1] - 1)
    around = every.gather(1, at).double()
    curvature = (around[:, 0] - 2 * around[:, 1] + around[:, 2]).clamp(max=-1e-9)
    away = (0.5 * (around[:, 0] - around[:, 2]) / curvature).clamp(-0.5, 0.5)
    sigma = (-curvature).rsqrt() / phases
    middle = (shifts[best] + away / phases)[:, None]
    normal = torch.special.ndtri((torch.arange(count).double() + 0.5) / count)
    near = (spread - middle).abs() < 1.5 / phases
    narrow = near & (sigma < 0.5 / phases)[:, None]
    return torch.where(narrow, middle + sigma[:, None] * normal, spread).float()
