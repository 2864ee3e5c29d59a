"""Model: how the numbers of a fit become images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from deepfield.likelihood.bounded import bounded, freed, slope
from deepfield.likelihood.ellipse import ellipse, moment_changes, shear
from deepfield.likelihood.layout import Layout, lay_out
from deepfield.nouns.psf import Psf
from deepfield.render.components import components
from deepfield.render.derivatives import derivatives
from deepfield.render.ladder import HIGHEST, LOWEST

SMALLEST, LARGEST = 0.05, 500.0
"""Circularised half-light radii, px: points, and skies."""
INDEX = math.log(LOWEST), math.log(HIGHEST)
BRIGHTEST = 60.0
"""Largest logarithm of a flux, either sign, that single precision holds with room to square it."""
OUTSIDE = 0.6
"""Farthest centre from the stamp's, in stamps."""


@dataclass(frozen=True)
class Profile:
    """The numbers of a model in the units of ``render.components``: pixels and degrees.

    Args:
        sersic_index, radius, axis_ratio, position_angle: [object, component]; the radius is the
            half-light one along the major axis.
        x, y: [object] centre, as offsets from the stamp's centre.
        flux: [object, component, band].
    """

    sersic_index: Tensor
    radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    x: Tensor
    y: Tensor
    flux: Tensor


@dataclass(frozen=True)
class Model:
    """Sersic components with a common centre, their shapes shared by all bands.

    To fit bands freely, fit one-band models band by band. The numbers of a fit, its parameters,
    may be any real ones and have an order: for each component its log flux in every band, log of
    its circularised half-light radius, two components of its shear and, if free, log Sersic
    index; then x and y; then the sky in every band. Radius, shear, index and centre are bounded
    by a smooth function that is nearly the identity far from the bounds.

    Args:
        size: pixels a side of the stamp.
        indices: the Sersic index of every component, None where it is free.
        bands: how many.
        sky: whether every band has a constant level of its own.
        largest: circularised half-light radius that a component may have, px. Half a stamp's side
            is as much as a stamp can tell.

    Raises:
        ValueError: no component or band, a fixed index that the renderer does not know, or a
            largest radius that is none.

    Example:
        >>> from deepfield.render.psf import moffat
        >>> model = Model(64, indices=(None, 1.0))
        >>> model.names[:5]
        ('log_flux_0_0', 'log_radius_0', 'shear_plus_0', 'shear_cross_0', 'log_index_0')
        >>> psf = Psf(moffat(3.0, 3.0, side=31)[None, None])
        >>> model.images(torch.zeros(3, model.count), psf).shape
        torch.Size([3, 1, 64, 64])
    """

    size: int
    indices: tuple[float | None, ...] = (None,)
    bands: int = 1
    sky: bool = False
    largest: float = LARGEST

    def __post_init__(self) -> None:
        known = all(n is None or LOWEST <= n <= HIGHEST for n in self.indices)
        if not (self.size > 0 and self.indices and known and self.bands > 0):
            raise ValueError(
                f"size {self.size}, indices {self.indices}, {self.bands} bands; expected a "
                f"positive size, at least one component and band, and fixed Sersic indices from "
                f"{LOWEST} to {HIGHEST}"
            )
        if not SMALLEST < self.largest <= LARGEST:
            raise ValueError(
                f"largest radius {self.largest}; expected above {SMALLEST} and up to {LARGEST} px"
            )

    @cached_property
    def layout(self) -> Layout:
        """Where each parameter is."""
        free = tuple(n is None for n in self.indices)
        return lay_out(free, bands=self.bands, sky=self.sky)

    @property
    def _radii(self) -> tuple[float, float]:
        """Bounds of the logarithm of a radius."""
        return math.log(SMALLEST), math.log(self.largest)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters, in order."""
        return self.layout.names

    @cached_property
    def count(self) -> int:
        """How many parameters."""
        return len(self.layout.names)

    def profile(self, parameters: Tensor) -> Profile:
        """The galaxies of parameters [object, parameter]; differentiable where not round.

        Example:
            >>> round(float(Model(64).profile(torch.ones(1, 7)).radius), 2)  # along the major axis
            5.37
        """
        places = self.layout
        radius, ratio, angle = ellipse(self._radius(parameters), self._shear(parameters))
        index = [
            torch.full_like(radius[:, c], fixed or 1.0)
            if place is None
            else bounded(parameters[:, place], *INDEX).exp()
            for c, (place, fixed) in enumerate(zip(places.index, self.indices, strict=True))
        ]
        flux = parameters[:, torch.tensor(places.flux, device=parameters.device)]
        reach = OUTSIDE * self.size
        return Profile(
            sersic_index=torch.stack(index, 1),
            radius=radius,
            axis_ratio=ratio,
            position_angle=angle,
            x=bounded(parameters[:, places.x], -reach, reach),
            y=bounded(parameters[:, places.y], -reach, reach),
            flux=flux.clamp(-BRIGHTEST, BRIGHTEST).exp(),
        )

    def parameters(self, profile: Profile, sky: Tensor | None = None) -> Tensor:
        """The parameters of galaxies: the inverse of :meth:`profile`.

        Args:
            profile: with the components and bands of this model; fixed indices are not read, and
                what lies on a bound goes just inside.
            sky: [object, band], 0 where not given.

        Returns:
            [object, parameter].

        Raises:
            ValueError: another number of components or bands.

        Example:
            >>> model = Model(64, indices=(None, 1.0))
            >>> free = torch.full((1, model.count), 0.5)
            >>> bool(torch.allclose(model.parameters(model.profile(free)), free, atol=1e-4))
            True
        """
        shape = tuple(profile.flux.shape)
        if shape != (len(profile.x), len(self.indices), self.bands):
            raise ValueError(
                f"fluxes have shape {shape}; expected [object, component, band] of "
                f"{len(profile.x)} objects, {len(self.indices)} components and {self.bands} bands"
            )
        places, reach = self.layout, OUTSIDE * self.size
        free = {c: place for c, place in enumerate(places.index) if place is not None}
        # In memory every parameter's numbers stand side by side: few operations fill them all.
        flux = profile.flux.clamp(min=math.exp(-BRIGHTEST)).log().permute(1, 2, 0)
        radius = (profile.radius * profile.axis_ratio.sqrt()).T
        index = profile.sersic_index.T
        scales = torch.stack([*radius, *(index[c] for c in free)]).log()
        found = [
            *freed(scales[: len(radius)], *self._radii),
            *freed(scales[len(radius) :], *INDEX),
            *freed(torch.stack([profile.x, profile.y]), -reach, reach),
        ]
        stretch = shear(profile.axis_ratio.T, profile.position_angle.T)
        rows = dict(zip(places.radius, found, strict=False))
        rows |= dict(zip(free.values(), found[len(radius) :], strict=False))
        rows |= {places.x: found[-2], places.y: found[-1]}
        for c, (plus, cross) in enumerate(places.shear):
            rows |= dict(zip(places.flux[c], flux[c].unbind(), strict=True))
            rows |= {plus: stretch[c, :, 0], cross: stretch[c, :, 1]}
        for band, place in enumerate(places.sky):
            rows[place] = torch.zeros_like(found[0]) if sky is None else sky[:, band]
        return torch.stack([rows[place] for place in range(self.count)]).mT

    def images(self, parameters: Tensor, psf: Psf) -> Tensor:
        """[object, band, y, x] of parameters [object, parameter], in the unit of the flux."""
        light = components(**vars(self.profile(parameters)), psf=psf, size=self.size)
        return self._on_sky(light, parameters)

    def planes(self, parameters: Tensor, psf: Psf) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Images and derivatives, in blocks that fit a processor's cache.

        Yields:
            numbers of some objects, their images [object, band, y, x], and planes [object, plane,
            band, y, x]: derivatives by the parameters ``layout.of_band``, each still to be
            multiplied by its ``scales``. The next block overwrites them.
        """
        profile, places = self.profile(parameters), self.layout
        radius = self._radius(parameters)
        changes = moment_changes(radius, self._shear(parameters))
        log_radius = parameters[:, list(places.radius)]
        changes[:, :, 0] *= slope(log_radius, *self._radii)[..., None]
        blocks = derivatives(
            **vars(profile),
            psf=psf,
            size=self.size,
            changes=changes,
            free=tuple(n is None for n in self.indices),
        )
        order = places.of_band(0)
        units = [order.index(fluxes[0]) for fluxes in places.flux]
        for rows, planes in blocks:
            flux = profile.flux[rows, :, :, None, None]
            image = flux[:, 0] * planes[:, units[0]]
            for c, unit in enumerate(units[1:], 1):
                image.addcmul_(flux[:, c], planes[:, unit])
            if self.sky:
                planes = torch.cat([planes, torch.ones_like(planes[:, :1])], 1)
            yield rows, self._on_sky(image, parameters[rows]), planes

    def scales(self, parameters: Tensor) -> Tensor:
        """[object, parameter] by which ``planes`` must be multiplied to be derivatives."""
        scales, places = torch.ones_like(parameters), self.layout
        for fluxes, index in zip(places.flux, places.index, strict=True):
            each = parameters[:, list(fluxes)]
            scales[:, list(fluxes)] = each.clamp(-BRIGHTEST, BRIGHTEST).exp()
            if index is not None:
                scales[:, index] = slope(parameters[:, index], *INDEX)
        reach = OUTSIDE * self.size
        for place in (places.x, places.y):
            scales[:, place] = slope(parameters[:, place], -reach, reach)
        return scales

    def jacobian(self, parameters: Tensor, psf: Psf) -> Tensor:
        """Derivatives [object, parameter, band, y, x] of ``images`` by every parameter.

        Example:
            >>> from deepfield.render.psf import moffat
            >>> psf = Psf(moffat(3.0, 3.0, side=31)[None, None])
            >>> Model(64).jacobian(torch.zeros(2, 7), psf).shape
            torch.Size([2, 7, 1, 64, 64])
        """
        shape = (*parameters.shape, self.bands, self.size, self.size)
        scales, jacobian = self.scales(parameters), parameters.new_zeros(shape)
        for rows, _, planes in self.planes(parameters, psf):
            for band in range(self.bands):
                places = self.layout.of_band(band)
                each = planes[:, :, band] * scales[rows][:, places, None, None]
                jacobian[rows[:, None], torch.tensor(places), band] = each
        return jacobian

    def _radius(self, parameters: Tensor) -> Tensor:
        """[object, component] circularised, px."""
        return bounded(parameters[:, list(self.layout.radius)], *self._radii).exp()

    def _shear(self, parameters: Tensor) -> Tensor:
        """[object, component, 2]."""
        return parameters[:, torch.tensor(self.layout.shear, device=parameters.device)]

    def _on_sky(self, light: Tensor, parameters: Tensor) -> Tensor:
        if not self.sky:
            return light
        return light + parameters[:, list(self.layout.sky), None, None]
