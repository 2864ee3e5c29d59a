"""Checkpoint: tensors and what is known of them in one file, without pickles."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from deepfield.nouns.whole import whole

HEADER = "deepfield"


def save_weights(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a safetensors file with metadata as JSON in its header: whole, or not at all.

    Args:
        path: of the file; what was there is replaced.
        tensors: by name, on any device.
        metadata: anything that JSON can hold.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.safetensors"
        >>> save_weights(file, {"bias": torch.ones(2)}, {"epoch": 3})
        >>> load_weights(file)
        ({'bias': tensor([1., 1.])}, {'epoch': 3})
    """
    # Copies: safetensors refuses tensors that share memory, as tied weights do.
    copies = {
        name: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, value in tensors.items()
    }
    with whole(path) as temporary:
        save_file(copies, temporary, metadata={HEADER: json.dumps(metadata)})
        temporary.chmod(0o644)  # safetensors lets nobody else read it


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a safetensors file; nothing in it can run code.

    Returns:
        tensors by name on the CPU, and the metadata (empty if another program wrote the file).

    Raises:
        ValueError: there is no such file, or it is not a safetensors file (a pickle, say).
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            header = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a safetensors file (a pickle? cut short?): {error}; weights are only "
            "read from safetensors, which cannot run code: convert it with safetensors.torch"
        ) from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        return tensors, json.loads(header.get(HEADER, "{}"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} has a header that is not JSON: {error}") from None


def flatten(tree: Any, prefix: str) -> tuple[Any, dict[str, Tensor]]:
    """Split nested dicts, lists and tuples into a tree for JSON and named tensors.

    Keys keep their types, which JSON alone would turn into strings: an optimizer numbers its
    parameters.

    Args:
        tree: for example ``optimizer.state_dict()``.
        prefix: of the tensors' names.

    Raises:
        ValueError: a leaf that is neither a tensor nor a number, text, bool or None.

    Example:
        >>> tree, tensors = flatten({0: [torch.ones(1), 2.5]}, "adam")
        >>> list(tensors), unflatten(tree, tensors)
        (['adam.0.0'], {0: [tensor([1.]), 2.5]})
    """
    if isinstance(tree, Tensor):
        return {"tensor": prefix}, {prefix: tree}
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree, {}
    if not isinstance(tree, dict | list | tuple):
        raise ValueError(
            f"{prefix} is a {type(tree).__name__}; a checkpoint holds tensors, numbers and text"
        )
    pairs = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
    parts = [flatten(value, f"{prefix}.{key}") for key, value in pairs]
    tensors = {name: tensor for _, part in parts for name, tensor in part.items()}
    if isinstance(tree, dict):
        branches = [[key, part] for (key, _), (part, _) in zip(pairs, parts, strict=True)]
        return {"dict": branches}, tensors
    return {type(tree).__name__: [part for part, _ in parts]}, tensors


def unflatten(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of ``flatten``."""
    if not isinstance(tree, dict):
        return tree
    ((kind, value),) = tree.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {key: unflatten(part, tensors) for key, part in value}
    parts = [unflatten(part, tensors) for part in value]
    return tuple(parts) if kind == "tuple" else parts
