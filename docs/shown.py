"""Finds the figure that a block of a tutorial ends with, for sphinx-gallery."""

from pathlib import Path
from weakref import WeakSet

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

DRAWN: WeakSet[Figure] = WeakSet()
LAST = "___"
"""where sphinx-gallery keeps the value of a block's last expression, until the next has one"""


def figure(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Write the figure, and return how a page includes it.

    Deepfield's figures are plain objects without pyplot behind them; a notebook shows the one that
    a cell ends with, and so does the page.

    Args:
        block: of the script, not looked at.
        block_vars: its names, and where images go.
        gallery_conf: sphinx-gallery's settings.
    """
    found = block_vars["example_globals"].get(LAST)
    if not isinstance(found, Figure) or found in DRAWN:
        return ""
    DRAWN.add(found)
    path = Path(next(block_vars["image_path_iterator"]))
    found.savefig(path, dpi=120)
    return figure_rst([str(path)], gallery_conf["src_dir"])
