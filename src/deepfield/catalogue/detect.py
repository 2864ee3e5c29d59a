"""Detection: where the objects of a survey image are."""

import numpy as np
import sep
from astropy import units as u
from astropy.table import QTable


def detect(
    image: np.ndarray, *, threshold: float = 3.0, minimum_area: int = 9
) -> tuple[QTable, np.ndarray]:
    """Objects above the background, as SExtractor finds them (Bertin & Arnouts 1996; sep).

    Args:
        image: [y, x], any unit; NaN = missing.
        threshold: per pixel, in units of the background's local rms.
        minimum_area: pixels above the threshold.

    Returns:
        a table with, per object: ``object_id``; ``x``, ``y`` (pixel centres at integers, from
        0); ``semi_major``, ``semi_minor`` and ``radius`` (half-light), pixels;
        ``position_angle``, degrees east of north for an image with north up and east left;
        ``flux`` (Kron) in the image's unit; and the segmentation map [y, x]: 0 is sky, i + 1
        the object in row i.

    Raises:
        ValueError: not a two-dimensional image, or one without any measured pixel.

    Example:
        >>> y, x = np.mgrid[:64, :64]
        >>> noise = np.random.default_rng(0).normal(0, 1, (64, 64))
        >>> table, _ = detect(noise + 50 * np.exp(-((x - 20) ** 2 + (y - 40) ** 2) / 18))
        >>> len(table), round(float(table["x"][0].value)), round(float(table["y"][0].value))
        (1, 20, 40)
    """
    if image.ndim != 2:
        raise ValueError(
            f"image has shape {image.shape}; detection expects [y, x]: sum or choose a channel"
        )
    mask = ~np.isfinite(image)
    if mask.all():
        raise ValueError("no pixel of the image is measured (all NaN); check the file")
    pixels = np.ascontiguousarray(np.where(mask, 0, image), dtype=np.float64)
    sky = sep.Background(pixels, mask=mask, bw=64, bh=64)
    light = pixels - sky
    found, segments = sep.extract(
        light,
        threshold,
        err=sky.rms(),
        mask=mask,
        minarea=minimum_area,
        deblend_nthresh=32,
        deblend_cont=0.005,
        segmentation_map=True,
    )
    x, y, a, b, theta = (found[name] for name in ("x", "y", "a", "b", "theta"))
    # Neighbours' pixels are left out, or a faint object would be given their light.
    alone = {"mask": mask, "segmap": segments, "seg_id": np.arange(1, len(found) + 1)}
    kron, _ = sep.kron_radius(light, x, y, a, b, theta, 6.0, **alone)
    kron = np.where(np.isfinite(kron) & (kron > 0), 2.5 * kron, 2.5).clip(2.5, 15)
    flux, _, _ = sep.sum_ellipse(light, x, y, a, b, theta, kron, subpix=5, **alone)
    radius, _ = sep.flux_radius(light, x, y, kron * a, 0.5, subpix=5, **alone)
    # sep's theta runs from +x towards +y; north is +y and east is -x.
    angle = (np.degrees(theta) - 90) % 180
    table = QTable(
        {
            "object_id": np.arange(1, len(found) + 1),
            "x": x * u.pix,
            "y": y * u.pix,
            "semi_major": a * u.pix,
            "semi_minor": b * u.pix,
            "radius": radius * u.pix,
            "position_angle": angle * u.deg,
            "flux": flux,
        }
    )
    for name, text in (
        ("x", "centroid, pixel centres at integers, from 0"),
        ("y", "centroid, pixel centres at integers, from 0"),
        ("semi_major", "second-moment semi-major axis"),
        ("semi_minor", "second-moment semi-minor axis"),
        ("radius", "half-light radius"),
        ("position_angle", "major axis, east of north if north is up and east left"),
        ("flux", "Kron flux, in the image's unit"),
    ):
        table[name].info.description = text
    return table, segments
