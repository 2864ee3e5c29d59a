"""Block rules: what each operation of a network does with the blocks that windows change.

A rule gets the operation, the tape and the operation's arguments, with blocks for covered tensors,
and returns blocks or plain tensors; None where it does not apply, and the full copies are taken.
Whatever a rule gives equals the operation on the full copies up to rounding.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch

from deepfield.explain.dense_rule import product
from deepfield.explain.map_rules import batch_norm, concatenate, pad, total
from deepfield.explain.pointwise_rule import pointwise
from deepfield.explain.sliding_rules import average_pool, convolution, max_pool
from deepfield.explain.tape import Tape

Rule = Callable[[Tape, tuple[Any, ...], dict[str, Any]], Any]

aten = torch.ops.aten
RULES: dict[Any, Callable[..., Any]] = {
    aten.convolution.default: convolution,
    aten.max_pool2d_with_indices.default: max_pool,
    aten.avg_pool2d.default: average_pool,
    aten.native_batch_norm.default: batch_norm,
    aten._native_batch_norm_legit_no_training.default: batch_norm,
    aten.cudnn_batch_norm.default: batch_norm,
    aten.cat.default: concatenate,
    aten.constant_pad_nd.default: pad,
    aten.addmm.default: product,
    aten.mm.default: product,
    aten.sum.dim_IntList: total,
    aten.mean.dim: total,
}


@cache
def rule_of(operation: Any) -> Rule | None:
    """The rule of an operation (``torch.ops.aten``); None if it may look at everything.

    Args:
        operation: in place or not; the rule gives its result, and writes nowhere.

    Example:
        >>> rule_of(torch.ops.aten.softmax.int) is None
        True
    """
    if operation in RULES:
        return partial(RULES[operation], operation)
    if torch.Tag.nondeterministic_seeded in operation.tags:
        return None
    if operation._schema.is_mutable:
        name = operation._schema.name.removeprefix("aten::").removesuffix("_")
        operation = getattr(getattr(aten, name, None), operation._overloadname, None)
    if operation is not None and torch.Tag.pointwise in operation.tags:
        return partial(pointwise, operation)
    return None
