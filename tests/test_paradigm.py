"""The recipe that asks what changes when features are learnt."""

import torch

from deepfield.nets.layers import layer_table
from deepfield.recipes import paradigm as module
from deepfield.recipes.paradigm import paradigm
from deepfield.rivals.perceptron import network


def built():
    source = module.mock(objects={"train": 6, "test": 6}, seed=0)
    return source, paradigm(source)


def test_every_method_learns_from_the_same_pixels_and_is_challenged_by_the_same_shift():
    source, recipe = built()
    rows = torch.arange(6)
    first, again = (source.take(rows, epoch) for epoch in (0, 5))
    assert torch.equal(first.values, again.values)
    assert first.values.shape == (6, 3, module.SIZE, module.SIZE)
    test = source.part("test")
    here, there = test.take(rows, 0), recipe.challenges["shifted"](test).take(rows, 0)
    assert here.ids.tolist() == there.ids.tolist()
    assert torch.equal(here.truth["kind"], there.truth["kind"])
    # Everything but a strip of 8 px is in both stamps.
    same = module.SIZE * (module.SIZE - module.SHIFT)
    for a, b in zip(here.values, there.values, strict=True):
        shared = torch.isin(b[0], a[0]).sum()
        assert same <= shared < module.SIZE**2
    names = {claim.metric for claim in recipe.claims}
    assert "lost_accuracy_shifted" in names
    assert {"perceptron", "perceptron_jittered"} <= set(recipe.rivals)
    for make in recipe.rivals.values():
        assert make().limit is not None


def test_sharing_weights_costs_fewer_of_them_and_more_multiplications_each():
    source, recipe = built()
    rows = layer_table(recipe.net, source.take(torch.arange(1), 0))
    weights, products = (sum(getattr(r, n) for r in rows) for n in ("parameters", "multiply_adds"))
    dense = network(3 * module.SIZE**2, (256,), 5)
    dense_weights = sum(p.numel() for p in dense.parameters())
    assert weights < dense_weights / 8
    assert products / weights > 20  # a convolution uses a weight at every place
    assert dense_weights / 1.01 < 3 * module.SIZE**2 * 256 < dense_weights  # and a layer once
