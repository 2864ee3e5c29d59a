"""Layout: which parameter of a model is where in its vector."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Places of the parameters; for each component first.

    Args:
        flux: [component][band].
        radius: [component].
        shear: [component] of the plus and the cross part.
        index: [component], None where it is fixed.
        x, y: of the centre.
        sky: [band], or empty.
    """

    flux: tuple[tuple[int, ...], ...]
    radius: tuple[int, ...]
    shear: tuple[tuple[int, int], ...]
    index: tuple[int | None, ...]
    x: int
    y: int
    sky: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters, in order.

        Example:
            >>> lay_out((False,), bands=1, sky=False).names
            ('log_flux_0_0', 'log_radius_0', 'shear_plus_0', 'shear_cross_0', 'x', 'y')
        """
        places = {self.x: "x", self.y: "y"}
        places |= {place: f"sky_{band}" for band, place in enumerate(self.sky)}
        for c, fluxes in enumerate(self.flux):
            places |= {place: f"log_flux_{c}_{band}" for band, place in enumerate(fluxes)}
            plus, cross = self.shear[c]
            places |= {self.radius[c]: f"log_radius_{c}"}
            places |= {plus: f"shear_plus_{c}", cross: f"shear_cross_{c}"}
            if (index := self.index[c]) is not None:
                places[index] = f"log_index_{c}"
        return tuple(places[place] for place in range(len(places)))

    def of_band(self, band: int) -> list[int]:
        """Places of the parameters that change a band.

        For each component its flux, radius, shear and index, then x, y and sky: the order of the
        planes of ``render.derivatives``.
        """
        places: list[int] = []
        for c, fluxes in enumerate(self.flux):
            index = self.index[c]
            places += [fluxes[band], self.radius[c], *self.shear[c]]
            places += [] if index is None else [index]
        return [*places, self.x, self.y, *self.sky[band : band + 1]]


def lay_out(free: tuple[bool, ...], *, bands: int, sky: bool) -> Layout:
    """The layout of some components.

    Args:
        free: whether the Sersic index of each component is.
        bands: how many.
        sky: whether every band has a sky level.

    Example:
        >>> lay_out((True, False), bands=3, sky=True).of_band(1)
        [1, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 16]
    """
    start, flux, radius, shear, index = 0, [], [], [], []
    for varies in free:
        after = start + bands
        flux.append(tuple(range(start, after)))
        radius.append(after)
        shear.append((after + 1, after + 2))
        index.append(after + 3 if varies else None)
        start = after + 3 + varies
    level = tuple(range(start + 2, start + 2 + bands)) if sky else ()
    return Layout(tuple(flux), tuple(radius), tuple(shear), tuple(index), start, start + 1, level)
