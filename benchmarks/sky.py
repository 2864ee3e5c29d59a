"""The mock sky against GalSim and the clock: components, bands, a large field, stamps in a file.

Run: ``python benchmarks/sky.py`` (about four minutes). Ratios are on one core and in one run, with
GalSim at its best: the tables of n = 4 and n = 1 cached. Errors are against GalSim with tight
parameters. The last line is one JSON object.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import galsim
import numpy as np
import renderer
import torch

from deepfield.data.hdf5 import write_hdf5
from deepfield.data.simulated import Simulated
from deepfield.nouns.psf import Psf
from deepfield.nouns.survey import Survey
from deepfield.render.canvas import Placed
from deepfield.render.components import components
from deepfield.render.noise import observe, sky_variance
from deepfield.render.psf import survey_psf
from deepfield.sky.bulge_disc import BulgeDisc
from deepfield.sky.surveys import hst, sdss

WIDTHS = (2.5, 2.75, 3.0, 3.5, 4.0)
"""FWHM of the five bands' Moffat PSFs, px."""
FIELD, GALAXIES = 4096, 10_000
STAMPS = 100_000


class Pairs:
    """Bulges with n = 4 in discs with n = 1, the rest as ``renderer.single``, in some bands."""

    def __init__(self, seed: int, count: int, widths: tuple[float, ...]) -> None:
        rng = np.random.default_rng(seed)
        self.count = count
        self.bulge, self.disc = (
            renderer.single(rng, count) | {"sersic_index": np.full(count, index)}
            for index in (4.0, 1.0)
        )
        self.disc |= {axis: self.bulge[axis] for axis in ("x", "y")}
        self.flux = rng.uniform(0, 1, (count, 2, len(widths)))
        self.moffats = [galsim.Moffat(beta=3.0, fwhm=width) for width in widths]
        kernels = torch.stack([renderer.kernel(one, 1, 32) for one in self.moffats])
        self.psf = Psf(kernels[None])

    def ours(self) -> torch.Tensor:
        """[object, channel, y, x]."""
        both = {
            name: torch.from_numpy(np.stack([self.bulge[name], self.disc[name]], 1)).float()
            for name in self.bulge
        }
        centre = {axis: both.pop(axis)[:, 0] for axis in ("x", "y")}
        flux = torch.from_numpy(self.flux).float()
        return components(**both, **centre, flux=flux, psf=self.psf, size=renderer.SIZE)

    def peer(self, settings: galsim.GSParams | None = None) -> list[np.ndarray]:
        """GalSim's, an image for each object and band in turn."""
        images = []
        for i in range(self.count):
            bulge = renderer.profile(self.bulge, i, settings)
            disc = renderer.profile(self.disc, i, settings)
            for flux, moffat in zip(self.flux[i].T, self.moffats, strict=True):
                psf = moffat if settings is None else moffat.withGSParams(settings)
                images.append(renderer.draw(flux[0] * bulge + flux[1] * disc, psf))
        return images


def best(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Best of every call, milliseconds of the processor: other work on the machine counts less."""
    times = []
    for _ in range(rounds):
        row = []
        for call in calls:
            start = time.process_time()
            call()
            row.append(1e3 * (time.process_time() - start))
        times.append(row)
    return [min(column) for column in zip(*times, strict=True)]


def ratio(name: str, pairs: Pairs, rounds: int) -> dict[str, float]:
    """Time of GalSim over ours, and our errors."""
    pairs.peer()  # fills GalSim's cache
    pairs.ours()
    mine, peer = best([pairs.ours, pairs.peer], rounds)
    peak, light = renderer.compare(pairs.ours().flatten(0, 1), pairs.peer(renderer.TIGHT))
    print(
        f"{name}: ours {mine / pairs.count:.3f} ms, GalSim {peer / pairs.count:.2f} ms a galaxy, "
        f"ratio {peer / mine:.0f}"
    )
    renderer.line("error / peak", peak)
    renderer.line("flux in the stamp", light)
    return {
        f"ratio_{name}": peer / mine,
        f"milliseconds_{name}": mine / pairs.count,
        f"peak_error_{name}": peak.max(),
        f"flux_error_{name}": light.max(),
    }


def one_band(survey: Survey) -> Survey:
    """Its middle band alone."""
    return survey.select(survey.channels[len(survey.bands) // 2 :][:1])


def field() -> dict[str, float]:
    """Seconds for a noisy field, parameters and noise included.

    Counts rise by 0.4 dex a magnitude from 18 to 25.5; half-light radii are 0.8" at magnitude 22
    and grow with flux. Light below a thousandth of the sky's noise in a pixel is left out.
    """
    start = time.perf_counter()
    survey = one_band(sdss())
    u = torch.rand(8, GALAXIES, generator=torch.Generator().manual_seed(5))
    magnitude = 25.5 + torch.log10(u[0].clamp(min=1e-3)) / 0.4
    flux = 10 ** (0.4 * (31.4 - magnitude))
    radius = 0.8 * 10 ** (-0.15 * (magnitude - 22) + 0.4 * (u[1] - 0.5)) / survey.pixel_scale
    bulge = u[2] ** 2
    sigma = float(sky_variance(survey)[0].sqrt())
    galaxies = Placed(
        sersic_index=torch.stack([1 + 3 * u[3], torch.ones(GALAXIES)], 1),
        radius=torch.stack([0.5 * radius, radius], 1),
        axis_ratio=torch.stack([0.5 + 0.5 * u[4], 0.15 + 0.85 * u[4]], 1),
        position_angle=torch.stack([180 * u[5]] * 2, 1),
        x=u[6] * FIELD,
        y=u[7] * FIELD,
        flux=(flux[:, None] * torch.stack([bulge, 1 - bulge], 1))[..., None],
        psf=survey_psf(survey),
        faint=1e-3 * sigma,
    )
    image = galaxies.paint(FIELD, FIELD)
    white = np.random.default_rng(6).standard_normal((1, 1, FIELD, FIELD), np.float32)
    values, _ = observe(image[None], survey, torch.from_numpy(white))
    seconds = time.perf_counter() - start
    sides, counts = galaxies.sides().unique(return_counts=True)
    sizes = ", ".join(f"{n} of {side}" for side, n in zip(sides, counts, strict=True))
    print(f"field of {values.shape[-1]} px, {GALAXIES} galaxies: {seconds:.1f} s; stamps: {sizes}")
    return {"field_seconds": seconds}


def stamps(count: int) -> dict[str, float]:
    """Seconds to write noisy bulge + disc stamps of the Hubble prior from two processes."""
    source = Simulated(one_band(hst()), {"train": count}, sky=BulgeDisc())
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        path = write_hdf5(source, Path(folder) / "stamps.h5", workers=2)
        seconds = time.perf_counter() - start
        print(f"{count} stamps in {seconds:.1f} s, {path.stat().st_size / count:.0f} bytes each")
    return {"stamps_seconds": seconds * STAMPS / count}


def main() -> None:
    """Print what was measured and, last, the figures as JSON."""
    torch.set_num_threads(1)
    cores = os.sched_getaffinity(0)
    figures = stamps(STAMPS)
    os.sched_setaffinity(0, {min(cores)})
    figures |= ratio("bulge_disc", Pairs(7, 128, (3.0,)), 5)
    figures |= ratio("five_bands", Pairs(8, 64, WIDTHS), 3)
    figures |= field()
    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    print(json.dumps({"name": "sky", **rounded}))


if __name__ == "__main__":
    main()
