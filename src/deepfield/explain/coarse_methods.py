"""Methods by name, coarse enough to be judged on hundreds of objects and on networks without use.

Occlusion takes windows four pixels apart, integrated gradients a fixed number of steps. Both also
start from a smooth galaxy in place of empty sky.
"""

from collections.abc import Callable

from torch import Tensor

from deepfield.explain.fast_occlusion import fast_occlusion
from deepfield.explain.integrated_gradients import integrated_gradients
from deepfield.explain.methods import METHODS, Evidence, Setting
from deepfield.explain.shares import by_pixel
from deepfield.explain.smooth_galaxy import smooth_galaxy
from deepfield.explain.target import Target
from deepfield.nouns.batch import Batch

Explain = Callable[[Target, Batch, Setting, bool], Evidence]
"""target, objects, setting, whether bands are to be told apart"""

STRIDE = 4
STEPS = 12


def _occlusion(target: Target, batch: Batch, setting: Setting, apart: bool) -> Evidence:
    return _covered(target, batch, setting, apart, 0.0)


def _occlusion_smooth(target: Target, batch: Batch, setting: Setting, apart: bool) -> Evidence:
    return _covered(target, batch, setting, apart, smooth_galaxy(batch.values))


def _covered(
    target: Target, batch: Batch, setting: Setting, apart: bool, baseline: float | Tensor
) -> Evidence:
    channels = len(batch.channels)
    bands = [tuple(range(channels)), *((n,) for n in range(channels) if apart)]
    stride = min(STRIDE, setting.window)
    lost = fast_occlusion(target, batch, setting.window, stride, baseline, bands=bands)
    return Evidence(lost[:, 0], lost[:, 1:] if apart else None)


def _gradients(target: Target, batch: Batch, setting: Setting, apart: bool) -> Evidence:
    maps = integrated_gradients(target, batch, steps=STEPS)
    return Evidence(by_pixel(maps), maps)


def _gradients_smooth(target: Target, batch: Batch, setting: Setting, apart: bool) -> Evidence:
    maps = integrated_gradients(target, batch, steps=STEPS, baseline=smooth_galaxy(batch.values))
    return Evidence(by_pixel(maps), maps)


def _as_it_is(name: str) -> Explain:
    explain = METHODS[name].explain
    return lambda target, batch, setting, apart: explain(target, batch, setting)


COARSE: dict[str, Explain] = {
    **{name: _as_it_is(name) for name in METHODS},
    "occlusion": _occlusion,
    "occlusion_smooth": _occlusion_smooth,
    "integrated_gradients": _gradients,
    "integrated_gradients_smooth": _gradients_smooth,
}
"""by the method's name; ``_smooth`` where a smooth galaxy is what pixels become"""
