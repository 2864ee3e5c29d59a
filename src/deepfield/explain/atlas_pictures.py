"""Atlas pictures: for each cell, an image that excites the layer as the cell's galaxies do."""

import torch
from torch import Tensor, nn

from deepfield.explain.atlas import Atlas
from deepfield.explain.dream import dream
from deepfield.explain.layers import activations
from deepfield.explain.target import Target
from deepfield.nouns.batch import Batch

AT_A_TIME = 16


def atlas_pictures(
    made: Atlas,
    net: nn.Module,
    layer: str,
    like: Batch,
    *,
    penalty: float = 1e-5,
    steps: int = 128,
    rate: float = 0.3,
    jitter: int = 0,
    blur: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """Feature visualisation of every cell's mean vector.

    Args:
        made: the atlas, of this network and layer.
        net: called with batches; it goes into evaluation mode.
        layer: dotted name.
        like: its first object gives the size, the noise and the PSF.
        penalty, steps, rate, jitter, blur, seed: as in ``dream``.

    Returns:
        [cell, channel, y, x] nJy

    Raises:
        ValueError: no such layer, or one with another number of maps.
    """
    net.eval()
    pictures = []
    for means in made.means.to(like.values.device).split(AT_A_TIME):
        pictures.append(
            dream(
                resemblance(net, layer, means),
                like.take(torch.zeros(len(means), dtype=torch.long)),
                penalty=penalty,
                steps=steps,
                rate=rate,
                jitter=jitter,
                blur=blur,
                seed=seed,
                chunk=AT_A_TIME,
            )
        )
    return torch.cat(pictures)


def reactivation(made: Atlas, net: nn.Module, layer: str, pictures: Batch) -> Tensor:
    """How well each picture brings its cell's mean vector back.

    Args:
        made, net, layer: as in ``atlas_pictures``.
        pictures: a batch of them, in the order of the cells.

    Returns:
        [cell] cosine of the layer's mean over the picture with the mean vector.
    """
    net.eval()
    with torch.no_grad():
        given = _over_the_image(activations(net, layer, pictures))
    return torch.cosine_similarity(given, made.means.to(given), dim=1)


def resemblance(net: nn.Module, layer: str, vectors: Tensor) -> Target:
    """How much a layer's mean activation looks like a vector: dot product times cosine^4.

    The dot product alone would rather exaggerate a few maps than get all of them right
    (Carter+19).

    Args:
        net: called with batches, and ``layer`` the dotted name.
        vectors: [object, map], one for each object of the batch that the target will see.

    Raises:
        ValueError: when called, another number of maps.
    """
    lengths = vectors.square().sum(1)

    def target(batch: Batch) -> Tensor:
        given = _over_the_image(activations(net, layer, batch))
        if given.shape[1] != vectors.shape[1]:
            raise ValueError(
                f"layer {layer!r} gives {given.shape[1]} maps for vectors of {vectors.shape[1]}; "
                "use the layer that the atlas was made of"
            )
        likeness = torch.cosine_similarity(given, vectors, dim=1).clamp(min=0.1)
        return (given * vectors).sum(1) / lengths.clamp(min=1e-12) * likeness**4

    return target


def _over_the_image(activation: Tensor) -> Tensor:
    return activation if activation.ndim == 2 else activation.flatten(2).mean(2)
