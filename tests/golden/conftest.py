"""Arrays of BERG's own code and the writer of the random weights behind them."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def golden_folder():
    """Folder that BOLDCAST_GOLDEN names."""
    return Path(os.environ["BOLDCAST_GOLDEN"]).resolve()


@pytest.fixture(scope="session")
def golden(golden_folder):
    """Read one file of arrays by its name."""

    def load(name):
        with np.load(golden_folder / f"{name}.npz", allow_pickle=False) as arrays:
            return dict(arrays)

    return load


@pytest.fixture(scope="session")
def writer(golden_folder):
    """The module that writes the weights."""
    spec = importlib.util.spec_from_file_location(
        "golden_writer", golden_folder / "make_synthetic.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
