"""One self-contained HTML page."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from deepfield.nouns.whole import whole
from deepfield.report.parts import Part

TEMPLATES = Environment(
    loader=PackageLoader("deepfield.report", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(title: str, parts: Sequence[Part], *, subtitle: str = "") -> str:
    """A page that asks the network for nothing: style and pictures are inside.

    Args:
        title: of the page and its tab.
        parts: from top to bottom; every text in them is escaped.
        subtitle: a line under the title.

    Returns:
        HTML.

    Example:
        >>> from deepfield.report.parts import Text
        >>> "a &lt; b" in page("Sizes", [Text("a < b")])
        True
    """
    template = TEMPLATES.get_template("page.html.jinja")
    return template.render(title=title, subtitle=subtitle, parts=parts)


def write_page(path: str | Path, title: str, parts: Sequence[Part], *, subtitle: str = "") -> Path:
    """Write a page; whoever reads the path meanwhile finds the old page or the new one.

    Args:
        path: of the HTML file; missing folders are made.
        title, parts, subtitle: as in ``page``.

    Returns:
        the path.

    Raises:
        OSError: the file cannot be written.
    """
    html = page(title, parts, subtitle=subtitle)
    with whole(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return Path(path)
