"""Activation atlas: all that a layer tells apart, on one page (Carter+19, Distill)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from torch import Tensor, nn

from deepfield.explain.feature_maps import feature_maps
from deepfield.nouns.batch import Batch


@dataclass(frozen=True)
class Atlas:
    """Activations of a layer in the plane, and their means on a grid.

    Args:
        vectors: [sample, map] activations.
        objects: [sample] number of the object that each is of, counted over all batches.
        positions: [sample, 2] x and y between 0 and 1.
        side: cells along an axis of the grid.
        cells: [cell, 2] column and row, from 0, of those that hold enough samples.
        means: [cell, map] mean vector of the samples in a cell.
        counts: [cell] how many those are.
    """

    vectors: Tensor
    objects: Tensor
    positions: Tensor
    side: int
    cells: Tensor
    means: Tensor
    counts: Tensor


def sampled(
    net: nn.Module,
    batches: Iterable[Batch],
    layer: str,
    *,
    places: int = 1,
    seed: int = 0,
    chunk: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Activations of a layer at random places of many objects.

    Args:
        net: called with batches.
        batches: objects.
        layer: dotted name; one without maps gives its features, a place an object.
        places: of each object's maps.
        seed: of the places.
        chunk: images at a time; None to choose.

    Returns:
        vectors [sample, map] and the number of each one's object [sample].

    Raises:
        ValueError: no such layer, no objects, or less than one place.

    Example:
        >>> import numpy as np, torch
        >>> class Net(nn.Sequential):
        ...     def forward(self, batch):
        ...         return super().forward(batch.values)
        >>> net = Net(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten())
        >>> batch = Batch(np.array(["a", "b"]), torch.rand(2, 1, 8, 8), ("g",))
        >>> vectors, objects = sampled(net, [batch], "1", places=3)
        >>> vectors.shape, objects.tolist()
        (torch.Size([6, 4]), [0, 0, 0, 1, 1, 1])
    """
    if places < 1:
        raise ValueError(f"{places} places an object; expected at least 1")
    generator = torch.Generator().manual_seed(seed)
    vectors: list[Tensor] = []
    objects: list[Tensor] = []
    seen = 0
    for batch in batches:
        maps = feature_maps(net, batch, layer, chunk=chunk).cpu()
        flat = maps[..., None] if maps.ndim == 2 else maps.flatten(2)
        take = min(places, flat.shape[2])
        there = torch.rand(len(flat), flat.shape[2], generator=generator).argsort(1)[:, :take]
        picked = flat.gather(2, there[:, None].expand(-1, flat.shape[1], -1))
        vectors.append(picked.transpose(1, 2).flatten(0, 1))
        objects.append(torch.arange(seen, seen + len(batch)).repeat_interleave(take))
        seen += len(batch)
    if not seen:
        raise ValueError("there are no objects; give at least one batch with some")
    return torch.cat(vectors), torch.cat(objects)


def embedded(vectors: Tensor, *, perplexity: float = 30.0, seed: int = 0) -> Tensor:
    """Positions in the plane that keep neighbours together: PCA, then t-SNE.

    A minute for about 10,000 vectors on one core.

    Args:
        vectors: [sample, map].
        perplexity: about how many neighbours count; at most a third of the samples.
        seed: of t-SNE.

    Returns:
        [sample, 2] between 0 and 1.

    Raises:
        ValueError: fewer than 4 samples.
    """
    if len(vectors) < 4:
        raise ValueError(f"{len(vectors)} vectors; an atlas needs at least 4, better thousands")
    numbers = vectors.double().numpy()
    components = min(50, *numbers.shape)
    reduced = PCA(components, random_state=seed).fit_transform(numbers)
    plane = TSNE(
        perplexity=min(perplexity, (len(vectors) - 1) / 3), init="pca", random_state=seed
    ).fit_transform(reduced[:, :components])
    positions = torch.from_numpy(plane).float()
    low, high = positions.amin(0), positions.amax(0)
    return (positions - low) / (high - low).clamp(min=1e-12)


def atlas(
    vectors: Tensor, objects: Tensor, positions: Tensor, *, side: int = 20, least: int = 5
) -> Atlas:
    """Means of the activations on a grid over the plane.

    Args:
        vectors, objects: of ``sampled``.
        positions: of ``embedded``, or any others between 0 and 1.
        side: cells along an axis.
        least: samples that a cell must hold.

    Raises:
        ValueError: numbers of samples that differ, or a grid none of whose cells holds enough.

    Example:
        >>> corners = torch.tensor([[0.0, 0.0], [0.1, 0.0], [1.0, 1.0], [0.9, 1.0]])
        >>> made = atlas(torch.eye(4), torch.arange(4), corners, side=2, least=2)
        >>> made.cells.tolist(), made.means[0].tolist()
        ([[0, 0], [1, 1]], [0.5, 0.5, 0.0, 0.0])
    """
    if not len(vectors) == len(objects) == len(positions):
        raise ValueError(
            f"{len(vectors)} vectors of {len(objects)} objects at {len(positions)} positions; "
            "expected as many of each"
        )
    column, row = (positions * side).long().clamp(0, side - 1).unbind(1)
    number, members = (row * side + column).unique(return_inverse=True)
    counts = members.bincount(minlength=len(number))
    sums = vectors.new_zeros(len(number), vectors.shape[1]).index_add(0, members, vectors)
    enough = counts >= least
    if not bool(enough.any()):
        raise ValueError(
            f"no cell of {side} x {side} holds {least} of {len(vectors)} samples; take more "
            "samples or fewer cells"
        )
    number = number[enough]
    return Atlas(
        vectors,
        objects,
        positions,
        side,
        cells=torch.stack([number % side, number // side], 1),
        means=sums[enough] / counts[enough, None],
        counts=counts[enough],
    )
