"""How the pages are built: python -m sphinx docs out/site (needs the extra `docs`)."""

import sys
from pathlib import Path

from deepfield import __version__

sys.path.insert(0, str(Path(__file__).parent))  # for shown.py

project = "Deepfield"
author = "The Deepfield developers"
copyright = "2026, The Deepfield developers"
version = release = __version__

extensions = ["myst_parser", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["tutorials/*"]
html_theme = "furo"
html_title = "Deepfield"
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["tables.css"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "built",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("shown.figure",),
    "capture_repr": (),
    "first_notebook_cell": "%matplotlib inline",
    "download_all_examples": False,
}
