"""One thread per worker, and where the real data are."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real galaxies: ``DEEPFIELD_DATA``, or ``../shared/data``."""
    folder = Path(os.environ.get("DEEPFIELD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set DEEPFIELD_DATA")
    return folder
