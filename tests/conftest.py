"""For every test."""

import os
import sys

import pytest


def pytest_collection_modifyitems(config, items):
    """Leave out what needs the golden folder where there is none."""
    if os.environ.get("BOLDCAST_GOLDEN"):
        return
    left_out = [item for item in items if item.get_closest_marker("golden")]
    if left_out:
        items[:] = [item for item in items if not item.get_closest_marker("golden")]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True)
def _own_main():
    """Take back ``__main__``, which a tested script replaces and child processes would run."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept
