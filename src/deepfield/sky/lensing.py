"""Strong lensing by a singular isothermal ellipsoid in an external shear, in closed form.

The ellipsoid is that of Kormann, Schneider & Bartelmann (1994), with the Einstein radius of the
intermediate axis: its critical curve is an ellipse of the area pi einstein_radius^2. As the
deflection of an isothermal lens depends on the direction alone, the critical curve stays in closed
form with shear. Lengths are in any one unit, as offsets from the lens, y to the north, x to the
west; angles are degrees east of north.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

NEARLY_ROUND = 1e-3
"""1 - axis_ratio^2 below which the deflection is a series: its error is 1e-13"""
TINY = 1e-24
"""of a squared radius: keeps the centre, where nothing is defined, at a deflection of 0"""

Vector = tuple[Tensor, Tensor]
"""x and y"""


@dataclass(frozen=True)
class Lens:
    """Isothermal ellipsoids with external shear; positions are [object, ...].

    Args:
        einstein_radius: [object] of the intermediate axis.
        axis_ratio: [object] of the convergence, minor over major; 1 is the isothermal sphere.
        position_angle: [object] of the major axis, degrees east of north.
        shear: [object] external.
        shear_angle: [object] along which it stretches images, degrees east of north.

    Raises:
        ValueError: a radius that is not positive, an axis ratio or a shear that cannot be.

    Example:
        >>> one = torch.ones(1, dtype=torch.float64)
        >>> sphere = Lens(2 * one, one, 0 * one, 0 * one, 0 * one)
        >>> x, y = sphere.deflection(3 * one, 4 * one)
        >>> round(float(x), 6), round(float(y), 6)
        (1.2, 1.6)
    """

    einstein_radius: Tensor
    axis_ratio: Tensor
    position_angle: Tensor
    shear: Tensor
    shear_angle: Tensor

    def __post_init__(self) -> None:
        q, shear = self.axis_ratio, self.shear
        for name, value, good, expected in (
            ("einstein_radius", self.einstein_radius, self.einstein_radius > 0, "above 0"),
            ("axis_ratio", q, (q > 0) & (q <= 1), "above 0 and at most 1"),
            ("shear", shear, (shear >= 0) & (shear < 1), "from 0 to below 1"),
        ):
            if not bool(good.all()):
                raise ValueError(f"{name} {float(value[~good][0]):g}; expected {expected}")

    def take(self, indices: Tensor) -> "Lens":
        """Some of the lenses."""
        return Lens(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})

    def deflection(self, x: Tensor, y: Tensor) -> Vector:
        """Reduced deflection angle, shear included; that of the ellipsoid is 0 at its centre."""
        isothermal, shear = self._isothermal(x, y), self._sheared(x, y)
        return isothermal[0] + shear[0], isothermal[1] + shear[1]

    def source_plane(self, x: Tensor, y: Tensor) -> Vector:
        """Where the light that is seen at a position comes from: position minus deflection."""
        alpha_x, alpha_y = self.deflection(x, y)
        return x - alpha_x, y - alpha_y

    def potential(self, x: Tensor, y: Tensor) -> Tensor:
        """Lensing potential, whose gradient is the deflection; 0 at the centre."""
        isothermal, shear = self._isothermal(x, y), self._sheared(x, y)
        # Both parts are homogeneous, of degree one and two (Euler).
        return x * isothermal[0] + y * isothermal[1] + 0.5 * (x * shear[0] + y * shear[1])

    def convergence(self, x: Tensor, y: Tensor) -> Tensor:
        """Surface density over the critical one; shear has none."""
        major, minor, q = self._along_axes(x, y)
        squared = (q * major**2 + minor**2 / q).clamp(min=TINY)
        return _like(self.einstein_radius, x) / (2 * squared.sqrt())

    def magnification(self, x: Tensor, y: Tensor) -> Tensor:
        """Signed magnification of a point image: negative where it is mirrored."""
        radius = (x**2 + y**2).clamp(min=TINY).sqrt()
        # Isothermal: no tidal field along the radius, twice the convergence across it.
        across = 1 + self._stretch(-y / radius, x / radius)
        shear = _like(self.shear, x)
        return 1 / (1 - shear**2 - 2 * self.convergence(x, y) * across)

    def critical_curve(self, points: int = 400) -> Vector:
        """Where images are magnified without bound: [object, point], once around the lens."""
        x, y = self._directions(points)
        across = 1 + self._stretch(-y, x)
        radius = 2 * self.convergence(x, y) * across / (1 - self.shear[:, None] ** 2)
        return radius * x, radius * y

    def caustic(self, points: int = 400) -> Vector:
        """The tangential caustic [object, point]: sources inside have two more images."""
        return self.source_plane(*self.critical_curve(points))

    def cut(self, points: int = 400) -> Vector:
        """The radial caustic [object, point], a cut for a singular lens.

        A source inside has one image more. Its boundary maps to the lens's centre.
        """
        angle = torch.arange(points).to(self.shear) * (360 / points)
        return self.cut_at(angle.expand(len(self.shear), -1))

    def cut_at(self, angle: Tensor) -> Vector:
        """Points of the cut that belong to directions [object, ...] in the image, degrees.

        They lie about opposite to them, exactly so behind a sphere.
        """
        angle = torch.deg2rad(angle)
        alpha_x, alpha_y = self._isothermal(-angle.sin(), angle.cos())
        return -alpha_x, -alpha_y

    def _directions(self, points: int) -> Vector:
        angle = torch.arange(points).to(self.shear) * (2 * math.pi / points)
        return (
            angle.cos().expand(len(self.shear), -1),
            angle.sin().expand(len(self.shear), -1),
        )

    def _along_axes(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates along the major and minor axis, and the axis ratio in their shape."""
        angle = torch.deg2rad(_like(self.position_angle, x))
        sin, cos = angle.sin(), angle.cos()
        return y * cos - x * sin, x * cos + y * sin, _like(self.axis_ratio, x)

    def _isothermal(self, x: Tensor, y: Tensor) -> Vector:
        major, minor, q = self._along_axes(x, y)
        inverse = ((q * major) ** 2 + minor**2).clamp(min=TINY).rsqrt()
        u, v = major * inverse, minor * inverse
        squared = 1 - q**2
        series = squared < NEARLY_ROUND
        # Both branches are differentiated, so the one that is not taken must be finite too.
        f = torch.where(series, torch.ones_like(squared), squared).sqrt()
        scale = _like(self.einstein_radius, x) * q.sqrt()
        if bool(series.all()):
            along, across = _series(u, -squared), _series(v, squared)
        else:
            along, across = torch.atan(f * u) / f, torch.atanh(f * v * ~series) / f
            if bool(series.any()):
                along = torch.where(series, _series(u, -squared), along)
                across = torch.where(series, _series(v, squared), across)
        angle = torch.deg2rad(_like(self.position_angle, x))
        sin, cos = scale * angle.sin(), scale * angle.cos()
        return across * cos - along * sin, along * cos + across * sin

    def _shear_matrix(self, like: Tensor) -> Vector:
        """Its first row [object, ...]; the second one follows, symmetric and without trace."""
        angle = 2 * torch.deg2rad(_like(self.shear_angle, like))
        shear = _like(self.shear, like)
        return -shear * angle.cos(), -shear * angle.sin()

    def _sheared(self, x: Tensor, y: Tensor) -> Vector:
        one, two = self._shear_matrix(x)
        return one * x + two * y, two * x - one * y

    def _stretch(self, x: Tensor, y: Tensor) -> Tensor:
        """The shear's quadratic form at x, y."""
        shear_x, shear_y = self._sheared(x, y)
        return x * shear_x + y * shear_y


def _series(u: Tensor, k: Tensor) -> Tensor:
    """atanh(f u) / f for k = f^2, atan(f u) / f for k = -f^2: odd powers of a small f u."""
    t = k * u**2
    return u * (1 + t * (1 / 3 + t * (1 / 5 + t / 7)))


def _like(value: Tensor, position: Tensor) -> Tensor:
    """[object] -> [object, 1, ...], to broadcast over positions."""
    return value.reshape(-1, *[1] * (position.ndim - 1))
