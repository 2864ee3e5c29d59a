"""Band and Survey: the numbers of an instrument that an image depends on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """One filter of a survey.

    Args:
        name: as in the survey's own papers, e.g. ``g``.
        wavelength: effective wavelength, nm.
        zero_point: AB magnitude of a source that gives one electron per second.
        exposure: total exposure time, s.
        sky: sky brightness, AB mag per square arcsec.
        psf_fwhm: full width at half maximum of the point spread function, arcsec.
        gain: electrons per count.
        source: where the numbers come from.
    """

    name: str
    wavelength: float
    zero_point: float
    exposure: float
    sky: float
    psf_fwhm: float
    gain: float
    source: str


@dataclass(frozen=True)
class Survey:
    """The bands of a survey on one pixel grid.

    Args:
        name: e.g. ``SDSS``.
        bands: from blue to red.
        pixel_scale: arcsec per pixel.

    Example:
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.3, 1.0, "made up")
        >>> Survey("one band", (r,), 0.396).channels
        ('r',)
    """

    name: str
    bands: tuple[Band, ...]
    pixel_scale: float

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the bands, in order."""
        return tuple(band.name for band in self.bands)

    def select(self, channels: tuple[str, ...]) -> "Survey":
        """The same survey with only these bands, in this order.

        Raises:
            ValueError: a name that the survey does not have.
        """
        by_name = {band.name: band for band in self.bands}
        if unknown := [name for name in channels if name not in by_name]:
            raise ValueError(
                f"{self.name} has no band {', '.join(unknown)}; it has {', '.join(by_name)}"
            )
        return Survey(self.name, tuple(by_name[name] for name in channels), self.pixel_scale)
