"""
What a network is made of
=========================

Convolution, pooling, normalisation, dropout, initial weights, learning rates: each is a short
formula. Here they are in pictures, on a galaxy and on the lecture's own examples, beside a
computation by hand wherever one is possible. Nothing here is learnt.
"""

# %%
# A convolution by hand
# ---------------------
#
# The lecture's image of 5 x 5 pixels under a mean of 3 x 3: every output is the sum of nine
# products, and the output has 5 - 3 + 1 = 3 pixels a side.

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

from deepfield.data.augment import isotropic, slides
from deepfield.mocks.kinds import kinds
from deepfield.nets.blocks import ResidualBlock
from deepfield.nets.convolution import convolution_matrix, convolved
from deepfield.nets.deepmerge import DeepMerge
from deepfield.nets.dominguez_sanchez import dominguez_sanchez, three_layers
from deepfield.nets.initial import normal
from deepfield.nets.layers import layer_table
from deepfield.report.figures import COLOURS, MARKERS, new_figure, tidy
from deepfield.train import schedules


def show(images: list, titles: list[str], *, width: float = 2.2, numbers: bool = False) -> Figure:
    """Images side by side; with their numbers where they are small."""
    figure = new_figure(width * len(images), width + 0.3)
    for axes, image, title in zip(
        figure.subplots(1, len(images), squeeze=False)[0], images, titles, strict=True
    ):
        image = image.detach().numpy()
        axes.imshow(image, cmap="gray", origin="upper" if numbers else "lower")
        if numbers:
            for (y, x), value in np.ndenumerate(image):
                dark = value <= image.mean()
                axes.text(x, y, f"{value:.3g}", ha="center", va="center", fontsize=7,
                          color="white" if dark else "black")  # fmt: skip
        axes.set_title(title, fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
    return figure


image = torch.tensor(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
).float()
mean = torch.full((3, 3), 1 / 9)
smooth = F.conv2d(image[None, None], mean[None, None])[0, 0]
by_hand = [[float((image[y : y + 3, x : x + 3] * mean).sum()) for x in range(3)] for y in range(3)]
print("the same by hand:", np.allclose(smooth, by_hand), "size", convolved(5, 3))
show([image, mean, smooth], ["input", "kernel", "output"], numbers=True)

# %%
# What networks call a convolution does not flip the kernel: it is a cross-correlation. For a
# symmetric kernel that is the same; for this edge detector along a spectrum it is the sign.

spectrum = np.exp(-0.5 * ((np.arange(80) - 40) / 4) ** 2)
edge = np.array([-1.0, 0.0, 1.0])
layer = F.conv1d(torch.tensor(spectrum)[None, None], torch.tensor(edge)[None, None])[0, 0]
flips = new_figure(6.5, 2.6)
axes = tidy(flips.add_subplot(), x="pixel", y="flux")
axes.plot(spectrum, color=COLOURS[6], label="a line")
axes.plot(np.arange(1, 79), layer, color=COLOURS[0], label="a layer: no flip")
axes.plot(np.arange(1, 79), np.convolve(spectrum, edge, "valid"), color=COLOURS[1], ls="--",
          label="mathematics: flipped")  # fmt: skip
axes.legend(fontsize=8)
flips

# %%
# A galaxy through a block
# ------------------------
#
# A spiral in g, r and i; a kernel has a 3 x 3 sheet for each band. Bands are summed, so a kernel
# of (-1, 0, 1) over them is a colour. Convolution, activation, pooling: the map gets smaller, and
# there is one for each kernel.

sky = kinds(objects={"test": 200}, seed=2, overlapping=0.0, resampled=0.0, spoiled=0.0)
galaxies = sky.part("test").take(torch.arange(200), epoch=0)
spiral = sky.quantity("kind").classes.index("spiral")
of_kind = galaxies.truth["kind"] == spiral
best = int(torch.where(of_kind, galaxies.truth["feature_signal_to_noise"], 0.0).argmax())
galaxy = torch.asinh(galaxies.values[best] / galaxies.variance[best].sqrt() / 3)

sharp = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]])
slope = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
bands = torch.tensor([-1.0, 0.0, 1.0])[:, None, None]
kernels = torch.stack([(sharp / 3).expand(3, 3, 3), (slope / 3).expand(3, 3, 3), bands * mean])
maps = F.conv2d(galaxy[None], kernels, padding=1)
block = F.max_pool2d(F.relu(maps), 2)[0]
show([galaxy.mean(0), *maps[0]], ["galaxy", "sharp detail", "slope along x", "red minus blue"])

# %%
show(block, ["detail, ReLU, max pool", "slope, ReLU, max pool", "colour, ReLU, max pool"])

# %%
# A pixel of a map is a neuron with 3 x 3 x 3 inputs whose weights are the kernel, and the weights
# are the same everywhere. So a shifted galaxy gives a shifted map, and nothing else changes:

moved = F.conv2d(galaxy.roll((5, 8), (1, 2))[None], kernels)
difference = (moved[..., 5:, 8:] - F.conv2d(galaxy[None], kernels)[..., :-5, :-8]).abs().max()
print(f"largest difference after a shift by (5, 8) px: {difference:.1e}")
weights = (512 * 512) ** 2
print(f"every pixel of 512 x 512 connected to every other: {weights:,} weights; a kernel: 9")

# %%
# Strides and dilation
# --------------------
#
# A stride keeps every second output. A dilated kernel has holes, and sees farther with as many
# weights: the detail of 3 px is all noise, that of 9 px is the spiral. It is worth knowing which
# scale matters before a network is built.

summed = galaxy.mean(0)[None, None]
dilated = F.conv2d(summed, sharp[None, None], dilation=4)[0, 0]
strided = F.conv2d(summed, sharp[None, None], stride=2)[0, 0]
print("sizes:", convolved(64, 3), convolved(64, 3, stride=2), convolved(64, 3, dilation=4))
show(
    [F.conv2d(summed, sharp[None, None])[0, 0], strided, dilated],
    ["plain, 62 px", "stride 2, 31 px", "dilation 4, 56 px"],
)

# %%
# Pooling, and the way back
# -------------------------
#
# Sum, root of the sum of squares, or the largest. Unpooling copies a pixel over its window, or
# puts it back where the maximum was. Neither restores what is lost.

small = torch.tensor([[1.0, 5, 2, 0], [3, 4, 1, 6], [0, 1, 9, 2], [7, 2, 3, 1]])[None, None]
largest, switches = nn.MaxPool2d(2, return_indices=True)(small)
show(
    [small[0, 0], nn.LPPool2d(1, 2)(small)[0, 0], nn.LPPool2d(2, 2)(small)[0, 0], largest[0, 0]],
    ["input", "sum", "root of sum of squares", "max"],
    numbers=True,
)

# %%
show(
    [nn.Upsample(scale_factor=2)(largest)[0, 0], nn.MaxUnpool2d(2)(largest, switches)[0, 0]],
    ["unpooled by copying", "unpooled by switches"],
    numbers=True,
)

# %%
# The matrix of a convolution
# ---------------------------
#
# A kernel of 3 x 3 on an image of 4 x 4 is a matrix of 4 x 16: it takes 16 pixels to 4. Its
# transpose takes 4 back to 16: the transposed convolution. It restores the shape, not the image.

kernel = torch.arange(1.0, 10.0).reshape(3, 3)
matrix = convolution_matrix(kernel, (4, 4))
rows = new_figure(6.5, 2.2)
axes = rows.add_subplot()
axes.imshow(matrix.numpy(), cmap="Blues")
for (y, x), value in np.ndenumerate(matrix.numpy()):
    axes.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=7)
axes.set_xlabel("input pixel")
axes.set_ylabel("output pixel")
rows

# %%
there = matrix @ small.flatten()
back = (matrix.T @ there).reshape(4, 4)
same = F.conv_transpose2d(there.reshape(1, 1, 2, 2), kernel[None, None])[0, 0]
print("the layer is the transpose:", torch.allclose(back, same))
show([small[0, 0], there.reshape(2, 2), back], ["x", "C x", "C' C x"], numbers=True, width=2.6)

# %%
# Whole networks
# --------------
#
# Two of the lecture's networks: tensors shrink, depth grows, and each layer sees more of the
# image. DeepMerge has the 174,626 parameters of its table.

merge = DeepMerge()
networks = {
    "three layers": (three_layers(3), 69),
    "Dominguez Sanchez+18": (dominguez_sanchez(3), 69),
    "DeepMerge": (nn.Sequential(merge.trunk, merge.head), 75),
}
depths = new_figure(7.5, 3)
panels = depths.subplots(1, 3)
counts = {}
for j, (name, (net, side)) in enumerate(networks.items()):
    layers = layer_table(net.eval(), torch.zeros(1, 3, side, side))
    counts[name] = sum(layer.parameters for layer in layers)
    inside = [layer for layer in layers if layer.kind == "Conv2d"]
    found = (
        ("side (px)", [layer.shape[1] for layer in inside]),
        ("channels", [layer.shape[0] for layer in inside]),
        ("receptive field (px)", [layer.receptive_field for layer in inside]),
    )
    for axes, (what, values) in zip(panels, found, strict=True):
        tidy(axes, x="convolution", y=what)
        axes.plot(range(1, 1 + len(values)), values, color=COLOURS[j], marker=MARKERS[j],
                  label=f"{name}: {counts[name]:,}")  # fmt: skip
depths.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3,
              fontsize=7)  # fmt: skip
depths

# %%
# Vanishing and exploding
# -----------------------
#
# Thirty layers of ReLUs. With a variance of 2 / n the signal keeps its size; with 1 / n, right for
# layers without ReLUs, it halves at every layer; with 4 / n it doubles.

torch.manual_seed(0)
sizes = new_figure(6, 3.4)
axes = tidy(sizes.add_subplot(), x="layer", y="mean square of the signal")
ends = {}
for j, gain in enumerate((1.0, 2.0, 4.0)):
    signal = torch.randn(256, 512)
    squares = [1.0]
    for _ in range(30):
        linear = normal(nn.Linear(512, 512, bias=False), gain=gain)
        with torch.no_grad():
            signal = linear(F.relu(signal)) if len(squares) > 1 else linear(signal) * gain**-0.5
        squares.append(float(signal.square().mean()))
    ends[gain] = squares[-1]
    axes.semilogy(squares, color=COLOURS[j], marker=MARKERS[j], ms=3, label=f"{gain:.0f} / n")
axes.legend(title="variance")
sizes

# %%
# Batch normalisation
# -------------------
#
# Every channel of a batch gets mean 0 and variance 1, then a scale and a shift that are learnt.
# Three maps of very different sizes, before and after:

before = torch.randn(32, 3, 8, 8) * torch.tensor([0.2, 1.0, 5.0])[:, None, None] + torch.tensor(
    [-2.0, 0.0, 6.0]
).reshape(3, 1, 1)
after = nn.BatchNorm2d(3)(before)
spread = new_figure(6.5, 2.6)
for axes, values, title in zip(
    spread.subplots(1, 2), (before, after), ("before", "after"), strict=True
):
    tidy(axes, x=f"activation {title}", y="density")
    for c in range(3):
        axes.hist(values[:, c].flatten().detach().numpy(), 50, density=True, histtype="step",
                  color=COLOURS[c])  # fmt: skip
spread

# %%
# Dropout
# -------
#
# Half of six inputs are left out at random, the others doubled. That is one of 2^6 = 64 networks;
# for a linear layer their mean is exactly the layer without dropout.

inputs, weight = torch.randn(6), torch.randn(6)
masks = torch.tensor(list(np.ndindex(*(2,) * 6))).float()
answers = (2 * masks * inputs) @ weight
print(f"mean of {len(answers)} networks {answers.mean():.5f}, one without {inputs @ weight:.5f}")

# %%
# Residual blocks
# ---------------
#
# A block adds what it learns to what it gets. Initially it adds nothing, so that a hundred of
# them are as good as none, and training can only start from there.

deep = nn.Sequential(*[ResidualBlock(4) for _ in range(100)]).eval()
start = torch.rand(1, 4, 8, 8)
print("100 blocks change an image by", float((deep(start).detach() - start).abs().max()))

# %%
# Learning rates
# --------------
#
# Large at first, small near the minimum. The schedules count the share of the run that is done.

done = np.linspace(0, 0.999, 300)
laws = {
    "steps by a factor": schedules.steps(at=(0.25, 0.5, 0.75), factor=0.5),
    "drops by an amount": schedules.drops(at=(0.25, 0.5, 0.75), amount=0.3),
    "exponential": schedules.exponential(end=0.05),
    "inverse": schedules.inverse(decay=19.0),
    "cosine after a warm-up": schedules.cosine(warmup=0.05),
}
decays = new_figure(6, 3.4)
axes = tidy(decays.add_subplot(), x="share of the training", y="rate over the first")
for j, (name, law) in enumerate(laws.items()):
    axes.plot(done, [law(t) for t in done], color=COLOURS[j], label=name)
axes.legend(fontsize=8)
decays

# %%
# Augmentation
# ------------
#
# The same galaxy six times, as the lecture's settings of Keras would show it (upper row) and as
# Deepfield's default does (lower row). Keras zooms x and y apart from each other, which changes
# the axis ratio; factors above one make the galaxy smaller. Where shapes are to be learnt that is
# wrong, and refused:

alone = galaxies.take(torch.full((6,), best))
try:
    slides()(alone, torch.Generator())
except ValueError as refusal:
    print(refusal)

alone = replace(alone, truth=None)
random = torch.Generator().manual_seed(0)
moves = {"slides": slides(), "isotropic": isotropic(0.04, (1 / 1.2, 1.2))}
seen = {name: move(alone, random).values[:, 1] for name, move in moves.items()}
views = new_figure(7.5, 2.8)
for axes, stamp in zip(views.subplots(2, 6).flat, torch.cat(list(seen.values())), strict=True):
    stretched = torch.asinh(stamp / alone.variance[0, 1].sqrt() / 3)
    axes.imshow(stretched.numpy(), cmap="gray", origin="lower")
    axes.set_axis_off()
views
