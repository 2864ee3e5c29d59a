"""Parallel: several processes that train one network, started by ``accelerate launch``.

Each process takes its slice of every batch and the gradients are averaged. That is what
DistributedDataParallel does, without its wrapper: a task may call parts of the network, and
adversarial players train different parts in turn. With one process nothing here costs anything.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast, broadcast_object_list, parse_flag_from_env, reduce
from torch import Tensor, nn

T = TypeVar("T")


def machine() -> PartialState:
    """This process's device and its place among the others.

    The CPU if there is nothing faster, or if ``accelerate launch --cpu`` asks for it.
    """
    only_cpu = not torch.accelerator.is_available() or parse_flag_from_env("ACCELERATE_USE_CPU")
    return PartialState(cpu=only_cpu)


def share(rows: Tensor, state: PartialState) -> Tensor:
    """This process's slice of a batch's rows."""
    if state.num_processes == 1:
        return rows
    return rows.tensor_split(state.num_processes)[state.process_index]


def average(tensors: Sequence[Tensor], state: PartialState) -> None:
    """Replace tensors, in place, by their means over all processes, in one message."""
    if state.num_processes == 1 or not tensors:
        return
    flat = reduce(torch.cat([tensor.reshape(-1) for tensor in tensors]), "mean")
    for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def agree(net: nn.Module, state: PartialState) -> None:
    """Give every process the main process's parameters and buffers."""
    if state.num_processes > 1:
        for tensor in net.state_dict().values():
            broadcast(tensor)


def ask_main(measure: Callable[[], T], state: PartialState) -> T:
    """What the main process measures, told to all: so that all take the same decision."""
    if state.num_processes == 1:
        return measure()
    return broadcast_object_list([measure() if state.is_main_process else None])[0]
