"""Flags: what is known to be wrong with, or assumed about, an object's pixels."""

from enum import IntFlag


class Flag(IntFlag):
    """Bits of a batch's and a catalogue's ``flags`` column; 0 is clean.

    Example:
        >>> Flag.describe(5)
        'variance_estimated, unreadable'
    """

    VARIANCE_ESTIMATED = 1
    """the file has no noise map: one sigma per channel was estimated from the image"""
    DISPLAY_IMAGE = 2
    """JPEG or PNG: the flux scale and its linearity are not known"""
    UNREADABLE = 4
    """the file could not be read; the row holds no measurement"""
    NO_PIXELS = 8
    """every pixel is NaN, masked or of one value; the row holds no measurement"""
    MISSING_PIXELS = 16
    """some pixels, or a whole band, are missing"""
    RESIZED = 32
    """cropped, padded or resampled to the size of the network's stamp"""
    EDGE = 64
    """the stamp reaches over the edge of its image"""
    OUT_OF_DOMAIN = 128
    """less like the training data than 99 % of held-out training-like objects"""
    NO_WCS = 256
    """position angles assume north up and east left"""
    TOO_LARGE = 512
    """the object is larger than its stamp"""
    COSMIC_RAY = 1024
    """crossed by a cosmic ray, masked or not"""
    BAD_PIXELS = 2048
    """bad columns or hot pixels"""
    SATURATED = 4096
    """pixels beyond the full well, and the columns they bleed into"""
    TRAIL = 8192
    """crossed by the trail of a satellite, masked or not"""
    STRAY_LIGHT = 16384
    """on a gradient or an offset that the sky subtraction left behind"""
    NOTHING_SEEN = 32768
    """no light stands out of the noise in the middle of the stamp: the answer is a guess"""

    @classmethod
    def describe(cls, value: int) -> str:
        """Names of the bits set in an integer, in lower case and separated by commas."""
        return ", ".join((flag.name or "").lower() for flag in cls(value))


UNMEASURED = Flag.UNREADABLE | Flag.NO_PIXELS
"""Rows with one of these bits carry NaN, never a number that looks like an answer."""
