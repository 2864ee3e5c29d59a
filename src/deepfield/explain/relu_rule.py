"""ReLU rules: another way back through every ReLU, for deconvnet and guided backpropagation."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

RELUS = {torch.relu, torch.relu_, F.relu, F.relu_, Tensor.relu, Tensor.relu_}


class ReluRule(TorchFunctionMode):
    """Inside this context every ReLU hands back what the rule makes of it.

    Modules and functions, in place or not, shared or not: the network is left as it is. Backwards
    must run on what was computed inside.

    Args:
        rule: (input, arriving signal) -> signal that goes on to the input.

    Example:
        >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
        >>> with ReluRule(lambda entered, arriving: arriving):
        ...     y = torch.nn.ReLU(inplace=True)(x + 0)
        >>> torch.autograd.grad(y.sum(), x)[0].tolist()
        [1.0, 1.0]
    """

    def __init__(self, rule: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.rule = rule

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Replace ReLUs, leave all else."""
        if func in RELUS:
            return _Relu.apply(args[0] if args else (kwargs or {})["input"], self.rule)
        return func(*args, **(kwargs or {}))


class _Relu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rule: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        ctx.save_for_backward(x)
        ctx.rule = rule
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *arriving: Tensor) -> tuple[Tensor, None]:
        return ctx.rule(ctx.saved_tensors[0], arriving[0]), None
