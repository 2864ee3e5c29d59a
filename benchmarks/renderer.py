"""The renderer against GalSim: accuracy and time, on one core and in one run.

Run: ``python benchmarks/renderer.py`` (about three minutes). GalSim's accuracy reference has tight
parameters at the true Sersic index; its speed reference has default parameters, indices quantised
to 0.1 and all its tables cached. Both see the same Moffat PSF. The last line is one JSON object.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import galsim
import numpy as np
import torch

from deepfield.nouns.psf import Psf
from deepfield.render.sersic import sersic

SIZE = 64
TIGHT = galsim.GSParams(
    folding_threshold=5e-4,
    maxk_threshold=1e-4,
    kvalue_accuracy=1e-6,
    stepk_minimum_hlr=20,
    maximum_fft_size=16384,
)
Parameters = dict[str, np.ndarray]


def single(rng: np.random.Generator, count: int) -> Parameters:
    """Single profiles: n U[0.5, 6], circularised radius log-U[1, 10] px, q U[0.2, 1]."""
    ratio = rng.uniform(0.2, 1, count)
    return {
        "sersic_index": rng.uniform(0.5, 6, count),
        "radius": 10 ** rng.uniform(0, 1, count) / np.sqrt(ratio),
        "axis_ratio": ratio,
        "position_angle": rng.uniform(0, 180, count),
        "x": rng.uniform(-0.5, 0.5, count),
        "y": rng.uniform(-0.5, 0.5, count),
    }


def component(
    rng: np.random.Generator, centre: Parameters, *, index: float, largest: float
) -> Parameters:
    """A bulge or a disc of the wide prior: log radius U[0.2, largest] px, q U[0.05, 0.95]."""
    count = len(centre["x"])
    return {
        "sersic_index": np.full(count, index),
        "radius": 10 ** rng.uniform(0.2, largest, count),
        "axis_ratio": 1 - rng.uniform(0.05, 0.95, count),
        "position_angle": rng.uniform(0, 180, count),
        **centre,
    }


def ours(parameters: Parameters, flux: torch.Tensor, psf: Psf) -> torch.Tensor:
    """Images [object, channel, y, x]."""
    tensors: dict[str, Any] = {k: torch.from_numpy(v).float() for k, v in parameters.items()}
    return sersic(**tensors, flux=flux, psf=psf, size=SIZE)


def profile(parameters: Parameters, i: int, settings: galsim.GSParams | None) -> galsim.GSObject:
    """The galaxy in GalSim, before the PSF."""
    p = {name: float(values[i]) for name, values in parameters.items()}
    circular = p["radius"] * np.sqrt(p["axis_ratio"])
    round_one = galsim.Sersic(p["sersic_index"], half_light_radius=circular, gsparams=settings)
    angle = (90 + p["position_angle"]) * galsim.degrees
    return round_one.shear(q=p["axis_ratio"], beta=angle).shift(p["x"], p["y"])


def draw(galaxy: galsim.GSObject, psf: galsim.GSObject) -> np.ndarray:
    """GalSim's image, integrated over pixels."""
    image = galsim.Convolve(galaxy, psf).drawImage(nx=SIZE, ny=SIZE, scale=1.0)
    return image.array.astype(np.float64)


def kernel(psf: galsim.GSObject, oversampling: int, half: int) -> torch.Tensor:
    """GalSim's PSF integrated over pixels, out to ``half`` pixels, unit sum."""
    side, scale = 2 * half * oversampling + 1, 1 / oversampling
    seen = galsim.Convolve(psf, galsim.Pixel(1.0))
    image = seen.drawImage(nx=side, ny=side, scale=scale, method="no_pixel").array
    values = torch.from_numpy(image.astype(np.float64))
    return (values / values.sum()).float()


def compare(images: torch.Tensor, truth: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Largest error over the stamp's peak, and error of the light in the stamp: [object]."""
    pairs = list(zip(images.detach().double().numpy(), truth, strict=True))
    peak = np.array([np.abs(image - true).max() / true.max() for image, true in pairs])
    light = np.array([abs(image.sum() / true.sum() - 1) for image, true in pairs])
    return peak, light


def line(name: str, errors: np.ndarray) -> None:
    """One row of the table."""
    low, high = np.median(errors), np.percentile(errors, 95)
    print(f"  {name:<44} median {low:.1e}   95 % {high:.1e}   max {errors.max():.1e}", flush=True)


def best(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Best time of every call, milliseconds; the calls take turns."""
    times = []
    for _ in range(rounds):
        row = []
        for call in calls:
            start = time.perf_counter()
            call()
            row.append(1e3 * (time.perf_counter() - start))
        times.append(row)
    return [min(column) for column in zip(*times, strict=True)]


def accuracy_single(count: int) -> tuple[float, float]:
    """Largest peak and flux error over PSFs of 2.5, 3 and 4 px."""
    print(f"single profiles against tight GalSim, {count} galaxies a PSF")
    parameters = single(np.random.default_rng(1), count)
    galaxies = [profile(parameters, i, TIGHT) for i in range(count)]
    worst = []
    for width in (2.5, 3.0, 4.0):
        moffat = galsim.Moffat(beta=3.0, fwhm=width, gsparams=TIGHT)
        psf = Psf(kernel(moffat, 1, 40)[None, None])
        images = ours(parameters, torch.ones(count, 1), psf)[:, 0]
        peak, light = compare(images, [draw(galaxy, moffat) for galaxy in galaxies])
        line(f"PSF {width} px: error / peak", peak)
        line(f"PSF {width} px: flux in the stamp", light)
        worst.append((peak.max(), light.max()))
    return max(peak for peak, _ in worst), max(light for _, light in worst)


def accuracy_prior(count: int) -> tuple[float, float]:
    """Largest peak and flux error of bulge + disc over the wide prior, PSFs of 1.2 to 2.5 px."""
    print(f"bulge + disc over the wide prior, PSFs of 1.2-2.5 px, {count} galaxies")
    rng = np.random.default_rng(2)
    centre = {axis: rng.uniform(-0.5, 0.5, count) for axis in ("x", "y")}
    bulge = component(rng, centre, index=4.0, largest=1.3)
    disc = component(rng, centre, index=1.0, largest=1.5)
    share = rng.uniform(0, 1, count)
    psfs = [galsim.Moffat(beta=3.0, fwhm=width) for width in rng.uniform(1.2, 2.5, count)]
    psf = Psf(torch.stack([kernel(one, 3, 24) for one in psfs])[:, None], 3)
    flux = torch.from_numpy(share).float()[:, None]
    start = time.perf_counter()
    images = ours(bulge, flux, psf) + ours(disc, 1 - flux, psf)
    print(
        f"  ours {1e3 * (time.perf_counter() - start) / count:.1f} ms a galaxy, its own PSF each"
    )
    truth = []
    for i in range(count):
        both = share[i] * profile(bulge, i, TIGHT) + (1 - share[i]) * profile(disc, i, TIGHT)
        truth.append(draw(both, psfs[i].withGSParams(TIGHT)))
    peak, light = compare(images[:, 0], truth)
    line("error / peak", peak)
    line("flux in the stamp", light)
    return peak.max(), light.max()


def speed(count: int) -> dict[str, float]:
    """Milliseconds per galaxy of both, and ours with gradients."""
    rng = np.random.default_rng(3)
    parameters = single(rng, count)
    parameters["sersic_index"] = np.round(parameters["sersic_index"], 1)
    moffat = galsim.Moffat(beta=3.0, fwhm=3.0)
    psf = Psf(kernel(moffat, 1, 24)[None, None])
    flux = torch.ones(count, 1)
    leaves: dict[str, Any] = {
        name: torch.from_numpy(values).float().requires_grad_()
        for name, values in parameters.items()
    }

    def forward() -> object:
        return ours(parameters, flux, psf)

    def backward() -> object:
        total = sersic(**leaves, flux=flux, psf=psf, size=SIZE).square().sum()
        return torch.autograd.grad(total, list(leaves.values()))

    def peer() -> object:
        return [draw(profile(parameters, i, None), moffat) for i in range(count)]

    peer()  # fills GalSim's cache
    forward()
    backward()
    names = ("ours", "peer", "gradient")
    times = best([forward, peer, backward], 5)
    return {name: value / count for name, value in zip(names, times, strict=True)}


def speed_pair(count: int) -> dict[str, float]:
    """Milliseconds per bulge + disc of both: n = 4 and n = 1 cached, the rest as the singles."""
    rng = np.random.default_rng(4)
    bulge = single(rng, count) | {"sersic_index": np.full(count, 4.0)}
    disc = single(rng, count) | {"sersic_index": np.full(count, 1.0)}
    moffat = galsim.Moffat(beta=3.0, fwhm=3.0)
    psf, flux = Psf(kernel(moffat, 1, 24)[None, None]), torch.full((count, 1), 0.5)

    def both() -> object:
        return ours(bulge, flux, psf) + ours(disc, flux, psf)

    def peer() -> object:
        pairs = (
            0.5 * profile(bulge, i, None) + 0.5 * profile(disc, i, None) for i in range(count)
        )
        return [draw(pair, moffat) for pair in pairs]

    peer()
    both()
    times = best([both, peer], 3)
    return {"ours_pair": times[0] / count, "peer_pair": times[1] / count}


def main() -> None:
    """Print the table and, last, the figures as JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    times = speed(192)
    ratio = times["peer"] / times["ours"]
    print("64 x 64 single profiles, PSF 3 px, one core, ms per galaxy (best of alternating runs)")
    print(f"  ours {times['ours']:.3f}   with gradients {times['gradient']:.3f}")
    print(f"  GalSim, n to 0.1, warm cache {times['peer']:.2f}   ratio {ratio:.0f}", flush=True)
    times |= speed_pair(64)
    print(f"  bulge + disc: ours {times['ours_pair']:.3f}   GalSim {times['peer_pair']:.2f}")
    peak, light = accuracy_single(64)
    peak_prior, light_prior = accuracy_prior(60)
    figures = {
        "ratio": ratio,
        **times,
        "peak_error": peak,
        "flux_error": light,
        "peak_error_prior": peak_prior,
        "flux_error_prior": light_prior,
    }
    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    print(json.dumps({"name": "renderer", **rounded}))


if __name__ == "__main__":
    main()
