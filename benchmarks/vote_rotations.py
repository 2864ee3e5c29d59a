"""How much the votes that a network predicts change when its galaxies are turned.

Stamps of the mock sky, turned by 36 angles from 0 to 350 degrees; what turns in from beyond the
edge is the mirror image, and turning smooths the noise a little. The standard deviation over the
angles of every predicted share of volunteers, as a root mean square over objects and answers, with
one look at each stamp and with the looks that the recipe pools. The last line is JSON.
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from deepfield.data.moves import warped
from deepfield.nouns.batch import Batch
from deepfield.nouns.votes import Votes
from deepfield.train.trained import Trained
from deepfield.weights.files import load, shipped
from deepfield.weights.named import recipe_module

ANGLES = 36
LIMIT = 0.02


def turned(batch: Batch, degrees: float) -> Batch:
    """Every stamp by the same angle."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[cos, -sin], [sin, cos]]).expand(len(batch), 2, 2)
    return warped(batch, turn, torch.zeros(len(batch), 2), "reflection")


def spread(trained: Trained, batch: Batch) -> Tensor:
    """[object, answer] standard deviation over the angles."""
    shares = []
    for step in range(ANGLES):
        votes = trained.predict(turned(batch, 360 * step / ANGLES))["votes"]
        assert isinstance(votes, Votes)
        shares.append(votes.joint())
    return torch.stack(shares).std(0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="galaxy_zoo")
    parser.add_argument("--run", type=Path, help="directory of a run; left out, what is shipped")
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    file = shipped(given.recipe) if given.run is None else given.run / "model.safetensors"
    if file is None:
        print(json.dumps({"name": "vote_rotations", "skipped": "no weights"}))
        return
    trained, _ = load(file)
    sky = recipe_module(given.recipe).mock(objects={"test": given.objects}, seed=given.seed)
    batch = sky.part("test").take(torch.arange(given.objects), 0)
    found = {
        views: float(spread(replace(trained, views=views), batch).square().mean().sqrt())
        for views in sorted({1, trained.views})
    }
    for views, value in found.items():
        print(f"{views} looks: {value:.4f} over {ANGLES} angles, {given.objects} objects")
    print(
        json.dumps(
            {
                "name": "vote_rotations",
                "ours": found[trained.views],
                "one_look": found[1],
                "limit": LIMIT,
                "holds": found[trained.views] <= LIMIT,
            }
        )
    )


if __name__ == "__main__":
    main()
