"""Quantity: what a column, a label or a map means."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["invariant", "angle", "length", "flux", "point", "map"]


@dataclass(frozen=True)
class Quantity:
    """What a column or map means, and how it changes when the image is transformed.

    Args:
        name: standard name, e.g. ``redshift`` or ``radius_disc``.
        unit: an astropy unit string; empty for pure numbers and classes.
        kind: ``invariant`` (a class, a redshift), ``angle`` (turns with the image),
            ``length`` and ``flux`` (an augmentation may not zoom), ``point`` and ``map``
            (move with the pixels).
        classes: the class names in the order of the label integers; empty for numbers.
        description: one line for the catalogue's column.

    Raises:
        ValueError: a class name is repeated, or there is only one class.

    Example:
        >>> Quantity("kind", classes=("smooth", "spiral")).classes
        ('smooth', 'spiral')
    """

    name: str
    unit: str = ""
    kind: Kind = "invariant"
    classes: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"{self.name}: class names are repeated: {', '.join(self.classes)}")
        if len(self.classes) == 1:
            raise ValueError(
                f"{self.name}: only one class ({self.classes[0]}); a classifier needs at least two"
            )
