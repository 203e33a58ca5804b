"""For every test."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _own_main():
    """Take back ``__main__``, which a tested script replaces and child processes would run."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept
