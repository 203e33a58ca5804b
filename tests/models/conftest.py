"""What the tests of the BERG-shaped interface share."""

import pytest

from models import BERG
from tests.berg_samples import write_berg_folder


@pytest.fixture(scope="session")
def berg_home(tmp_path_factory):
    return write_berg_folder(tmp_path_factory.mktemp("berg"))


@pytest.fixture
def berg(berg_home, monkeypatch, tmp_path):
    """A new one for each test, so that nothing is remembered; the hub is not asked."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("HF_HOME", "TORCH_HOME", "NILEARN_DATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "user"))
    return BERG(berg_home)
