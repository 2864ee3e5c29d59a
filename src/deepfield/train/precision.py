"""Precision: the number format that the device at hand is fastest in."""

import platform

import torch


def precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it natively, float32 elsewhere.

    Processors that only emulate bfloat16 are 10 to 20 times slower in it, and torch does not
    refuse: so the instructions themselves are asked for (AVX512-BF16 or AMX on x86). Weights,
    optimizer and losses stay in float32 either way.

    Args:
        device: where the network runs.

    Example:
        >>> precision(torch.device("cpu")) in (torch.float32, torch.bfloat16)
        True
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu" and platform.machine().lower() in ("x86_64", "amd64"):
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        native = False
    return torch.bfloat16 if native else torch.float32
