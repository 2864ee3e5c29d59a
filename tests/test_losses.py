"""Losses and scores of the slides' systems: hand-computed numbers, closed forms, identities."""

from math import erf, exp, log, pi, sqrt

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import nn
from torch.distributions import Independent, MixtureSameFamily, Normal, kl_divergence
from torchvision import ops

from deepfield.losses.anomaly import anomaly_score, residual_image
from deepfield.losses.box import iou, quadratic
from deepfield.losses.crps import crps_gaussian, crps_mixture
from deepfield.losses.elbo import divergence, elbo
from deepfield.losses.energy_distance import energy_distance, mask_energy_distance
from deepfield.losses.gradient_reversal import reverse_gradient
from deepfield.losses.jaccard import jaccard_loss, mask_iou, soft_jaccard
from deepfield.losses.mmd import DEEPMERGE, mmd
from deepfield.losses.moments import moment_loss
from deepfield.losses.wgan import critic_loss, gradient_penalty
from deepfield.losses.yolo import yolo
from deepfield.scores.crps import crps_samples
from deepfield.scores.redshifts import bias, outlier_fraction, residuals, sigma_mad


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


# Boxes and masks


def test_quadratic_loss_of_boxes():
    predicted = torch.tensor([[0.0, 0, 1, 1], [2, 2, 4, 5]])
    true = torch.tensor([[0.0, 1, 1, 1], [2, 2, 2, 2]])
    assert float(quadratic(predicted, true)) == (1 + (4 + 9)) / 2
    assert float(quadratic(predicted[:0], true[:0])) == 0


def test_iou_of_boxes_is_torchvisions():
    corner, size = drawn(40, 2), drawn(40, 2, seed=1).abs()
    boxes = torch.cat([corner, corner + size], 1)
    assert torch.allclose(iou(boxes[:, None], boxes), ops.box_iou(boxes, boxes))
    # Generalised IoU: the same less the empty share of the hull.
    first, second = boxes[:20], boxes[20:]
    hull = torch.cat([torch.minimum(first, second)[:, :2], torch.maximum(first, second)[:, 2:]], 1)
    area = [ops.box_area(b) for b in (first, second, hull)]
    overlap = iou(first, second)
    union = (area[0] + area[1]) / (1 + overlap)
    loss = 1 - overlap + (area[2] - union) / area[2]
    assert torch.allclose(loss, ops.generalized_box_iou_loss(first, second))


def test_iou_by_hand():
    box = torch.tensor([0.0, 0, 2, 1])
    others = torch.tensor([[0.0, 0, 2, 1], [1, 0, 3, 1], [0, 0, 1, 1], [5, 5, 6, 6], [1, 1, 0, 0]])
    assert iou(box, others).tolist() == pytest.approx([1, 1 / 3, 1 / 2, 0, 0])
    line = torch.tensor([0.0, 0, 1, 0], requires_grad=True)
    iou(line, line).backward()
    assert line.grad.isfinite().all()


def test_soft_jaccard_is_the_iou_of_masks_and_has_a_gradient():
    first, second = drawn(6, 9, 9) > 0, drawn(6, 9, 9, seed=1) > 0
    first[0], second[0] = False, False
    exact = mask_iou(first, second)
    assert float(exact[0]) == 1
    by_hand = (first[1] & second[1]).sum() / (first[1] | second[1]).sum()
    assert float(exact[1]) == pytest.approx(float(by_hand))
    assert torch.allclose(soft_jaccard(first.double(), second), exact.double(), atol=1e-6)
    logits = torch.zeros(6, 9, 9, requires_grad=True)
    jaccard_loss(logits, second).backward()
    # Towards the mask, inside and outside of it.
    assert ((logits.grad < 0) == second).all()


def test_jaccard_loss_by_hand():
    probabilities, true = torch.tensor([[[0.5, 0.8]]]), torch.tensor([[[0.0, 1.0]]])
    index = 0.8 / (1.3 + 1 - 0.8)
    entropy = -(log(0.5) + log(0.8)) / 2
    loss = jaccard_loss(probabilities.logit(), true, smooth=0)
    assert float(loss) == pytest.approx(entropy - log(index))


# YOLO


def hand_example():
    """Two by two cells, two boxes, two classes; one object, in the cell on the right below."""
    predicted = torch.full((1, 12, 2, 2), 0.5, dtype=torch.double)
    predicted[:, 4], predicted[:, 9] = 0.1, 0.0
    cell = (0.5, 0.7, 0.25, 0.25, 0.8), (0.1, 0.5, 0.04, 0.04, 0.3), (0.7, 0.1)
    predicted[0, :, 0, 1] = torch.tensor(sum(cell, ()))
    true = torch.full((1, 7, 2, 2), torch.nan, dtype=torch.double)
    true[:, 4] = 0
    true[0, :, 0, 1] = torch.tensor((0.5, 0.5, 0.36, 0.25, 1.0, 1.0, 0.0))
    return predicted, true


def test_yolo_by_hand():
    predicted, true = hand_example()
    # In shares of the image the first box is 0.25 wide and 0.25 high, 0.1 / 2 beside the true
    # one, which is 0.36 by 0.25: they share 0.25 x 0.15. The second box does not touch it.
    shared = 0.25 * 0.15
    overlap = shared / (0.25 * 0.25 + 0.36 * 0.25 - shared)
    terms = yolo(predicted, true)
    golden = {
        "position": 5 * 0.2**2,
        "size": 5 * (0.6 - 0.5) ** 2,
        "confidence": (overlap - 0.8) ** 2,
        "no_object": 0.5 * (0.3**2 + 3 * 0.1**2),
        "classes": 0.3**2 + 0.1**2,
    }
    assert {name: float(term) for name, term in terms.items()} == pytest.approx(golden, abs=1e-6)
    assert float(sum(terms.values())) == pytest.approx(0.6345936, abs=1e-6)


def test_yolo_weights_and_averages_over_images():
    predicted, true = hand_example()
    once = yolo(predicted, true)
    other = yolo(predicted, true, coordinates=1, no_object=1)
    factors = {"position": 5, "size": 5, "confidence": 1, "no_object": 0.5, "classes": 1}
    for name, factor in factors.items():
        assert float(once[name]) == pytest.approx(factor * float(other[name]))
    twice = yolo(predicted.repeat(3, 1, 1, 1), true.repeat(3, 1, 1, 1))
    assert all(float(twice[name]) == pytest.approx(float(once[name])) for name in once)


def test_yolo_teaches_only_what_answers():
    predicted, true = hand_example()
    predicted.requires_grad_()
    sum(yolo(predicted, true).values()).backward()
    gradient = predicted.grad[0]
    assert gradient.isfinite().all()
    # Elsewhere only confidences move, down; here the second box only its confidence.
    moved = gradient[:, 0, 0].nonzero().flatten().tolist()
    assert moved == [4]
    assert gradient[:, 0, 1].nonzero().flatten().tolist() == [1, 2, 4, 9, 10, 11]
    assert gradient[4, 0, 1] > 0 and gradient[9, 0, 1] > 0


def test_a_perfect_yolo_has_no_loss():
    target = hand_example()[1].nan_to_num()
    perfect = torch.cat([target[:, :5], torch.zeros(1, 5, 2, 2).double(), target[:, 5:]], 1)
    assert float(sum(yolo(perfect, target).values())) == pytest.approx(0, abs=1e-12)


def test_cells_of_an_oblong_image():
    # Three cells along x, two along y: half a cell and a quarter are 1/6 and 1/8 of the image.
    true = torch.zeros(1, 5, 2, 3)
    true[0, :, 0, 1] = torch.tensor([0.5, 0.5, 0.5, 0.5, 1])
    predicted = true.clone()
    predicted[0, :, 0, 1] = torch.tensor([1.0, 0.75, 0.5, 0.5, 0.0])
    shared = (1 / 2 - 1 / 6) * (1 / 2 - 1 / 8)
    overlap = shared / (2 * 0.25 - shared)
    assert float(yolo(predicted, true)["confidence"]) == pytest.approx(overlap**2)


# Domains


def test_equal_samples_have_no_discrepancy_and_others_have():
    sample = drawn(50, 8).float()
    assert float(mmd(sample, sample)) == 0
    turned = [float(mmd(sample, sample.roll(shift, 0))) for shift in range(1, 50)]
    assert all(0 <= value < 1e-5 for value in turned)
    far = [float(mmd(sample, sample + shift)) for shift in (0.1, 1, 5)]
    assert 0 < far[0] < far[1] < far[2] <= 2 * len(DEEPMERGE)


def test_discrepancy_by_hand():
    source, target = drawn(4, 3), drawn(3, 3, seed=1)

    def similar(first, second):
        return np.mean([
            [sum(exp(-float((x - y).square().sum()) / (2 * v)) for v in (0.5, 2.0)) for x in first]
            for y in second
        ])  # fmt: skip

    golden = similar(source, source) + similar(target, target) - 2 * similar(source, target)
    assert float(mmd(source, target, variances=(0.5, 2.0))) == pytest.approx(golden)


def test_discrepancy_of_shifted_gaussians():
    shift, variance, objects = 1.5, 2.0, 1500
    source, target = drawn(objects, 1), drawn(objects, 1, seed=1) + shift
    alike = sqrt(variance / (variance + 2))
    golden = 2 * alike * (1 - exp(-(shift**2) / (2 * (variance + 2))))
    # Points count with themselves.
    golden += 2 * (1 - alike) / objects
    assert float(mmd(source, target, variances=(variance,))) == pytest.approx(golden, rel=0.1)


def test_discrepancy_pulls_domains_together():
    source, target = drawn(20, 2), (drawn(20, 2, seed=1) + 2).requires_grad_()
    mmd(source, target, variances=(4.0,)).backward()
    assert (target.grad.sum(0) > 0).all()
    same = source.clone().requires_grad_()
    mmd(source, same).backward()
    assert same.grad.isfinite().all()


def test_gradient_reversal_turns_features_but_not_what_comes_after():
    def gradients(layer):
        features = nn.Linear(3, 2).double()
        nn.init.constant_(features.weight, 0.3)
        domains = nn.Linear(2, 1).double()
        nn.init.constant_(domains.weight, 0.7)
        out = domains(layer(features(drawn(5, 3))))
        out.square().mean().backward()
        return features.weight.grad, domains.weight.grad, out

    torch.manual_seed(0)
    plain = gradients(lambda x: x)
    torch.manual_seed(0)
    reversed_ = gradients(lambda x: reverse_gradient(x, 0.25))
    assert torch.equal(plain[2], reversed_[2])
    assert torch.allclose(reversed_[0], -0.25 * plain[0])
    assert torch.equal(reversed_[1], plain[1])


# Continuous ranked probability score


def integrated(cumulative, true, low=-60.0, high=60.0):
    """The score as it is defined, by quadrature on either side of the truth."""
    below = integrate.quad(lambda t: cumulative(t) ** 2, low, true, epsabs=1e-9, limit=500)[0]
    above = integrate.quad(lambda t: (1 - cumulative(t)) ** 2, true, high, epsabs=1e-9, limit=500)[
        0
    ]
    return below + above


@pytest.mark.parametrize("true", [-4.0, 0.3, 2.5])
def test_crps_of_gaussians_is_its_integral(true):
    mean, sigma = 0.7, 1.3
    golden = integrated(lambda t: stats.norm.cdf(t, mean, sigma), true)
    ours = crps_gaussian(*(torch.tensor(x, dtype=torch.double) for x in (mean, sigma, true)))
    assert float(ours) == pytest.approx(golden, abs=1e-6)
    z = (true - mean) / sigma
    density, below = exp(-(z**2) / 2) / sqrt(2 * pi), (1 + erf(z / sqrt(2))) / 2
    assert float(ours) == pytest.approx(sigma * (z * (2 * below - 1) + 2 * density - pi**-0.5))


@pytest.mark.parametrize("true", [-3.0, 0.2, 1.1, 6.0])
def test_crps_of_mixtures_is_its_integral(true):
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.double)
    means = torch.tensor([-1.0, 1.0, 4.0], dtype=torch.double)
    sigmas = torch.tensor([0.5, 0.2, 2.0], dtype=torch.double)

    def cumulative(t):
        return float(weights @ torch.special.ndtr((t - means) / sigmas))

    ours = crps_mixture(weights, means, sigmas, torch.tensor(true, dtype=torch.double))
    assert float(ours) == pytest.approx(integrated(cumulative, true), abs=1e-6)


def test_crps_of_one_component_is_that_of_a_gaussian():
    mean, true, sigma = drawn(7), drawn(7, seed=1), drawn(7, seed=2).exp()
    one = crps_gaussian(mean, sigma, true)
    split = [x[:, None].expand(7, 4) for x in (mean, sigma)]
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.double)
    assert torch.allclose(crps_mixture(weights, *split, true), one)
    sure = crps_gaussian(mean, sigma * 1e-9, true)
    assert torch.allclose(sure, (mean - true).abs())


def test_crps_is_scoringrules():
    scoringrules = pytest.importorskip("scoringrules")
    true, means, sigmas = drawn(9), drawn(9, 3, seed=1), drawn(9, 3, seed=2).exp()
    weights = drawn(9, 3, seed=3).softmax(1)
    mixture = scoringrules.crps_mixnorm(
        true.numpy(), means.numpy(), sigmas.numpy(), weights.numpy()
    )
    assert np.allclose(crps_mixture(weights, means, sigmas, true), mixture)
    gaussian = scoringrules.crps_normal(true.numpy(), means[:, 0].numpy(), sigmas[:, 0].numpy())
    assert np.allclose(crps_gaussian(means[:, 0], sigmas[:, 0], true), gaussian)
    samples = scoringrules.crps_ensemble(true.numpy(), means.numpy(), estimator="nrg")
    assert np.allclose(crps_samples(means, true), samples)


def test_crps_has_gradients_and_the_truth_is_best():
    numbers = [drawn(2, 3, seed=seed).requires_grad_() for seed in range(3)]
    true = drawn(2, seed=3)
    assert torch.autograd.gradcheck(
        lambda w, m, s: crps_mixture(w.softmax(-1), m, s.exp(), true), numbers
    )
    truth = drawn(20_000)
    scores = [
        float(crps_gaussian(*(torch.tensor(x).double() for x in answer), truth).mean())
        for answer in ((0.0, 1.0), (0.2, 1.0), (0.0, 0.8), (0.0, 1.25))
    ]
    assert min(scores) == scores[0]
    assert scores[0] == pytest.approx(1 / sqrt(pi), rel=0.02)


def test_crps_of_samples_is_its_integral():
    samples, true = drawn(5, 13).numpy(), drawn(5, seed=1).numpy()
    for values, truth, ours in zip(samples, true, crps_samples(samples, true), strict=True):
        edges = np.sort(np.append(values, truth))
        steps = [((values <= t).mean() - (t >= truth)) ** 2 for t in edges[:-1]]
        assert ours == pytest.approx(np.sum(steps * np.diff(edges)))
        pairs = np.abs(values[:, None] - values).mean()
        assert ours == pytest.approx(np.abs(values - truth).mean() - pairs / 2)


def test_crps_of_many_samples_is_the_closed_form():
    quantiles = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    true = np.array([-1.0, 0.0, 2.0])
    closed = crps_gaussian(torch.zeros(1).double(), torch.ones(1).double(), torch.tensor(true))
    assert np.allclose(crps_samples(np.tile(quantiles, (3, 1)), true), closed, atol=1e-3)
    assert np.isnan(crps_samples(np.array([[0.0, np.nan]]), np.array([0.0]))).all()


# Posteriors


def test_moment_loss_is_smallest_at_the_posteriors_moments():
    centre, width = 3 * drawn(20_000, 1), 0.5 + drawn(20_000, 1, seed=1).square()
    true = centre + width * drawn(20_000, 1, seed=2)
    best = float(moment_loss(centre, width, true))
    for wrong in (
        (centre + 0.2, width),
        (0.9 * centre, width),
        (centre, 1.2 * width),
        (centre, 0.8 * width),
        (centre, width.mean().expand_as(width)),
    ):
        assert float(moment_loss(*wrong, true)) > best


def test_moment_loss_by_hand_and_in_any_unit():
    mean, sigma, true = drawn(6, 2), drawn(6, 2, seed=1).exp(), drawn(6, 2, seed=2)
    golden = sum(
        log(sum((float(mean[i, p]) - float(true[i, p])) ** (2) for i in range(6)))
        + log(sum((float(mean[i, p] - true[i, p]) ** 2 - float(sigma[i, p]) ** 2) ** 2
                  for i in range(6)))
        for p in range(2)
    )  # fmt: skip
    assert float(moment_loss(mean, sigma, true)) == pytest.approx(golden)
    unit = torch.tensor([1.0, 1000.0], dtype=torch.double)
    shifted = moment_loss(mean * unit, sigma * unit, true * unit)
    assert float(shifted) == pytest.approx(golden + 6 * log(1000))


def test_divergence_is_torchs():
    mean, log_variance = drawn(5, 6), drawn(5, 6, seed=1)
    prior_mean, prior_log_variance = drawn(5, 6, seed=2), drawn(5, 6, seed=3)

    def gaussian(mean, log_variance):
        return Independent(Normal(mean, (log_variance / 2).exp()), 1)

    golden = kl_divergence(gaussian(mean, log_variance), gaussian(prior_mean, prior_log_variance))
    assert torch.allclose(divergence(mean, log_variance, prior_mean, prior_log_variance), golden)
    zero = torch.zeros_like(mean)
    golden = kl_divergence(gaussian(mean, log_variance), gaussian(zero, zero))
    assert torch.allclose(divergence(mean, log_variance), golden)
    assert (divergence(mean, log_variance, mean, log_variance) == 0).all()


def test_the_bound_touches_the_evidence_at_the_posterior_and_lies_below_it_elsewhere():
    # z ~ N(0, 1) and x ~ N(w z, s^2): everything is Gaussian, and quadrature is exact.
    x, w, s = 1.7, 0.8, 0.6
    evidence = stats.norm.logpdf(x, 0, sqrt(w**2 + s**2))
    variance = 1 / (1 + w**2 / s**2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)

    def bound(mean, variance):
        z = mean + sqrt(variance) * nodes
        likelihood = (stats.norm.logpdf(x, w * z, s) * weights).sum() / weights.sum()
        moments = (torch.tensor([[value]]) for value in (mean, log(variance)))
        return float(elbo(torch.tensor([likelihood]), *moments))

    best = (w * x / s**2 * variance, variance)
    assert bound(*best) == pytest.approx(evidence, abs=1e-6)
    for mean, width in ((0.0, 1.0), (best[0] + 0.1, best[1]), (best[0], 1.5 * best[1])):
        assert bound(mean, width) < evidence - 1e-3
    half = elbo(torch.zeros(1), torch.ones(1, 3), torch.zeros(1, 3), beta=0.5)
    assert half.tolist() == [-0.75]


# Wasserstein GAN


def test_the_penalty_of_a_linear_critic_is_that_of_its_slope():
    critic = nn.Linear(12, 1).double()
    real, fake = drawn(6, 3, 2, 2), drawn(6, 3, 2, 2, seed=1)
    slope = critic.weight.detach().norm()
    penalty = gradient_penalty(lambda x: critic(x.flatten(1)), real, fake, torch.rand(6).double())
    penalty.backward()
    assert penalty.item() == pytest.approx((float(slope) - 1) ** 2)
    golden = 2 * (slope - 1) * critic.weight / slope
    assert torch.allclose(critic.weight.grad, golden)
    with torch.no_grad():
        scores = critic_loss(critic(real.flatten(1)), critic(fake.flatten(1)))
        golden = (fake - real).flatten(1).mean(0) @ critic.weight.flatten()
    assert float(scores) == pytest.approx(float(golden))


def test_the_penalty_is_taken_between_real_and_fake_objects():
    # The slope of |x|^2 / 2 is |x|.
    real, fake = torch.full((3, 1), 4.0), torch.zeros(3, 1)
    mix = torch.tensor([0.0, 0.25, 1.0])
    penalty = gradient_penalty(lambda x: x.square().sum(1) / 2, real, fake, mix)
    assert penalty.item() == pytest.approx(((0 - 1) ** 2 + 0 + (4 - 1) ** 2) / 3)


def test_a_flat_critic_has_a_finite_penalty():
    weight = torch.zeros(4, 1, requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ weight, torch.ones(2, 4), -torch.ones(2, 4),
                               torch.rand(2))  # fmt: skip
    penalty.backward()
    assert penalty.item() == 1 and weight.grad.isfinite().all()


def test_the_best_critic_of_two_points_gives_their_distance():
    real, fake = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    direction = (real - fake) / (real - fake).norm()
    assert float(-critic_loss(real @ direction.T, fake @ direction.T)) == pytest.approx(5)


# Energy distance


def test_energy_distance_is_scipys():
    first, second = drawn(30, 1), 2 * drawn(17, 1, seed=1) + 1
    golden = stats.energy_distance(first.flatten(), second.flatten()) ** 2
    assert float(energy_distance(first, second)) == pytest.approx(golden)


def test_energy_distance_of_equal_samples_is_zero():
    sample = drawn(40, 3)
    assert float(energy_distance(sample, sample.flip(0))) == pytest.approx(0, abs=1e-12)
    assert float(energy_distance(sample, drawn(40, 3, seed=1))) > 0
    pulled = (sample + 1).requires_grad_()
    energy_distance(sample, pulled).backward()
    assert (pulled.grad.sum(0) > 0).all()


def test_mask_energy_distance_by_hand():
    samples, truths = drawn(2, 3, 5, 5) > 0, drawn(2, 4, 5, 5, seed=1) > 0

    def apart(first, second):
        return np.mean([[1 - float(mask_iou(s, t)) for s in first] for t in second])

    golden = [
        2 * apart(s, t) - apart(s, s) - apart(t, t) for s, t in zip(samples, truths, strict=True)
    ]
    assert mask_energy_distance(samples, truths).tolist() == pytest.approx(golden)
    assert mask_energy_distance(truths, truths.flip(1)).tolist() == pytest.approx([0, 0], abs=1e-6)


def test_one_answer_is_worse_than_all_of_them_with_their_frequencies():
    left, right = torch.eye(2, dtype=torch.bool)[:, None]
    truths = torch.stack([left, left, left, right])[None]
    right_share = mask_energy_distance(torch.stack([left, left, left, right])[None], truths)
    even_share = mask_energy_distance(torch.stack([left, right])[None], truths)
    one = mask_energy_distance(left[None, None], truths)
    assert float(right_share) == 0 < float(even_share) == pytest.approx(2 * 0.25**2)
    assert float(one) == pytest.approx(2 * 0.25**2)


# Anomalies


def test_anomaly_score_by_hand():
    image, nearest = torch.tensor([[[[1.0, 2], [3, 4]]]]), torch.tensor([[[[1.0, 4], [3, 1]]]])
    assert residual_image(image, nearest).flatten().tolist() == [0, 2, 0, 3]
    features = torch.tensor([[1.0, 0]]), torch.tensor([[0.0, 2]])
    assert float(anomaly_score(image, nearest, *features)) == pytest.approx(0.9 * 5 + 0.1 * 3)
    assert float(anomaly_score(image, nearest, *features, share=0)) == 5
    assert float(anomaly_score(image, nearest, *features, share=1)) == 3


def test_the_latents_of_the_nearest_image_are_found_by_the_score():
    # A generator of one latent, and features that are the pixels themselves.
    pattern = torch.tensor([1.0, 2.0, -1.0, 0.5]).reshape(1, 1, 2, 2)
    odd = torch.zeros(1, 1, 2, 2)
    odd[..., 1, 1] = 5.0
    latents = torch.linspace(-3, 3, 601).reshape(-1, 1, 1, 1)
    made, image = latents * pattern, (1.5 * pattern + odd).expand(601, 1, 2, 2)
    best = anomaly_score(image, made, image, made).argmin()
    assert float(latents[best]) == pytest.approx(1.5, abs=0.01)
    assert torch.allclose(residual_image(image, made)[best], odd[0], atol=0.05)


# Redshifts


def test_scores_of_redshifts_by_hand():
    true = np.array([0.0, 1.0, 1.0, 3.0, np.nan, 0.5])
    predicted = np.array([0.01, 1.0, 1.08, 3.8, 0.1, np.nan])
    assert residuals(predicted, true) == pytest.approx([0.01, 0.0, 0.04, 0.2])
    # The median is 0.025; the distances from it are 0.015, 0.025, 0.015 and 0.175.
    assert sigma_mad(predicted, true) == pytest.approx(1.4826 * 0.02)
    assert bias(predicted, true) == pytest.approx(0.25 / 4)
    assert outlier_fraction(predicted, true) == 1 / 4
    assert outlier_fraction(predicted, true, beyond=0.03) == 1 / 2
    nothing = np.full(2, np.nan)
    assert all(np.isnan(score(nothing, nothing)) for score in (sigma_mad, bias, outlier_fraction))


def test_sigma_mad_is_a_gaussians_sigma_and_hardly_sees_outliers():
    true = drawn(50_000).abs()
    predicted = true + 0.02 * (1 + true) * drawn(50_000, seed=1)
    assert sigma_mad(predicted, true) == pytest.approx(0.02, rel=0.02)
    assert bias(predicted, true) == pytest.approx(0, abs=3e-4)
    assert outlier_fraction(predicted, true) == pytest.approx(2 * stats.norm.sf(2.5), rel=0.1)
    predicted[::50] += 1.0
    assert sigma_mad(predicted, true) == pytest.approx(0.02, rel=0.05)
    moved = predicted + 0.03 * (1 + true)
    assert sigma_mad(moved, true) == pytest.approx(sigma_mad(predicted, true))


def test_a_mixtures_log_score_needs_nothing_of_ours():
    weights, means, sigmas = (
        torch.tensor(x).double() for x in ([0.3, 0.7], [0.0, 2.0], [1.0, 0.5])
    )
    mixture = MixtureSameFamily(torch.distributions.Categorical(weights), Normal(means, sigmas))
    golden = log(0.3 * stats.norm.pdf(1.0) + 0.7 * stats.norm.pdf(1.0, 2, 0.5))
    assert float(mixture.log_prob(torch.tensor(1.0).double())) == pytest.approx(golden)


# Bad input

BOXES, MASKS = torch.zeros(3, 4), torch.zeros(2, 5, 5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: quadratic(BOXES, BOXES[:2]), "the same .box, coordinate"),
        (lambda: mask_iou(MASKS, MASKS), "expected bool"),
        (lambda: soft_jaccard(MASKS, MASKS[0]), "expected .object, y, x"),
        (lambda: jaccard_loss(MASKS, MASKS[:1]), "expected .object, y, x"),
        (lambda: yolo(torch.zeros(1, 11, 2, 2), torch.zeros(1, 7, 2, 2)), "5 boxes . classes"),
        (lambda: yolo(torch.zeros(1, 12, 2, 2), torch.zeros(1, 7, 2, 3)), "5 boxes . classes"),
        (lambda: yolo(torch.zeros(1, 2, 2, 2), torch.zeros(1, 7, 2, 2)), "5 boxes . classes"),
        (lambda: mmd(BOXES, BOXES[:, :2]), "the same features"),
        (lambda: mmd(BOXES, BOXES[:0]), "expected some of both"),
        (lambda: mmd(BOXES, BOXES, variances=(1.0, 0.0)), "variances above 0"),
        (lambda: crps_mixture(BOXES, BOXES, BOXES[:, :2], BOXES[:, 0]), "number of components"),
        (lambda: moment_loss(BOXES, BOXES, BOXES[:, :1]), "expected .object, parameter"),
        (lambda: elbo(MASKS, BOXES, BOXES), "sum it over channels and pixels"),
        (lambda: gradient_penalty(lambda x: x, BOXES, BOXES, torch.zeros(4)), "one number"),
        (lambda: energy_distance(BOXES, BOXES[:, :2]), "the same dimensions"),
        (lambda: energy_distance(BOXES, BOXES[:0]), "expected some of both"),
        (lambda: residual_image(MASKS, MASKS[:1]), "expected the same"),
        (lambda: anomaly_score(MASKS, MASKS, BOXES, BOXES, share=2), "between 0 and 1"),
        (lambda: residuals(np.zeros(3), np.zeros(2)), "expected .object"),
        (lambda: crps_samples(np.zeros(3), np.zeros(3)), "expected .object, sample"),
        (lambda: crps_samples(np.zeros((3, 0)), np.zeros(3)), "one sample or more"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
