"""Band and Survey: the numbers of an instrument that an image depends on."""

from collections import Counter
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
        edges: half-power wavelengths of the passband with optics, detector and air, nm; needed
            by whoever asks how bright a spectrum is in the band.

    Raises:
        ValueError: a number that no instrument can have.
    """

    name: str
    wavelength: float
    zero_point: float
    exposure: float
    sky: float
    psf_fwhm: float
    gain: float
    source: str
    edges: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not (self.exposure > 0 and self.psf_fwhm > 0):
            raise ValueError(
                f"{self.name}: exposure {self.exposure} s, PSF FWHM {self.psf_fwhm} arcsec; "
                "expected both above 0"
            )
        if self.edges is not None and not 0 < self.edges[0] < self.edges[1]:
            raise ValueError(
                f"{self.name}: edges {self.edges} nm; expected the blue one above 0 and below the "
                "red one"
            )


@dataclass(frozen=True)
class Survey:
    """The bands of a survey on one pixel grid.

    Args:
        name: e.g. ``SDSS``.
        bands: from blue to red.
        pixel_scale: arcsec per pixel.

    Raises:
        ValueError: no bands, two of one name, or a pixel scale that is not above 0.

    Example:
        >>> r = Band("r", 616.0, 26.0, 53.9, 20.86, 1.3, 1.0, "made up")
        >>> Survey("one band", (r,), 0.396).channels
        ('r',)
    """

    name: str
    bands: tuple[Band, ...]
    pixel_scale: float

    def __post_init__(self) -> None:
        if not self.bands:
            raise ValueError(f"{self.name}: a survey without bands; expected at least one")
        repeated = [name for name, count in Counter(self.channels).items() if count > 1]
        if repeated:
            raise ValueError(
                f"{self.name}: more than one band {', '.join(repeated)}; give each its own name"
            )
        if not self.pixel_scale > 0:
            raise ValueError(
                f"{self.name}: pixel scale {self.pixel_scale} arcsec; expected above 0"
            )

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
