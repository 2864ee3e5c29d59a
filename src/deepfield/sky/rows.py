"""Rows: dataclasses of tensors, one row an object, that can be indexed."""

from dataclasses import fields
from typing import Any, TypeVar

from torch import Tensor

Table = TypeVar("Table")


def take(table: Table, indices: Tensor) -> Table:
    """Some of the objects of a dataclass whose fields are tensors, or such dataclasses.

    Args:
        table: every tensor [object, ...].
        indices: [object] int or bool.

    Example:
        >>> import torch
        >>> from deepfield.sky.rings import Ring
        >>> ring = Ring(torch.arange(3.0), torch.ones(3), torch.zeros(3))
        >>> take(ring, torch.tensor([2, 0])).radius.tolist()
        [2.0, 0.0]
    """
    taken: dict[str, Any] = {}
    for field in fields(table):  # type: ignore[arg-type]
        value = getattr(table, field.name)
        taken[field.name] = value[indices] if isinstance(value, Tensor) else take(value, indices)
    return type(table)(**taken)
