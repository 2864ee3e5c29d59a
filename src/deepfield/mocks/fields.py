"""Fields: density fields whose information is known exactly (Villaescusa-Navarro+20)."""

from deepfield.data.simulated_fields import SimulatedFields
from deepfield.sky.fields import DensityField


def fields(
    *, objects: dict[str, int], seed: int = 0, dimensions: int = 2, size: int = 64
) -> SimulatedFields:
    """Lognormal fields of a power spectrum k^-n with a variance and a slope n to infer.

    Args:
        objects: how many in each split.
        seed: another seed is another universe.
        dimensions: 2 or 3.
        size: cells along each axis.
    """
    return SimulatedFields(objects, seed, DensityField(dimensions=dimensions, side=size))
