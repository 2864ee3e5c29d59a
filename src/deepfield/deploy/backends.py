"""Backends: ways to run the tensor part of a network, one function each.

A backend takes a module in evaluation mode and an example of its input and gives back a function
of tensors, without gradients, for any number of objects. It raises ``ImportError`` where its
library, and ``ValueError`` where the processor, is missing. All use as many threads as PyTorch.
"""

import platform
import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from deepfield.deploy.export import Alone, exported, onnx_bytes

Run = Callable[[Tensor], Tensor]
Backend = Callable[[nn.Module, Tensor], Run]


def eager(part: nn.Module, example: Tensor) -> Run:
    """As it was trained: float32, layer by layer; what all others are measured against."""
    return _without_gradients(part)


def channels_last(part: nn.Module, example: Tensor) -> Run:
    """Float32 with the channels of a pixel side by side, which convolutions read fastest.

    Raises:
        ValueError: the input is no image.
    """
    run = _without_gradients(_last(part, example))
    return lambda x: run(x.contiguous(memory_format=torch.channels_last))


def bfloat16(part: nn.Module, example: Tensor) -> Run:
    """Products in bfloat16 where the processor multiplies it; images with channels last.

    Raises:
        ValueError: the processor would only emulate it, ten times slower.
    """
    if not multiplies_bfloat16():
        raise ValueError("this processor has no bfloat16")
    run = channels_last(part, example) if example.ndim == 4 else eager(part, example)

    def half(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return run(x).float()

    return half


def compiled(part: nn.Module, example: Tensor) -> Run:
    """``torch.compile`` with frozen weights; needs a C++ compiler, and tens of seconds."""
    return _fixed(_frozen(part), example)


def compiled_bfloat16(part: nn.Module, example: Tensor) -> Run:
    """``torch.compile`` of the network in bfloat16.

    Raises:
        ValueError: the processor would only emulate it.
    """
    if not multiplies_bfloat16():
        raise ValueError("this processor has no bfloat16")
    run = _frozen(deepcopy(part).bfloat16())
    return _fixed(lambda x: run(x.bfloat16()).float(), example)


def onnx_runtime(part: nn.Module, example: Tensor) -> Run:
    """ONNX Runtime in float32."""
    runtime = import_module("onnxruntime")
    runtime.disable_telemetry_events()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A thread that spins while it waits takes the processor from all others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = runtime.InferenceSession(
        _onnx(part, example), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda x: torch.from_numpy(session.run(None, {name: x.contiguous().numpy()})[0])


def openvino(part: nn.Module, example: Tensor) -> Run:
    """OpenVINO in float32."""
    return _openvino(part, example, "f32")


def openvino_bfloat16(part: nn.Module, example: Tensor) -> Run:
    """OpenVINO in bfloat16.

    Raises:
        ValueError: the processor would only emulate it.
    """
    if not multiplies_bfloat16():
        raise ValueError("this processor has no bfloat16")
    return _openvino(part, example, "bf16")


QUICK: Mapping[str, Backend] = {
    "eager": eager,
    "channels_last": channels_last,
    "bfloat16": bfloat16,
    "onnx_runtime": onnx_runtime,
    "openvino": openvino,
    "openvino_bfloat16": openvino_bfloat16,
}
"""those that are built in seconds"""
BACKENDS: Mapping[str, Backend] = {
    **QUICK,
    "compiled": compiled,
    "compiled_bfloat16": compiled_bfloat16,
}


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16 (AVX512-BF16 or AMX on x86).

    Example:
        >>> multiplies_bfloat16() in (True, False)
        True
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _last(part: nn.Module, example: Tensor) -> nn.Module:
    if example.ndim != 4:
        raise ValueError("its input is no image")
    return deepcopy(part).to(memory_format=torch.channels_last)


def _without_gradients(part: nn.Module) -> Run:
    part = part.eval()

    def run(x: Tensor) -> Tensor:
        with torch.inference_mode():
            return part(x)

    return run


def _frozen(part: nn.Module) -> Run:
    frozen: Run = torch.compile(part.eval(), options={"freezing": True})

    def run(x: Tensor) -> Tensor:
        with torch.no_grad():  # freezing wants this one
            return frozen(x)

    return run


def _fixed(run: Run, example: Tensor) -> Run:
    """Batches of always the same size: another one would be compiled again."""
    size = len(example)

    def padded(x: Tensor) -> Tensor:
        parts = []
        for some in x.split(size):
            gap = [0] * (2 * x.ndim - 1) + [size - len(some)]
            parts.append(run(nn.functional.pad(some, gap).contiguous())[: len(some)])
        return torch.cat(parts)

    padded(example)
    return padded


def _onnx(part: nn.Module, example: Tensor) -> bytes:
    import_module("onnxscript")
    return onnx_bytes(exported(Alone(part), {"x": example[:2].contiguous()}))


def _openvino(part: nn.Module, example: Tensor, precision: str) -> Run:
    # Importing openvino would report to its makers; without this module it has nothing to
    # report with.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    core: Any = import_module("openvino").Core()
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }
    model = core.compile_model(core.read_model(_onnx(part, example)), "CPU", settings)
    request = model.create_infer_request()
    return lambda x: torch.from_numpy(request.infer([x.contiguous().numpy()])[0].copy())
