"""For every test."""

import os
import shutil
import sys

import huggingface_hub.constants  # noqa: F401 - reads HF_HUB_OFFLINE once, before a test sets it
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


def pytest_report_header(config):
    """Say what cannot run on this machine; an error where everything is required."""
    if shutil.which("node"):
        return None
    if os.environ.get("BOLDCAST_REQUIRE_BROWSER") == "1":
        raise pytest.UsageError("BOLDCAST_REQUIRE_BROWSER=1, but no Node.js was found.")
    return "No Node.js found: the tests of the browser's own modules do not run."
