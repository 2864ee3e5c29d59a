"""Laws of the correction: whatever a network says, the answer is the model's own posterior."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepfield.likelihood.corrected import FEW, WALKERS, Corrected
from deepfield.likelihood.emulated import Emulated
from deepfield.likelihood.evidence import log_likelihood
from deepfield.likelihood.galaxies import one_sersic
from deepfield.likelihood.importance import effective, resampled, tempered
from deepfield.likelihood.model import Model
from deepfield.likelihood.pixels import Pixels, pixels
from deepfield.likelihood.rendered import render
from deepfield.likelihood.walkers import walk
from deepfield.nets.frame import Frame, frame
from deepfield.nets.heads.mixture import Mixture
from deepfield.nouns.batch import Batch
from deepfield.nouns.posterior import Posterior
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.survey import Survey
from deepfield.render.psf import moffat
from deepfield.sky.surveys import hst_f160w
from deepfield.tasks.density import Density
from deepfield.tasks.scales import Flat, LogPixels

SIZE, OBJECTS = 32, 8
PSF = Psf(moffat(3.0, 3.0, side=21)[None, None])
SURVEY: Survey = hst_f160w()
SCALES = {
    "magnitude": Flat(20.0, 26.0),
    "radius": LogPixels(0.0, 1.0),
    "sersic_index": Flat(0.5, 6.0),
    "axis_ratio": Flat(0.05, 0.95),
    "position_angle": Flat(0.0, 180.0),
    "x": Flat(SIZE / 2 - 1, SIZE / 2),
    "y": Flat(SIZE / 2 - 1, SIZE / 2),
}
TASK = Density(tuple(Quantity(name) for name in SCALES), tuple(SCALES.values()))
BOTH = Model(SIZE, (None, 1.0))


class Opinion(nn.Module):
    """A network that says the same Gaussian of every object, wherever it was told."""

    def __init__(self, middle: Tensor, width: Tensor) -> None:
        super().__init__()
        self.middle, self.width = middle, width

    def forward(self, batch: Batch) -> tuple[Mixture, Frame]:
        rows = torch.tensor([int(name) for name in batch.ids])
        root = torch.diag_embed(1 / self.width[rows])[:, None]
        return Mixture(torch.zeros(len(rows), 1), self.middle[rows, None], root), frame(batch)


@dataclass(frozen=True)
class Network:
    """What ``Corrected`` asks of a trained network."""

    net: nn.Module
    task: Density = TASK

    def predict(self, batch: Batch) -> Prediction:
        return self.task.predict(self.net.eval(), batch)


def observed() -> tuple[Batch, Tensor]:
    """Galaxies of a signal-to-noise ratio of 60, and their standardised numbers."""
    random = torch.Generator().manual_seed(4)
    z = 0.7 * torch.randn(OBJECTS, 7, generator=random)
    blank = Batch(
        np.array([str(i) for i in range(OBJECTS)]),
        torch.zeros(OBJECTS, 1, SIZE, SIZE),
        ("r",),
        variance=torch.ones(OBJECTS, 1, 1, 1),
        psf=PSF,
        survey=SURVEY,
    )
    values = TASK.to_values(z[:, None], frame(blank))[:, 0]
    model = Model(SIZE)
    named = dict(zip(SCALES, values.T, strict=True))
    profile = one_sersic(named, SURVEY.pixel_scale, SIZE)
    light = model.images(model.parameters(profile), PSF)
    sigma = light.square().sum((1, 2, 3)).sqrt() / 60
    noise = torch.randn(light.shape, generator=random) * sigma[:, None, None, None]
    variance = sigma.square()[:, None, None, None].expand_as(light).contiguous()
    ids, channels = blank.ids, blank.channels
    return Batch(ids, light + noise, channels, variance=variance, psf=PSF, survey=SURVEY), z


def some(count: int, spread: float) -> tuple[Pixels, Tensor]:
    """Two galaxies of a bulge and a disc, and parameters around the truth."""
    random = torch.Generator().manual_seed(2)
    true = torch.tensor([4.5, 0.8, 0.2, 0.1, 0.7, 5.0, 1.6, -0.2, 0.3, 0.1, -0.2])
    true = true.repeat(2, 1)
    images = BOTH.images(true, PSF)
    seen = pixels(images + torch.randn(images.shape, generator=random), PSF)
    away = spread * torch.randn(2, count, BOTH.count, generator=random)
    return seen, true[:, None] + away


def test_components_add_up_to_the_image():
    seen, parameters = some(6, 0.1)
    mask = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.bool)
    mask[1, :, 20:] = True
    for one in (seen, pixels(seen.values, PSF, variance=2.0, mask=mask)):
        exact = log_likelihood(BOTH, one, parameters)
        assert torch.allclose(render(BOTH, one, parameters).log_likelihood, exact, rtol=1e-4)
    with pytest.raises(ValueError, match="band"):
        render(Model(SIZE, bands=2), seen, parameters)


def test_the_emulator_knows_what_lies_between_renders():
    seen, parameters = some(144, 0.1)
    exact = log_likelihood(BOTH, seen, parameters)
    assert float(exact.std()) > 10  # there is something to know
    for count, error in ((40, 2.0), (80, 0.5)):
        learnt = render(BOTH, seen, parameters[:, :count])
        off = Emulated(BOTH, seen, learnt, count).log_likelihood(parameters) - exact
        assert float(off[:, 80:].abs().median()) < error
        assert float(off[:, :count].abs().median()) < 0.2


def test_the_emulator_doubts_what_few_renders_tell():
    seen, parameters = some(144, 0.3)
    many = [
        Emulated(BOTH, seen, render(BOTH, seen, parameters[:, :count]), count)
        for count in (20, 40, 120)
    ]
    trust = [each.trust.mean((1, 2)) for each in many]
    assert bool((trust[0] < trust[1]).all()) and bool((trust[1] < trust[2]).all())
    assert bool((trust[2] < 1).all())
    # Doubt is noise: differences of the likelihood shrink, and none grows.
    heights = many[0].log_likelihood(parameters)
    doubt, many[0].trust = many[0].trust, torch.ones_like(many[0].trust)
    assert float(doubt.max()) < 1
    assert bool((heights >= many[0].log_likelihood(parameters)).all())


def test_walkers_find_a_narrow_and_slanted_density():
    random = torch.Generator().manual_seed(1)
    root = torch.tril(torch.randn(5, 5, generator=random)) + 2 * torch.eye(5)
    root[4] *= 0.1
    covariance, middle = root @ root.T, torch.arange(5.0)
    inverse = torch.linalg.inv(covariance)

    def density(z: Tensor) -> Tensor:
        away = z - middle
        return -0.5 * ((away @ inverse) * away).sum(2)

    start = 2 * torch.randn(40, WALKERS, 5, generator=random)
    end = walk(density, start, 250).flatten(0, 1) - middle
    whitened = torch.linalg.solve_triangular(root, end.T, upper=False)
    assert float(whitened.mean(1).abs().max()) < 0.15
    assert float((whitened @ whitened.T / len(end) - torch.eye(5)).abs().max()) < 0.15


def test_walkers_of_an_object_do_not_know_its_neighbours():
    start = torch.randn(3, WALKERS, 4, generator=torch.Generator().manual_seed(5))
    together = walk(lambda z: -z.square().sum(2), start, 20)
    alone = walk(lambda z: -z.square().sum(2), start[1:2], 20)
    assert torch.equal(together[1:2], alone)


def test_resampling_keeps_means_and_tempering_keeps_enough():
    random = torch.Generator().manual_seed(6)
    points, logs = torch.randn(5, 400, 2, generator=random), torch.randn(5, 400, generator=random)
    mean = (logs.softmax(1)[..., None] * points).sum(1)
    again = resampled(points, logs, 4000)
    assert float((again.mean(1) - mean).abs().max()) < 0.02
    steep = tempered(30 * logs, 50.0)
    assert bool(((effective(steep) - 50).abs() < 1).all())
    assert torch.equal(tempered(logs, 50.0), logs)  # enough as they are
    assert effective(torch.full((1, 3), -torch.inf)).tolist() == [0.0]


def reference(batch: Batch, z: Tensor) -> Posterior:
    """A long chain on the exact likelihood, from the truth."""
    assert batch.variance is not None
    model, seen = Model(SIZE), pixels(batch.values, PSF, variance=batch.variance)

    def density(points: Tensor) -> Tensor:
        values = TASK.to_values(points, frame(batch))
        named = dict(zip(SCALES, values.flatten(0, 1).T, strict=True))
        profile = one_sersic(named, SURVEY.pixel_scale, SIZE)
        free = model.parameters(profile).view(*points.shape[:2], -1)
        return log_likelihood(model, seen, free) - 0.5 * points.square().sum(2)

    random = torch.Generator().manual_seed(9)
    walkers = z[:, None] + 0.05 * torch.randn(len(z), WALKERS, 7, generator=random)
    parts = [walkers := walk(density, walkers, 20, seed=k) for k in range(4)]
    return Posterior(TASK.quantities, TASK.to_values(torch.cat(parts[1:], 1), frame(batch)))


def test_a_network_that_is_wide_and_wrong_is_corrected():
    batch, z = observed()
    width = torch.full_like(z, 0.3)
    wrong = z + 0.2 * torch.tensor([1.0, -1, 1, -1, 1, -1, 1])
    corrected = Corrected(Network(Opinion(wrong, width)), one_sersic, (None,))
    batch, z = batch.take(torch.arange(2)), z[:2]
    found = corrected.predict(batch)
    posterior, known = found["posterior"], reference(batch, z)
    assert isinstance(posterior, Posterior)
    assert bool((found["effective_samples"].values >= FEW).all())
    chi_square = found["reduced_chi_square"].values
    assert bool(((chi_square > 0.8) & (chi_square < 1.2)).all())
    mine, its = (one.quantiles([0.16, 0.5, 0.84]) for one in (posterior, known))
    sigma = (its[..., 2] - its[..., 0]) / 2
    assert float(((mine - its)[..., 1] / sigma).abs().median()) < 0.25
    ratio = (mine[..., 2] - mine[..., 0]) / 2 / sigma
    assert 0.85 < float(ratio.median()) < 1.15
    said = corrected.trained.predict(batch)["posterior"].quantiles([0.16, 0.84])
    assert float(((said[..., 1] - said[..., 0]) / 2 / sigma).median()) > 1.4  # it had to be


def test_what_cannot_be_corrected_is_what_the_network_said():
    batch, z = observed()
    lost = Opinion(z + 2.5, torch.full_like(z, 0.01))
    found = Corrected(Network(lost), one_sersic, (None,)).predict(batch.take(torch.tensor([0])))
    few = found["effective_samples"].values < FEW
    assert bool(few.any())
    middle = TASK.to_values((z + 2.5)[:1, None], frame(batch.take(torch.tensor([0]))))[:, 0]
    said = found["posterior"].quantiles([0.5])[..., 0]
    assert torch.allclose(said[few], middle[few], rtol=0.02, atol=0.02)


def test_stamps_without_pixels_are_nan_rows():
    batch, z = observed()
    batch.variance[1] = torch.inf
    network = Network(Opinion(z, torch.full_like(z, 0.1)))
    found = Corrected(network, one_sersic, (None,)).predict(batch.take(torch.arange(2)))
    assert found["posterior"].samples.isfinite().flatten(1).all(1).tolist() == [True, False]
    assert found["effective_samples"].values.isfinite().tolist() == [True, False]


def test_a_psf_and_one_band_are_asked_for():
    batch, z = observed()
    bare = Batch(batch.ids, batch.values, batch.channels, variance=batch.variance)
    corrected = Corrected(Network(Opinion(z, torch.ones_like(z))), one_sersic, (None,))
    with pytest.raises(ValueError, match="PSF missing"):
        corrected.predict(bare)
