"""A page on a fake model: no weights, no waiting."""

import pytest

from app import cache
from models.engine import Engine
from tests.fakes import FakeEncodingModel


@pytest.fixture
def model():
    """The fake that answers; its ``error`` and ``gate`` are the tests' levers."""
    return FakeEncodingModel()


@pytest.fixture
def engine(model, monkeypatch):
    """An engine of this test's own behind the cache."""
    one = Engine(load=lambda card: model)
    monkeypatch.setattr(cache, "engine", lambda: one)
    yield one
    model.gate.set()
    one.close()
