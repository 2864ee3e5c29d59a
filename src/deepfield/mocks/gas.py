"""Gas: baryons painted on dark matter with physics that is not local (Harrington+21)."""

from deepfield.data.simulated_fields import SimulatedFields
from deepfield.sky.painted_gas import PaintedGas

CELL = 10 / 64
"""Mpc/h: the filaments that gas follows are resolved"""


def gas(
    *,
    objects: dict[str, int],
    seed: int = 0,
    dimensions: int = 2,
    size: int = 64,
    maps: tuple[str, ...] = ("flux",),
) -> SimulatedFields:
    """Dark matter, and the gas, temperature and Lyman-alpha flux that it would have.

    Args:
        objects: how many in each split.
        seed: another seed is another universe.
        dimensions: 2 or 3.
        size: cells along each axis.
        maps: gas_density, gas_temperature, gas_velocity, flux.
    """
    field = PaintedGas(dimensions=dimensions, side=size, box=CELL * size)
    return SimulatedFields(objects, seed, field, maps=maps)
