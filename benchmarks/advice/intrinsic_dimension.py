"""Why are galaxies simpler than natural images? How many numbers describe a stamp of 16 x 16 px.

The intrinsic dimension from the distances to the two nearest neighbours (TwoNN: Facco+17, Sci.
Rep. 7, 12140) and the components that hold 95 % of the variance, for mock galaxies without
noise, in the middle of the stamp; the same at random places; the same with the phases of their
Fourier transforms drawn at random, which leaves their power spectra; under the sky's noise; the
brightest galaxies of the Hubble Deep Field; and patches of everyday pictures. Pictures and
Hubble's field come with scikit-image and scikit-learn and are summed over 2 x 2 px; every stamp
has its mean taken off and unit norm. TwoNN falls short of high dimensions where there are few
points: compare at the same number.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import sep
from experiment import Budget, Choice, Experiment, main
from scipy.spatial.distance import cdist
from skimage import data as pictures
from sklearn.datasets import load_sample_images
from stamps import galaxies

SIDE = 16
NATURAL = (
    "astronaut",
    "camera",
    "chelsea",
    "coffee",
    "rocket",
    "coins",
    "brick",
    "grass",
    "gravel",
)
SHOWN = 0.95
DROPPED = 0.1
"""largest ratios of distances that the line is not fitted to, as in Facco+17"""
ABOVE, BRIGHTEST = 3.0, 180
"""sigmas that the pixels of a galaxy of Hubble's field stand out by, and how many are taken"""
BUDGET = Budget()


def two_nn(points: np.ndarray) -> float:
    """Intrinsic dimension: slope of -log(1 - F) against log(r2 / r1), through the origin.

    Args:
        points: [object, coordinate], at least 3.

    Example:
        >>> line = np.linspace(0, 1, 500)[:, None] ** 2 * np.ones(9)
        >>> print(round(two_nn(line + 0.0), 0))
        1.0
    """
    distance = cdist(points, points)
    np.fill_diagonal(distance, np.inf)
    first, second = np.partition(distance, 1, axis=1)[:, :2].T
    ratio = np.log(np.sort(second[first > 0] / first[first > 0]))
    missing = 1 - np.arange(1, len(ratio) + 1) / (len(ratio) + 1)
    kept = slice(0, int((1 - DROPPED) * len(ratio)))
    x, y = ratio[kept], -np.log(missing[kept])
    return float((x * y).sum() / (x * x).sum())


def components(points: np.ndarray) -> int:
    """Principal components that hold 95 % of the variance."""
    variance = np.linalg.svd(points - points.mean(0), compute_uv=False) ** 2
    return int(np.searchsorted(variance.cumsum() / variance.sum(), SHOWN) + 1)


def windows(images: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """[object, pixel] windows of images [object, y, x] from corners [object, 2], normalised."""
    view = np.lib.stride_tricks.sliding_window_view(images, (SIDE, SIDE), axis=(1, 2))
    found = view[np.arange(len(images)), corners[:, 0], corners[:, 1]].reshape(len(images), -1)
    found = found - found.mean(1, keepdims=True)
    return found / np.linalg.norm(found, axis=1, keepdims=True).clip(1e-12)


def binned(image: np.ndarray) -> np.ndarray:
    """A picture as one float channel, summed over 2 x 2 px."""
    grey = image.astype(float) if image.ndim == 2 else image[..., :3].astype(float).mean(2)
    height, width = (side // 2 * 2 for side in grey.shape)
    return grey[:height, :width].reshape(height // 2, 2, width // 2, 2).sum((1, 3))


def centred(count: int, rng: np.random.Generator, folder: Path) -> np.ndarray:
    """Mock galaxies in the middle."""
    images = _mock(count, rng, folder)
    return windows(images, np.full((count, 2), (images.shape[1] - SIDE) // 2))


def anywhere(count: int, rng: np.random.Generator, folder: Path) -> np.ndarray:
    """Mock galaxies off the middle by up to 4 px."""
    images = _mock(count, rng, folder)
    return windows(images, rng.integers(images.shape[1] - SIDE + 1, size=(count, 2)))


def drawn_phases(count: int, rng: np.random.Generator, folder: Path) -> np.ndarray:
    """Images with the power spectra of mock galaxies and nothing else of them."""
    whole = _mock(count, rng, folder)
    noise = np.fft.rfft2(rng.normal(size=whole.shape))
    images = np.fft.irfft2(np.abs(np.fft.rfft2(whole)) * noise / np.abs(noise), whole.shape[1:])
    return windows(images, np.full((count, 2), (whole.shape[1] - SIDE) // 2))


def noisy(count: int, rng: np.random.Generator, folder: Path) -> np.ndarray:
    """Mock galaxies in the middle, under noise of one sigma of the sky."""
    images = _mock(count, rng, folder)
    images = images + rng.normal(size=images.shape)
    return windows(images, np.full((count, 2), (images.shape[1] - SIDE) // 2))


def hubble(count: int, rng: np.random.Generator, folder: Path) -> np.ndarray:
    """Galaxies of Hubble's field, in the middle."""
    found = _hubble()
    return found[rng.permutation(len(found))[:count]]


def natural(count: int, rng: np.random.Generator, folder: Path) -> np.ndarray:
    """Patches of everyday pictures, each as often; those without any contrast are left out."""
    images = _natural()
    patches = []
    for number in rng.integers(len(images), size=count):
        image = images[number]
        y, x = rng.integers(np.array(image.shape) - SIDE + 1)
        patches.append(image[y : y + SIDE, x : x + SIDE])
    return windows(np.stack(patches), np.zeros((count, 2), int))


SETS: dict[str, Callable[[int, np.random.Generator, Path], np.ndarray]] = {
    "mock galaxies": centred,
    "mock, off the middle": anywhere,
    "mock, phases drawn": drawn_phases,
    "mock, with noise": noisy,
    "Hubble galaxies": hubble,
    "everyday pictures": natural,
}


def _mock(count: int, rng: np.random.Generator, folder: Path) -> np.ndarray:
    pool = galaxies(folder, "train", BUDGET.pool)
    return pool.images[rng.permutation(len(pool))[:count], 0].numpy()


@cache
def _natural() -> list[np.ndarray]:
    shipped = [getattr(pictures, name)() for name in NATURAL]
    return [binned(image) for image in (*shipped, *load_sample_images().images)]


@cache
def _hubble() -> np.ndarray:
    field = binned(pictures.hubble_deep_field())
    background = sep.Background(field)
    image = field - background.back()
    found = sep.extract(image, ABOVE, err=background.globalrms, minarea=12)
    corner = np.stack([found["y"], found["x"]], 1).round().astype(int) - SIDE // 2
    inside = ((corner >= 0) & (corner + SIDE <= np.array(image.shape))).all(1)
    bright = np.argsort(found["flux"][inside])[::-1][:BRIGHTEST]
    corner = corner[inside][bright]
    return windows(np.broadcast_to(image, (len(corner), *image.shape)), corner)


def experiment(
    budget: Budget = BUDGET,
    counts: tuple[int, ...] = (150, 600),
) -> Experiment:
    """The experiment at this budget."""

    def run(curve: str, count: Choice, seed: int, folder: Path) -> dict[str, float]:
        points = SETS[curve](int(count), np.random.default_rng(seed), folder)
        if len(points) < int(count):
            return {}
        return {"dimension": two_nn(points), "components": components(points)}

    return Experiment(
        name="intrinsic_dimension",
        question=__doc__.splitlines()[0],
        curves=tuple(SETS),
        choices=counts,
        x="stamps",
        metrics={"dimension": "intrinsic dimension", "components": "components for 95 %"},
        run=run,
        ours=("mock galaxies", counts[1]),
        peer=("everyday pictures", counts[1]),
        settings=f"{budget}, {SIDE} px, {BRIGHTEST}",
        log_y=("dimension", "components"),
    )


if __name__ == "__main__":
    main(experiment())
