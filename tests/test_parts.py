"""Parts of galaxies: arms, bars, rings, knots and dust are where and what the truth says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepfield.render.pixels import subpixel_grid
from deepfield.render.psf import survey_psf
from deepfield.sky.galaxies import shine
from deepfield.sky.painted import PAINTERS
from deepfield.sky.population import BARRED, EDGE_ON, IRREGULAR, SMOOTH, SPIRAL, Population
from deepfield.sky.surveys import sdss

SDSS = sdss()
SEEING = survey_psf(SDSS)
COUNT = 12


def galaxies(kind, **changes):
    """Some large, bright galaxies of one kind, with some parameters replaced."""
    drawn = Population(radius=(2.5, 3.2), signal_to_noise=(200.0, 500.0)).draw(
        np.arange(COUNT), SDSS, seed=6, split="parts", size=96
    )
    some = {
        name: torch.full((COUNT,), value) if isinstance(value, float) else value
        for name, value in changes.items()
    }
    return replace(drawn, kind=torch.full((COUNT,), kind), **some)


def lit(some, *parts):
    return shine(some, SDSS, size=96, psf=SEEING, parts=parts)


def moments(image):
    """Position angle (degrees east of north, which is -x of +y) and axis ratio of images."""
    axis = torch.arange(image.shape[-1], dtype=torch.float64)
    light = image.double() / image.double().sum((1, 2), keepdim=True)
    x, y = light.sum(1) @ axis, light.sum(2) @ axis
    dx, dy = axis - x[:, None], axis - y[:, None]
    xx, yy = (light.sum(1) * dx**2).sum(1), (light.sum(2) * dy**2).sum(1)
    xy = torch.einsum("oyx,oy,ox->o", light, dy, dx)
    angle = torch.rad2deg(torch.atan2(-2 * xy, yy - xx)) / 2
    mean, half = (xx + yy) / 2, torch.hypot((xx - yy) / 2, xy)
    return angle % 180, ((mean - half) / (mean + half)).sqrt()


def test_an_edge_on_disc_at_30_degrees_points_there():
    some = galaxies(EDGE_ON, position_angle=30.0, bulge_to_total=0.0, x=0.0, y=0.0)
    some = replace(some, edge=replace(some.edge, optical_depth=torch.zeros(COUNT)))
    angle, _ = moments(lit(some).image[:, 1])
    assert torch.allclose(angle, torch.full_like(angle, 30.0), atol=1.0)
    # North is up and east is left: the upper end lies left of the centre.
    image = lit(some).image[0, 1]
    top = image[60:].sum(0) @ torch.arange(96.0) / image[60:].sum()
    assert top < 47


def test_an_edge_on_disc_is_as_thin_as_the_truth_says():
    some = galaxies(EDGE_ON, position_angle=30.0)
    some = replace(some, edge=replace(some.edge, thick=torch.zeros(COUNT)))
    y, x = subpixel_grid(192, 2)
    painted = PAINTERS[EDGE_ON](replace(some, radius=3 * some.radius), SDSS, y, x)
    _, ratio = moments(painted.light[:, 0])
    assert torch.allclose(ratio.float(), some.edge.axis_ratio, rtol=0.12)


def test_dust_takes_the_light_that_its_map_holds_and_more_of_the_blue():
    dusty = galaxies(EDGE_ON)
    dusty = replace(dusty, edge=replace(dusty.edge, optical_depth=torch.full((COUNT,), 1.5)))
    clear = replace(dusty, edge=replace(dusty.edge, optical_depth=torch.zeros(COUNT)))
    seen, without = lit(dusty, "dust"), lit(clear)
    lost = without.image - seen.image
    peak = without.image[:, 1].amax((1, 2), keepdim=True)
    assert ((lost[:, 1] - seen.parts["dust"]).abs() / peak).max() < 1e-3
    share = lost.sum((2, 3)) / without.image.sum((2, 3))
    assert (share[:, 0] > share[:, 1]).all() and (share[:, 1] > share[:, 2]).all()
    assert (share[:, 1] > 0.02).all() and (share[:, 1] < 0.5).all()
    assert (seen.image.amin((1, 2, 3)) > -1e-3 * peak[:, 0, 0]).all()


def test_a_grand_design_has_its_light_on_its_ridges():
    some = galaxies(SPIRAL)
    sharpness = torch.tensor([2.5, 0.0, 0.0]).expand(COUNT, 3)
    arms = replace(some.arms, sharpness=sharpness)
    some = replace(some, arms=arms)
    y, x = subpixel_grid(96, 2)
    light = PAINTERS[SPIRAL](some, SDSS, y, x).parts["arm"].clamp(min=0)
    for i in range(COUNT):
        angle = torch.deg2rad(some.position_angle[i])
        dx, dy = x - some.x[i], y - some.y[i]
        along = dy * angle.cos() - dx * angle.sin()
        across = (dx * angle.cos() + dy * angle.sin()) / some.axis_ratio[i]
        radius = torch.hypot(along, across) / some.radius[i]
        azimuth = torch.atan2(across, along)
        tangent = torch.tan(torch.deg2rad(arms.pitch[i, 0]))
        phase = arms.number[i, 0] * (azimuth - radius.log() / tangent) - arms.phase[i, 0]
        where = radius > 0.7
        on_ridge = (light[i] * phase.cos())[where].sum() / light[i][where].sum()
        assert on_ridge > 0.8
        ring = (radius - 1.2).abs() < 0.03
        brightest = torch.where(ring, light[i], -1.0).argmax()
        assert phase.flatten()[brightest].cos() > 0.9


def test_arms_keep_the_light_of_the_disc_at_every_radius():
    some = galaxies(SPIRAL, axis_ratio=1.0, x=0.0, y=0.0)
    sharpness = torch.tensor([2.0, 0.0, 0.0]).expand(COUNT, 3)
    some = replace(some, arms=replace(some.arms, sharpness=sharpness))
    y, x = subpixel_grid(96, 2)
    feature = PAINTERS[SPIRAL](some, SDSS, y, x).feature
    radius = torch.hypot(x, y)
    inside = (radius > 4) & (radius < 30)
    signed, total = feature[:, inside].sum(1), feature[:, inside].abs().sum(1)
    assert (signed.abs() / total).max() < 0.05


def test_flocculent_arms_are_not_all_alike():
    """Turned by one arm's spacing, a grand design is itself again and a flocculent disc not."""
    y, x = subpixel_grid(96, 2)
    likeness = []
    for flocculent in (0.0, 1.0):
        some = Population(radius=(2.5, 3.2), flocculent=flocculent).draw(
            np.arange(40), SDSS, seed=2, split="arms", size=96
        )
        two = some.arms.number[:, 0] == 2
        still = replace(
            some,
            kind=torch.full_like(some.kind, SPIRAL),
            axis_ratio=torch.ones(40),
            x=torch.zeros(40),
            y=torch.zeros(40),
        )
        feature = PAINTERS[SPIRAL](still, SDSS, y, x).feature[two]
        turned = feature.flip((1, 2))
        likeness.append((feature * turned).sum((1, 2)) / feature.square().sum((1, 2)))
    assert likeness[0].mean() > likeness[1].mean() + 0.2


def test_a_bar_points_where_it_should_and_a_ring_has_its_radius():
    some = galaxies(BARRED, axis_ratio=1.0, x=0.0, y=0.0)
    some = replace(some, ring=replace(some.ring, share=torch.full((COUNT,), 0.2)))
    seen = lit(some, "bar", "ring")
    angle, _ = moments(seen.parts["bar"])
    away = (angle - (some.position_angle - some.bar.angle)) % 180
    assert torch.minimum(away, 180 - away).max() < 1.0
    share = seen.parts["bar"].sum((1, 2)) / some.flux / (1 - some.bulge_to_total)
    assert torch.allclose(share, some.bar.share, rtol=0.02)
    axis = torch.arange(96.0) - 47.5
    radius = torch.hypot(axis[:, None], axis)
    ring = seen.parts["ring"]
    mean = (ring * radius).sum((1, 2)) / ring.sum((1, 2))
    expected = some.ring.radius * some.radius
    inside = expected < 30  # PSF FWHM is 3 px: small rings are blurred outwards
    assert torch.allclose(mean[inside], expected[inside], rtol=0.12)


def test_clumps_hold_their_share_of_an_irregular():
    some = galaxies(IRREGULAR)
    seen = lit(some, "clump", "arm")
    share = seen.parts["clump"].sum((1, 2)) / some.flux / (1 - some.bulge_to_total)
    assert torch.allclose(share, some.clumps.share, rtol=0.03)
    assert not seen.parts["arm"].any(), "no arms in an irregular"


def test_a_smooth_galaxy_has_no_parts_and_needs_no_pure_profile():
    some = galaxies(SMOOTH, inner=0.3)
    seen = lit(some, "arm", "bar", "ring", "clump", "dust")
    assert not any(part.any() for part in seen.parts.values())
    plain = lit(replace(some, inner=torch.zeros(COUNT)))
    assert seen.image.sum() == pytest.approx(plain.image.sum().item(), rel=0.05)
    assert (seen.image - plain.image).abs().max() > 0.01 * plain.image.max()
