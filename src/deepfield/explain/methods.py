"""Methods by name: what each attribution method says of an object, by pixel and by band."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from deepfield.explain.deconvnet import deconvnet
from deepfield.explain.fast_occlusion import fast_occlusion
from deepfield.explain.grad_cam import grad_cam
from deepfield.explain.guided_backpropagation import guided_backpropagation
from deepfield.explain.integrated_gradients import complete_gradients
from deepfield.explain.saliency import gradient_times_input, saliency
from deepfield.explain.shares import by_pixel
from deepfield.explain.smooth_galaxy import smooth_galaxy
from deepfield.explain.target import Target
from deepfield.nouns.batch import Batch


@dataclass(frozen=True)
class Evidence:
    """What a method found.

    Args:
        whole: [object, y, x] of all bands together.
        by_band: [object, channel, y, x]; None where the method doesn't tell bands apart.
    """

    whole: Tensor
    by_band: Tensor | None


@dataclass(frozen=True)
class Setting:
    """What methods are told beside the target and the images.

    Args:
        net: the network that the target runs.
        layer: whose maps are asked, by a method that asks a layer.
        window: side of the squares, px, of a method that covers some.
    """

    net: nn.Module
    layer: str
    window: int = 8


@dataclass(frozen=True)
class Method:
    """An attribution method as a reader meets it.

    Args:
        explain: (target, images, setting) -> evidence.
        shows: what a pixel of its map is, in words.
        per_flux: its unit is the target's per unit of flux, not the target's.
    """

    explain: Callable[[Target, Batch, Setting], Evidence]
    shows: str
    per_flux: bool = False


def _occluded(
    target: Target, batch: Batch, setting: Setting, baseline: float | Tensor = 0.0
) -> Evidence:
    # One call: what the network makes of the untouched image serves all groups of bands.
    bands = [tuple(range(len(batch.channels))), *((n,) for n in range(len(batch.channels)))]
    stride = max(1, setting.window // 4)
    lost = fast_occlusion(target, batch, setting.window, stride, baseline, bands=bands)
    return Evidence(lost[:, 0], lost[:, 1:])


def _smoothed(target: Target, batch: Batch, setting: Setting) -> Evidence:
    return _occluded(target, batch, setting, smooth_galaxy(batch.values))


def _activated(target: Target, batch: Batch, setting: Setting) -> Evidence:
    return Evidence(grad_cam(target, batch, setting.net, setting.layer)[:, 0], None)


def _summed(
    attribution: Callable[[Target, Batch], Tensor],
) -> Callable[[Target, Batch, Setting], Evidence]:
    def explain(target: Target, batch: Batch, setting: Setting) -> Evidence:
        maps = attribution(target, batch)
        return Evidence(by_pixel(maps), maps)

    return explain


METHODS = {
    "occlusion": Method(
        _occluded,
        "what the answer loses where a square window is covered with empty sky, a mean over the "
        "windows that cover the pixel; for the bands, where it is covered in that band alone",
    ),
    "occlusion_smooth": Method(
        _smoothed,
        "what the answer loses where a square window is covered with a smooth galaxy of the same "
        "profile: the light stays, arms, bars and clumps go",
    ),
    "integrated_gradients": Method(
        _summed(complete_gradients),
        "the pixel's share of the difference between the answer and that to an empty sky",
    ),
    "gradient_times_input": Method(
        _summed(gradient_times_input),
        "flux times the change of the answer with it",
    ),
    "saliency": Method(
        _summed(saliency),
        "how much the answer changes with the pixel's flux, in either direction",
        per_flux=True,
    ),
    "grad_cam": Method(
        _activated,
        "how much a layer's maps raise the answer there; it does not tell bands apart, nor show "
        "what speaks against",
    ),
    "deconvnet": Method(
        _summed(deconvnet),
        "the answer projected back to the pixels, ReLUs applied on the way back; of a network "
        "without max-pooling nearly the same for every object",
        per_flux=True,
    ),
    "guided_backpropagation": Method(
        _summed(guided_backpropagation),
        "the gradient where it is positive all the way; it shows edges also in networks that "
        "have learnt nothing",
        per_flux=True,
    ),
}
"""by the name of the function that does the work, and what takes the pixels' place"""
