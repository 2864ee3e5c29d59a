"""Export: a network as a file that runs without Deepfield, by torch.export or ONNX."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from deepfield.nouns.batch import Batch
from deepfield.nouns.whole import whole

OPSET = 18


class Alone(nn.Module):
    """A module of one tensor, whose argument is called x.

    Example:
        >>> Alone(nn.ReLU())(x=torch.tensor([-1.0, 1.0]))
        tensor([0., 1.])
    """

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        """What the module makes of it."""
        return self.part(x)


class Tensors(nn.Module):
    """A network of batches as one of tensors: values, variance and PSF in, named tensors out.

    Args:
        net: batch -> a tensor, or a tuple of tensors and dataclasses of tensors.
        example: a batch; what it says of the survey stays as it is.

    Example:
        >>> import numpy as np
        >>> from deepfield.nets.stretch import AsinhStretch
        >>> values = torch.zeros(2, 1, 8, 8)
        >>> batch = Batch(np.array(["a", "b"]), values, ("r",), variance=values + 1)
        >>> net = Tensors(AsinhStretch(), batch)
        >>> {name: x.shape for name, x in net(**net.inputs(batch)).items()}
        {'output': torch.Size([2, 2, 8, 8])}
    """

    def __init__(self, net: nn.Module, example: Batch) -> None:
        super().__init__()
        self.net = net
        # Only what all objects share may stay; the others' rows would not fit other batches.
        self.shared = replace(example, sky_position=None, flags=None, truth=None, psf=None)
        self.psf = example.psf if self._asks_for_psf(example) else None

    def inputs(self, batch: Batch) -> dict[str, Tensor]:
        """The tensors of a batch, an object each row; no PSF if the network does without."""
        found = {"values": batch.values}
        if batch.variance is not None:
            found["variance"] = batch.variance.expand_as(batch.values).contiguous()
        if self.psf is not None and batch.psf is not None:
            kernel = batch.psf.kernel
            found["psf"] = kernel.expand(len(batch), *kernel.shape[1:]).contiguous()
        return found

    def forward(
        self, values: Tensor, variance: Tensor | None = None, psf: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Named tensors, objects first."""
        given = copy(self.psf)
        if given is not None:
            # Its constructor looks at the values, which a graph cannot.
            object.__setattr__(given, "kernel", psf)
        return named(self.net(replace(self.shared, values=values, variance=variance, psf=given)))

    def _asks_for_psf(self, example: Batch) -> bool:
        first = torch.arange(min(2, len(example)))
        try:
            with torch.no_grad():
                self.net(replace(example.take(first), psf=None))
        except ValueError:
            return True
        return False


def named(output: Any) -> dict[str, Tensor]:
    """Tensors of what a network returned, by the names of their fields.

    Raises:
        ValueError: it holds something that is no tensor.

    Example:
        >>> named(torch.ones(2))
        {'output': tensor([1., 1.])}
    """
    found: dict[str, Tensor] = {}
    for part in output if isinstance(output, tuple) else (output,):
        if isinstance(part, Tensor):
            found["output"] = part
        elif is_dataclass(part):
            found |= {field.name: getattr(part, field.name) for field in fields(part)}
        else:
            found[type(part).__name__] = part
    if odd := [name for name, value in found.items() if not isinstance(value, Tensor)]:
        raise ValueError(
            f"{', '.join(odd)} of the network's answer is no tensor; export its trunk"
        )
    return found


def exported(part: nn.Module, inputs: Mapping[str, Tensor]) -> ExportedProgram:
    """The graph of a module for any number of objects.

    Args:
        part: in evaluation mode it is what is exported.
        inputs: an example of every argument, by name, at least 2 objects.

    Raises:
        ValueError: its way depends on the values, so that it has no graph.

    Example:
        >>> program = exported(Alone(nn.Linear(3, 2)), {"x": torch.zeros(4, 3)})
        >>> program.module()(x=torch.zeros(7, 3)).shape
        torch.Size([7, 2])
    """
    objects = Dim("object", min=1, max=1 << 20)
    shapes = {name: {0: objects} for name in inputs}
    try:
        with torch.no_grad():
            return torch.export.export(
                part.eval(), (), dict(inputs), dynamic_shapes=shapes, strict=False
            )
    except Exception as error:  # whatever tracing meets: it is the network that cannot be traced
        said = " ".join(str(error).split())[:160]
        raise ValueError(f"the network has no graph that could be exported: {said}") from error


def onnx_bytes(program: ExportedProgram, outputs: Sequence[str] = ("output",)) -> bytes:
    """An ONNX model, weights included; ``outputs`` are the names of what it gives.

    Raises:
        ImportError: onnx and onnxscript are missing (``pip install "deepfield[deploy]"``).
    """
    # With dynamo torch says on the terminal what it does; a library does not.
    made = torch.onnx.export(
        program, (), dynamo=True, opset_version=OPSET, verbose=False, output_names=outputs
    )
    assert made is not None
    return made.model_proto.SerializeToString()


def write(program: ExportedProgram, path: Path, outputs: Sequence[str] = ("output",)) -> None:
    """Write ``.pt2`` (runs in PyTorch of the same version) or ``.onnx`` (runs anywhere).

    Raises:
        ValueError: another suffix.
    """
    if path.suffix == ".onnx":
        content = onnx_bytes(program, outputs)
    elif path.suffix == ".pt2":
        stream = BytesIO()
        torch.export.save(program, stream)
        content = stream.getvalue()
    else:
        raise ValueError(f"cannot export to {path.name}; expected a name that ends .onnx or .pt2")
    with whole(path) as temporary:
        temporary.write_bytes(content)


def opened(path: Path) -> Callable[[Mapping[str, Tensor]], list[Tensor]]:
    """What runs an exported file: its outputs, in order, for named inputs.

    Raises:
        ImportError: ONNX Runtime is missing (``pip install "deepfield[deploy]"``).
    """
    if path.suffix == ".pt2":
        module = torch.export.load(path).module()

        def torch_run(inputs: Mapping[str, Tensor]) -> list[Tensor]:
            with torch.no_grad():
                found = module(**inputs)
            return list(found.values()) if isinstance(found, dict) else [found]

        return torch_run
    session = import_module("onnxruntime").InferenceSession(
        path, providers=["CPUExecutionProvider"]
    )

    def onnx_run(inputs: Mapping[str, Tensor]) -> list[Tensor]:
        given = {name: value.numpy() for name, value in inputs.items()}
        return [torch.from_numpy(value) for value in session.run(None, given)]

    return onnx_run
