"""Dreams shown: the galaxy that each class has in mind, and galaxies as a layer likes them."""

from dataclasses import replace

import numpy as np
import torch
from astropy.table import Table
from rich.progress import track

from deepfield.data.map_files import MapImage, file_names
from deepfield.explain.dream import dream
from deepfield.explain.octaves import dream_on
from deepfield.explain.target import log_odds
from deepfield.explain.units import energy
from deepfield.report.noise import channel_sigma
from deepfield.report.parts import Figure, Part
from deepfield.report.stamps import stamp_wall
from deepfield.verbs._looked import Looked

OBJECTS = 12
"""galaxies that are changed"""
PENALTY, JITTER, BLUR, STEPS = 1e-4, 4, 1.0, 128
"""what keeps a dream from being noise that only this network takes for a galaxy"""
CONTRAST = 4
"""dreams are as faint as they can be"""


def show_dream(looked: Looked) -> tuple[Table, list[Part]]:
    """The galaxy that each class has in mind, and the given galaxies as the layer likes them."""
    trained, net = looked.trained, looked.trained.net
    rows = looked.measured[:OBJECTS]
    batch = looked.batch.take(rows)
    wanted = (looked.what,) if looked.what is not None else looked.classes
    first = batch.take(torch.zeros(1, dtype=torch.long))
    dreams, sure = [], []
    for what in track(wanted, "dreaming"):
        target = log_odds(net, trained.task, looked.answer, what, size=trained.size)
        values = dream(target, first, penalty=PENALTY, jitter=JITTER, blur=BLUR, steps=STEPS)
        seen = trained.predict(replace(first, values=values))
        dreams.append(looked.drawn(values[0], int(rows[0])))
        sure.append(float(seen[looked.answer].scalar(what)[0]))
    changed = dream_on(energy(net, looked.layer), batch)
    answers = energy(net, looked.layer)
    with torch.no_grad():
        gain = answers(replace(batch, values=changed)) / answers(batch).clamp(min=1e-30)
    names = file_names([str(one) for one in batch.ids])
    for place, number in enumerate(rows.tolist()):
        added = (changed - batch.values)[place].numpy()
        image = MapImage("ADDED", added, "", batch.channels, looked.wcs(number))
        file = looked.out / "maps" / f"{names[place]}.fits"
        looked.write(file, number, [image], {"LAYER": looked.layer})
    table = Table({"object_id": np.asarray(batch.ids, dtype=str)})
    table["energy_ratio"] = gain.numpy()
    table["map"] = [f"maps/{name}.fits" for name in names]
    sigma = channel_sigma(batch)
    both = [looked.drawn(v, n) for v, n in zip(batch.values, rows.tolist(), strict=True)]
    dreamt = [looked.drawn(v, n) for v, n in zip(changed, rows.tolist(), strict=True)]
    pairs = np.stack([one for pair in zip(both, dreamt, strict=True) for one in pair])
    words = [
        t for i, g in zip(batch.ids, gain, strict=True) for t in (f"{i}", f"x {float(g):.0f}")
    ]
    doubled = None if sigma is None else np.repeat(sigma, 2, 0)
    parts: list[Part] = []
    if wanted:
        parts.append(
            Figure(
                stamp_wall(
                    np.stack(dreams),
                    [f"{a}\n{b:.2f}" for a, b in zip(wanted, sure, strict=True)],
                    sigma=None if sigma is None else sigma[:1] / CONTRAST,
                ),
                "Images that the network is surest of, made from noise, and the probability that "
                "it gives them. They show what it looks for, not what galaxies look like. "
                f"Drawn with {CONTRAST} times the contrast of the galaxies below.",
                title="What each class looks like to the network",
            )
        )
    parts.append(
        Figure(
            stamp_wall(pairs, words, sigma=doubled),
            f"Each galaxy, and beside it the same galaxy changed such that layer {looked.layer} "
            "answers more, from coarse detail to fine; how many times more is above it.",
            title="Galaxies as the layer would like to see them",
        )
    )
    return table, parts
