"""Every recipe through the same contract: its network comes back from its weights file."""

from dataclasses import asdict

import pytest
import torch

from deepfield.weights.files import Card, load, predictor, save
from deepfield.weights.named import recipe_module, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_a_network_comes_back_from_its_file(name, tmp_path):
    module = recipe_module(name)
    source = module.mock(objects={"train": 24, "validation": 8, "test": 4}, seed=0)
    build = getattr(module, name)
    settings = dict(build.__kwdefaults__)
    recipe = build(source, **settings)
    trained = predictor(recipe, channels=tuple(source.channels), size=module.SIZE)
    card = Card(
        recipe=name,
        settings=settings,
        channels=tuple(source.channels),
        grid=tuple(source.grid),
        quantities=tuple(asdict(quantity) for quantity in recipe.task.quantities),
        data="the mock sky",
        objects=24,
        seed=0,
        commit="none",
    )
    save(trained, card, tmp_path / "model.safetensors")
    again, _ = load(tmp_path / "model.safetensors")
    trained.net.eval(), again.net.eval()
    batch = source.part("test").take(torch.arange(4), 0)
    with torch.no_grad():
        before, after = (
            task.predict(net, batch)
            for task, net in ((recipe.task, trained.net), (again.task, again.net))
        )
    assert set(before) == set(after)
    for name_, answer in before.items():
        table, other = answer.columns(), after[name_].columns()
        assert table.colnames == other.colnames
        for column in table.colnames:
            if table[column].dtype.kind == "f":
                found = torch.as_tensor(table[column].value), torch.as_tensor(other[column].value)
                assert torch.allclose(*found, rtol=1e-4, atol=1e-5, equal_nan=True), column
