"""Whole: a file is replaced in one step, even if the process is killed while it writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path | str) -> Iterator[Path]:
    """A path to write to; what lies there takes the place of ``path`` when the block ends well.

    The temporary file always has the same name, so that what a killed run leaves behind is
    overwritten by the next one and never piles up, and the same suffix, which writers look at.
    Missing folders are made; after an error whatever was at ``path`` is as before.

    Args:
        path: where the file shall be.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "run" / "a.txt"
        >>> with whole(file) as temporary:
        ...     _ = temporary.write_text("all of it")
        >>> file.read_text(), len(list(file.parent.iterdir()))
        ('all of it', 1)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part.{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
