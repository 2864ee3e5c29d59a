"""
Can you believe an explanation?
===============================

A network that is right may be right for the wrong reason. On real images nobody can say, because
nobody knows where the evidence is. On a mock sky it is known pixel by pixel, so the methods that
claim to show it can be tested before they are believed. This page tests four.
"""

# %%
# Galaxies whose arms and bars are known
# --------------------------------------
#
# Bright spirals and barred galaxies, with the image of the arm or bar alone as part of the truth.
# The network is the one that ships with the package.

import torch
from matplotlib.figure import Figure

from deepfield.data.simulated import Simulated
from deepfield.evaluate.evidence import distinct
from deepfield.explain.fast_occlusion import fast_occlusion
from deepfield.explain.feature_maps import feature_maps
from deepfield.explain.grad_cam import grad_cam
from deepfield.explain.guided_backpropagation import guided_backpropagation
from deepfield.explain.integrated_gradients import completeness, integrated_gradients
from deepfield.explain.learned_weights import learned_weights
from deepfield.explain.saliency import saliency
from deepfield.explain.sanity import sanity
from deepfield.explain.strongest_patches import strongest_patches
from deepfield.explain.target import log_odds
from deepfield.explain.units import map_sum
from deepfield.report.feature_wall import feature_wall
from deepfield.report.figures import COLOURS, new_figure, tidy
from deepfield.report.overlay import overlay
from deepfield.report.patch_wall import patch_wall
from deepfield.scores.attribution import overlap, pointing_game
from deepfield.sky.kinds import Kinds
from deepfield.sky.population import Population
from deepfield.sky.surveys import sdss
from deepfield.weights.files import load, shipped

network, card = load(shipped("morphology"))
classes = card.quantity["classes"]
sky = Simulated(
    sdss(),
    {"test": 40},
    seed=51,
    size=64,
    sky=Kinds(Population(signal_to_noise=(300.0, 1000.0), radius=(1.8, 3.2)), overlapping=0.0),
    maps=("arm", "bar"),
    split="test",
)
drawn = sky.take(torch.arange(40), epoch=0)
right = network.predict(drawn)["kind"].probabilities.argmax(1) == drawn.truth["kind"]
parts = {"spiral": "arm", "barred": "bar"}
chosen = torch.cat(
    [(right & (drawn.truth["kind"] == classes.index(k))).nonzero()[:3, 0] for k in parts]
)
galaxies = drawn.take(chosen)
kinds = [classes[k] for k in galaxies.truth["kind"].tolist()]
light = torch.stack(
    [galaxies.truth[parts[kind]][i].reshape(-1, 64, 64).sum(0) for i, kind in enumerate(kinds)]
)
evidence = distinct(light, galaxies.values[:, 1])
print(len(galaxies), "galaxies that it calls right")

# %%
# Four methods
# ------------
#
# Occlusion covers a square and asks what the answer loses. Integrated gradients share the answer
# out among the pixels. Saliency is the slope of the answer. Grad-CAM weighs the maps of the last
# layer. What is explained is the log-odds of the class, because a probability of 0.999 hardly
# changes with anything.


def explained(net: torch.nn.Module, method: str) -> torch.Tensor:
    """Evidence for each galaxy's kind: [object, y, x]."""
    maps = []
    for i, kind in enumerate(kinds):
        one, target = galaxies.take(torch.tensor([i])), log_odds(net, network.task, "kind", kind)
        if method == "occlusion":
            found = fast_occlusion(target, one, window=8, stride=4)
        elif method == "integrated gradients":
            found = integrated_gradients(target, one, steps=24)
        elif method == "saliency":
            found = saliency(target, one)
        else:
            found = grad_cam(target, one, net, "trunk.14")
        maps.append(found.detach().sum(1))
    return torch.cat(maps)


names = ("occlusion", "integrated gradients", "saliency", "Grad-CAM")
maps = {name: explained(network.net, name) for name in names}


def side_by_side(rows: list[int]) -> Figure:
    """Galaxies down, the truth and each method across."""
    figure = new_figure(1.5 * (1 + len(maps)), 1.6 * len(rows) + 0.2)
    for axes, i in zip(figure.subplots(len(rows), 1 + len(maps)), rows, strict=True):
        image = galaxies.values[i].numpy()
        for one, (name, values) in zip(axes, {"truth": light, **maps}.items(), strict=True):
            overlay(one, image, values[i].numpy())
            one.set_axis_off()
            one.set_title(f"{kinds[i]}: {name}" if name == "truth" else name, fontsize=7)
    return figure


wall = side_by_side([0, 1, 3, 4])
wall

# %%
# Do they point at the evidence?
# ------------------------------
#
# As evidence count the pixels where the arm or bar makes up a quarter of all the light. A hit is a
# strongest pixel within 2 px of them. Distrust a high score until you have seen what the middle of
# the stamp scores: galaxies are in the middle, and so are bars. The overlap of the strongest
# pixels with the evidence is harder to get by chance, but not impossible.

middle = torch.zeros(len(galaxies), 64, 64)
middle[:, 31:33, 31:33] = 1
round_blob = -torch.hypot(*torch.meshgrid(*[torch.arange(64.0) - 31.5] * 2, indexing="ij"))
scores = {}
for name, values in {**maps, "middle": middle + 0.01 * round_blob}.items():
    scores[name] = pointing_game(values, evidence, tolerance=2), overlap(values, evidence)
    print(f"{name:22s} hits {scores[name][0]:.2f}   overlap {scores[name][1]:.2f}")

# %%
# Six galaxies are an illustration. On 120 of them ``deepfield evaluate morphology --explain``
# measures nine methods; the page "What did the network look at?" has the table.
#
# Do they add up?
# ---------------
#
# Integrated gradients promise that the map sums to the answer, less that of an empty sky. That
# can be checked for every object, so check it.

target = log_odds(network.net, network.task, "kind", kinds[0])
one = galaxies.take(torch.tensor([0]))
found = integrated_gradients(target, one, steps=100)
missing = float(completeness(found, target, one)[0])
print(f"off by {missing:.1%} of the answer with 100 steps")

# %%
# Do they show what was learnt?
# -----------------------------
#
# Shuffle the network's weights, one more layer at a time, and ask again. A method whose map stays
# as it is shows edges of the image, and not what the network knows.

forgot = {
    name: sanity(lambda net, name=name: explained(net, name)[:, None], network.net)
    for name in ("saliency", "Grad-CAM")
}
memory = new_figure(6, 3)
axes = tidy(memory.add_subplot(), x="layers shuffled, from the last", y="rank correlation")
for j, (name, levels) in enumerate(forgot.items()):
    values = [float(level.nanmean()) for level in levels.values()]
    axes.plot(range(1, 1 + len(values)), values, color=COLOURS[j], marker="o", label=name)
axes.axhline(0, color=COLOURS[6], lw=0.8)
axes.legend()
memory

# %%
# Inside
# ------
#
# The first layer's filters as they were learnt, then what a middle layer makes of the first
# galaxy. Deeper maps are smaller and say less to the eye.

filters = learned_weights(network.net, "trunk.0")
sheets = new_figure(7, 1.9)
for k, axes in enumerate(sheets.subplots(2, 8).flat):
    axes.imshow(filters[k].mean(0).numpy(), cmap="PuOr_r", vmin=-0.3, vmax=0.3)
    axes.set_axis_off()
sheets

# %%

inside = feature_maps(network.net, one, "trunk.3")[0]
order = inside.abs().sum((1, 2)).argsort(descending=True)[:7]
layer = feature_wall(one.values[0].numpy(), inside[order].numpy(), order.tolist())
layer

# %%
# What does a filter answer to?
# -----------------------------
#
# For two filters of a deeper layer the nine pieces of sky, of all forty stamps, that excite them
# most (after Zeiler & Fergus 14), and beside each what guided backpropagation says that the filter
# saw in it.

patches = strongest_patches(network.net, [drawn], "trunk.6")
strong = patches.strength.sum(1).argsort(descending=True)[:2].tolist()
cut, seen = [], []
for number in strong:
    rows = patches.objects[number]
    target = map_sum(network.net, "trunk.6", number)
    back = guided_backpropagation(target, drawn.take(rows)).sum(1)
    cut.append([crop.numpy() for crop in patches.crops(drawn.values, number)])
    seen.append([
        back[k, top:bottom, left:right].numpy()
        for k, (top, bottom, left, right) in enumerate(patches.boxes[number].tolist())
    ])  # fmt: skip
favourites = patch_wall(cut, seen, [f"filter {number}" for number in strong])
favourites
