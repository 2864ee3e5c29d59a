"""What layers hold: filters, maps, fields, patches, dreams and the atlas."""

from dataclasses import replace

import pytest
import torch
from explained import Pixels, batch_of, seeded
from torch import nn

from deepfield.explain.atlas import atlas, embedded, sampled
from deepfield.explain.atlas_pictures import atlas_pictures, reactivation
from deepfield.explain.dream import dream
from deepfield.explain.feature_maps import feature_maps, strongest_maps
from deepfield.explain.learned_weights import learned_weights
from deepfield.explain.map_occlusion import map_occlusion
from deepfield.explain.occlusion import losses, occlusion
from deepfield.explain.octaves import dream_on
from deepfield.explain.receptive_field import receptive_fields
from deepfield.explain.strongest_patches import strongest_patches
from deepfield.explain.target import output
from deepfield.explain.units import energy, map_mean, map_sum
from deepfield.nouns.batch import Truth
from deepfield.nouns.quantity import Quantity
from deepfield.scores.neighbours import purity

KIND = Quantity("kind", classes=("blob", "across", "along"))
SIDE = 24


def noise(objects, side=SIDE, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(objects, 1, side, side, generator=generator)


def shapes(objects, seed):
    """Round blobs and bars of two directions in noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (objects,), generator=generator)
    centre = SIDE / 2 + 6 * (torch.rand(objects, 2, 1, 1, generator=generator) - 0.5)
    widths = torch.tensor([[2.5, 2.5], [1.2, 5.0], [5.0, 1.2]])[labels][..., None, None]
    y, x = torch.arange(SIDE)[:, None], torch.arange(SIDE)
    squared = ((y - centre[:, 0]) / widths[:, 0]) ** 2 + ((x - centre[:, 1]) / widths[:, 1]) ** 2
    values = noise(objects, seed=seed + 1) * 0.5 + 4 * torch.exp(-squared / 2)[:, None]
    return batch_of(values, truth=Truth({KIND: labels}))


@pytest.fixture(scope="module")
def trained():
    def build():
        net = Pixels(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(), nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 3),
        )  # fmt: skip
        optimizer = torch.optim.Adam(net.parameters(), 0.01)
        for step in range(150):
            batch = shapes(32, 7 * step)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(batch), batch.truth["kind"]).backward()
            optimizer.step()
        return net

    net = seeded(0, build)
    test = shapes(300, 99991)
    assert float((net(test).argmax(1) == test.truth["kind"]).float().mean()) > 0.95
    return net


def test_weights_are_a_copy_of_the_filters(trained):
    weights = learned_weights(trained, "2")
    assert weights.shape == (16, 8, 3, 3)
    weights.zero_()
    assert bool(trained[2].weight.abs().sum() > 0)
    with pytest.raises(ValueError, match="no filters; those that have: 0, 2, 4, 8"):
        learned_weights(trained, "1")


def test_feature_maps_are_what_the_layers_before_give(trained):
    batch = shapes(5, 1)
    maps = feature_maps(trained, batch, "3", chunk=2)
    torch.testing.assert_close(maps, trained[:4](batch).detach())
    assert feature_maps(trained, batch, "7").shape == (5, 24)
    with pytest.raises(ValueError, match=r"no layer 'head'; it has 0 \(Conv2d\), 1 \(ReLU\)"):
        feature_maps(trained, batch, "head")


def test_hooks_are_gone_and_the_mode_is_as_before():
    net = Pixels(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)).train()
    before = net[1].running_mean.clone()
    batch = batch_of(noise(2))
    # Behind the batch norm a ReLU works in place: what is kept is what was before it.
    assert bool((feature_maps(net, batch, "1") < 0).any())
    receptive_fields(net, batch, "1")
    assert net.training and bool((net[1].running_mean == before).all())
    assert not any(module._forward_hooks for module in net.modules())


# Receptive fields.


def test_fields_of_a_known_stack():
    # By hand: unit i of the pooling sees units 2i-1..2i+1 of the convolution with stride 2 and
    # padding 2, whose unit j sees pixels 2j-2..2j+2: rows 4i-4 to 4i+4, cut at 0 and 24.
    net = seeded(0, lambda: Pixels(nn.Conv2d(1, 3, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)))
    fields = receptive_fields(net, batch_of(noise(1)), "2")
    expected = [[max(0, 4 * i - 4), min(24, 4 * i + 5)] for i in range(6)]
    assert fields.rows.tolist() == fields.columns.tolist() == expected
    assert fields.box(1, 5) == (0, 9, 16, 24)
    assert fields.centres()[0].tolist() == [4 * i for i in range(6)]


def test_fields_follow_branches_dilation_and_stamps_that_are_not_square():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = nn.Conv2d(1, 2, 3, padding=4, dilation=4)
            self.narrow = nn.Conv2d(1, 2, (1, 3), padding=(0, 1))
            self.out = nn.Identity()

        def forward(self, batch):
            return self.out(self.wide(batch.values).relu() + self.narrow(batch.values))

    batch = batch_of(noise(1)[..., :16])
    fields = receptive_fields(seeded(0, Branches), batch, "out")
    assert fields.size == (24, 16) and fields.box(10, 8) == (6, 15, 4, 13)
    assert receptive_fields(seeded(0, Branches), batch, "narrow").box(10, 8) == (10, 11, 7, 10)


def test_a_layer_that_looks_at_everything_says_so():
    net = seeded(0, lambda: Pixels(nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU()))
    assert receptive_fields(net, batch_of(noise(1)), "2").box(3, 3) == (0, 24, 0, 24)


@pytest.mark.parametrize("layer", ["1", "3", "5"])
def test_no_pixel_outside_a_field_matters(trained, layer):
    batch = batch_of(noise(1))
    fields, maps = (ask(trained, batch, layer) for ask in (receptive_fields, feature_maps))
    for y, x in ((0, 0), (2, 3), (5, 1)):
        top, bottom, left, right = fields.box(y, x)
        inside = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        inside[top:bottom, left:right] = True
        other = torch.where(inside, batch.values, noise(1, seed=5))
        again = feature_maps(trained, replace(batch, values=other), layer)
        torch.testing.assert_close(again[0, :, y, x], maps[0, :, y, x])
        # And every pixel row and column of its edge does.
        for edge in ((top, left), (bottom - 1, right - 1)):
            moved = batch.values.clone()
            moved[0, 0, edge[0], edge[1]] += 50
            changed = feature_maps(trained, replace(batch, values=moved), layer)
            assert not torch.equal(changed[0, :, y, x], maps[0, :, y, x])


# Strongest patches.


def test_patches_are_cut_exactly_where_the_filter_looks():
    # A filter that is the pattern, with stride 3 and padding 1, finds it where it was put.
    pattern = torch.tensor([[0.0, 1, 0, 0], [1, 1, 1, 0], [0, 1, 0, 1], [1, 0, 1, 1]])
    net = Pixels(nn.Conv2d(1, 2, 4, stride=3, padding=1)).eval()
    with torch.no_grad():
        net[0].weight.copy_(torch.stack([pattern, -pattern])[:, None])
        net[0].bias.zero_()
    places = [(3 * (n % 7), 3 * (n // 2)) for n in range(12)]
    wide = torch.zeros(12, 1, SIDE + 2, SIDE + 2)
    for number, (y, x) in enumerate(places):
        wide[number, 0, y : y + 4, x : x + 4] = pattern * (number + 1)
    values = wide[..., 1:-1, 1:-1]
    batches = [batch_of(values[:5]), batch_of(values[5:])]
    found = strongest_patches(net, batches, "0")
    assert found.objects.shape == (2, 9)
    assert found.objects[0].tolist() == list(range(11, 2, -1))
    for rank, number in enumerate(found.objects[0].tolist()):
        y, x = places[number]
        assert found.places[0, rank].tolist() == [y // 3, x // 3]
        assert found.boxes[0, rank].tolist() == [max(y - 1, 0), y + 3, max(x - 1, 0), x + 3]
        crop = found.crops(values, 0)[rank]
        whole = pattern[max(1 - y, 0) :, max(1 - x, 0) :] * (number + 1)
        torch.testing.assert_close(crop[0], whole)
        assert float(found.strength[0, rank]) == float(whole.square().sum() / (number + 1))


def test_fewer_objects_give_fewer_patches_and_none_an_error(trained):
    assert strongest_patches(trained, [shapes(4, 1)], "3").objects.shape == (16, 4)
    with pytest.raises(ValueError, match="no objects"):
        strongest_patches(trained, [], "3")
    with pytest.raises(ValueError, match="0 patches"):
        strongest_patches(trained, [shapes(4, 1)], "3", count=0)
    with pytest.raises(ValueError, match="no maps"):
        strongest_patches(trained, [shapes(4, 1)], "7")


# Occlusion of what a layer answers.


def test_the_strongest_map_loses_most_where_the_galaxy_is(trained):
    batch = shapes(40, 3)
    lost = map_occlusion(trained, batch, "3", window=6, stride=2)
    bright = nn.functional.avg_pool2d(batch.values, 5, 1, 2)[:, 0].flatten(1).argmax(1)
    peak = lost[:, 0].flatten(1).argmax(1)
    apart = torch.maximum((peak // SIDE - bright // SIDE).abs(), (peak - bright).abs() % SIDE)
    near = torch.minimum(apart, SIDE - apart) <= 6
    assert float(near.float().mean()) >= 0.9
    few, strongest = batch.take(torch.arange(3)), strongest_maps(trained, batch, "3")
    for row in range(3):
        alone = occlusion(
            map_sum(trained, "3", int(strongest[row])), few.take(torch.tensor([row])), 6, 2
        )
        torch.testing.assert_close(lost[row], alone[0], atol=1e-3, rtol=1e-4)


def test_sum_and_mean_differ_by_the_size_of_the_map(trained):
    batch = shapes(2, 3)
    by_sum, by_mean = (
        losses(response(trained, "3", 1), batch, 8, 8) for response in (map_sum, map_mean)
    )
    torch.testing.assert_close(by_sum, by_mean * 12 * 12)


# Dreams.


def test_a_dream_is_sure_to_be_of_its_class(trained):
    like = batch_of(torch.zeros(1, 1, SIDE, SIDE))
    for number in range(3):
        image = dream(output(trained, number), like, penalty=1e-3, steps=60, jitter=2, blur=1.0)
        probability = trained(replace(like, values=image)).softmax(1)[0, number]
        assert float(probability.detach()) >= 0.99


def test_blur_and_penalty_make_dreams_smooth_and_faint(trained):
    like = batch_of(torch.zeros(1, 1, SIDE, SIDE))

    def made(**settings):
        return dream(output(trained, 0), like, steps=40, **settings)

    def roughness(image):
        return float(image.diff(dim=3).square().sum() / image.square().sum())

    assert roughness(made(blur=1.5)) < 0.3 * roughness(made())
    assert float(made(penalty=0.1).square().sum()) < float(made(penalty=0.001).square().sum())
    torch.testing.assert_close(made(jitter=3, seed=1), made(jitter=3, seed=1))
    assert not torch.equal(made(jitter=3, seed=1), made(jitter=3, seed=2))


def test_the_dream_of_a_galaxy_excites_the_layer_and_keeps_the_galaxy(trained):
    batch = shapes(3, 5)
    for layer in ("1", "5"):
        target = energy(trained, layer)
        changed = dream_on(target, batch, octaves=2, steps=8, rate=0.05)
        assert bool((target(replace(batch, values=changed)) > 1.5 * target(batch)).all())
        alike = torch.cosine_similarity(changed.flatten(1), batch.values.flatten(1))
        assert float(alike.min()) > 0.5


# The atlas.


def test_samples_are_activations_of_their_objects(trained):
    batch = shapes(6, 4)
    parts = [batch.take(torch.arange(4)), batch.take(torch.arange(4, 6))]
    vectors, objects = sampled(trained, parts, "5", places=3)
    assert objects.tolist() == [n for n in range(6) for _ in range(3)]
    maps = feature_maps(trained, batch, "5").flatten(2)
    for vector, number in zip(vectors, objects, strict=True):
        assert bool((maps[number] == vector[:, None]).all(0).any())
    assert sampled(trained, parts, "7")[0].shape == (6, 24)


def test_cells_bring_their_mean_vector_back_and_neighbours_stay_together(trained):
    batch = shapes(300, 12)
    vectors, objects = sampled(trained, [batch], "7")
    made = atlas(vectors, objects, embedded(vectors), side=6, least=4)
    assert int(made.counts.sum()) <= 300 and len(made.cells) == len(made.means) > 5
    labels = batch.truth["kind"][made.objects]
    assert purity(made.positions, labels) >= 0.9 * purity(made.vectors, labels)

    like = batch.take(torch.arange(1))
    images = atlas_pictures(made, trained, "7", like, steps=60)
    cosine = reactivation(made, trained, "7", batch_of(images))
    assert float(cosine.min()) >= 0.7
    # No picture does it for another cell by accident: those of shuffled cells are worse.
    turned = replace(made, means=made.means.roll(len(made.means) // 2, 0))
    assert float(reactivation(turned, trained, "7", batch_of(images)).mean()) < float(
        cosine.mean()
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: sampled(net, [], "7"), "no objects"),
        (lambda net: sampled(net, [shapes(2, 1)], "7", places=0), "0 places"),
        (lambda net: embedded(torch.zeros(3, 2)), "3 vectors; an atlas needs at least 4"),
        (lambda net: atlas(torch.zeros(4, 2), torch.zeros(4), torch.rand(3, 2)), "4 vectors of 4"),
        (
            lambda net: atlas(torch.zeros(4, 2), torch.zeros(4), torch.rand(4, 2)),
            "no cell of 20 x 20 holds 5 of 4",
        ),
        (lambda net: map_occlusion(net, shapes(1, 1), "3", window=25), "window of 25 px"),
    ],
)
def test_bad_input_is_refused(trained, call, words):
    with pytest.raises(ValueError, match=words):
        call(trained)
