"""The door: finds verbs and recipes by file name and imports them only when they are called.

Help must be quick, so signatures and docstrings are read from the source text, and PyTorch is
imported when a verb runs, not before.
"""

import ast
import os
import sys
from dataclasses import dataclass, field, make_dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from deepfield import __version__

HERE = Path(__file__).parent
SHELL = {"Path": Path, "Literal": Literal}
"""names that annotations and defaults may use, beside builtins and constants of their file"""


@dataclass(frozen=True)
class Signature:
    """A function of ours, read from its source text.

    Args:
        summary: first line of its docstring.
        fields: of a dataclass with its arguments.
        settings_of: the folder whose functions take further keyword arguments: a verb with
            ``**settings`` passes them on to the ``recipe`` or ``mock`` that comes first.
    """

    summary: str
    fields: list[tuple[str, Any, Any]]
    settings_of: str | None


def names(folder: str) -> list[str]:
    """Public modules of a folder of the package."""
    return sorted(p.stem for p in (HERE / folder).glob("*.py") if not p.stem.startswith("_"))


def read(folder: str, name: str) -> Signature:
    """The function named like its file.

    Arguments without an annotation that a shell can give (arrays, sources) are left out.
    """
    tree = ast.parse((HERE / folder / f"{name}.py").read_text())
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    docstring = ast.get_docstring(function) or ""
    spec, helps, fields = function.args, described(docstring), []
    known = {**SHELL, **constants(tree)}
    bare = len(spec.args) - len(spec.defaults)
    for i, (argument, default) in enumerate(
        zip(
            spec.args + spec.kwonlyargs,
            [None] * bare + spec.defaults + spec.kw_defaults,
            strict=True,
        )
    ):
        assert argument.annotation is not None
        try:
            kind = eval(ast.unparse(argument.annotation), dict(known))  # our own source
        except NameError:
            continue
        if i < len(spec.args):
            kind = Annotated[kind, tyro.conf.Positional]
        kind = Annotated[kind, tyro.conf.arg(help=helps.get(argument.arg, ""))]
        value = field()
        if default is not None:
            value = field(default=eval(ast.unparse(default), dict(known)))
        fields.append((argument.arg, kind, value))
    settings_of = f"{fields[0][0]}s" if spec.kwarg is not None else None
    return Signature(docstring.partition("\n")[0], fields, settings_of)


def constants(tree: ast.Module) -> dict[str, Any]:
    """Numbers and texts that a module names at its top."""
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def described(docstring: str) -> dict[str, str]:
    """What the ``Args:`` section says of each argument.

    Example:
        >>> described("Do.\\n\\nArgs:\\n    a: first\\n        of two.\\n    b: second.\\n")
        {'a': 'first of two.', 'b': 'second.'}
    """
    texts: dict[str, str] = {}
    for line in docstring.partition("Args:\n")[2].partition("\n\n")[0].splitlines():
        name, colon, rest = line.strip().partition(": ")
        if colon and len(line) - len(line.lstrip()) == 4:
            texts[name] = rest
        elif texts:
            texts[next(reversed(texts))] += f" {line.strip()}"
    return texts


def overview() -> str:
    """The help of the bare command."""
    verbs = {name: read("verbs", name).summary for name in names("verbs")}
    width = max(map(len, verbs))
    lines = [f"  {name:{width}}  {summary}" for name, summary in verbs.items()]
    return "\n".join(
        [
            f"deepfield {__version__}: survey pixels in, a science catalogue out",
            "",
            "usage: deepfield VERB [arguments]",
            "",
            *lines,
            "",
            "deepfield VERB --help tells a verb's arguments",
            "recipes: " + ", ".join(names("recipes")),
            "mock skies: " + ", ".join(names("mocks")),
        ]
    )


def main() -> None:
    """Run ``deepfield VERB ...``."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        print(overview())
        return
    if words[0] == "--version":
        print(__version__)
        return
    verb, rest = words[0], words[1:]
    if verb not in names("verbs"):
        sys.exit(f"deepfield: no verb {verb!r}; there is {', '.join(names('verbs'))}")
    signature = read("verbs", verb)
    fields = signature.fields
    if signature.settings_of and rest and rest[0] in names(signature.settings_of):
        own = {name for name, _, _ in fields}
        fields = fields + [
            f for f in read(signature.settings_of, rest[0]).fields if f[0] not in own
        ]
    # Required arguments first, as a dataclass wants them; all options are keywords anyway.
    given = make_dataclass(verb, fields, kw_only=True)
    arguments: Any = tyro.cli(
        given, args=rest, prog=f"deepfield {verb}", description=signature.summary
    )
    # Before PyTorch starts: its thread pools are slower than one thread on small tensors.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    function = getattr(import_module(f"deepfield.verbs.{verb}"), verb)
    try:
        function(**vars(arguments))
    except (ValueError, FloatingPointError, FileNotFoundError) as error:
        sys.exit(f"deepfield {verb}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"deepfield {verb}: interrupted")


if __name__ == "__main__":
    main()
