"""``.ci/run`` runs the golden tests once where their arrays are, else it says so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "run"
NOTE = '#!/bin/sh\necho "$(basename "$0") $* [${BOLDCAST_GOLDEN-}]" >> "$LOG"\n'


@pytest.fixture
def run(tmp_path):
    """Run the script in a checkout of stand-ins; its output and what it called."""
    checkout, tools = tmp_path / "here" / "checkout", tmp_path / "tools"
    for folder in (checkout / ".ci", checkout / ".venv/bin", tools):
        folder.mkdir(parents=True)
    shutil.copy(SCRIPT, checkout / ".ci" / "run")
    stand_ins = [tools / name for name in ("make", "chromium", "node", "ldconfig")]
    for path in (*stand_ins, checkout / ".venv" / "bin" / "python"):
        path.write_text("#!/bin/sh\necho libEGL.so.1\n" if path.name == "ldconfig" else NOTE)
        path.chmod(0o755)

    def call(golden=None, status=0):
        log = tmp_path / "log"
        known = {"PATH": f"{tools}:{os.environ['PATH']}", "LOG": str(log)}
        named = {} if golden is None else {"BOLDCAST_GOLDEN": str(golden)}
        done = subprocess.run(
            [checkout / ".ci" / "run"], env=known | named, capture_output=True, text=True
        )
        assert done.returncode == status, done.stderr
        called = log.read_text().splitlines() if log.exists() else []
        return done.stdout + done.stderr, called

    return call


def test_arrays_beside_the_checkout_are_used(run, tmp_path):
    (tmp_path / "here" / "shared" / "golden").mkdir(parents=True)
    _, called = run()
    assert called == [
        "make lint []",
        "make test []",
        "python -m pytest tests/golden [../shared/golden]",
    ]


def test_the_variable_wins_and_reaches_the_last_step_only(run, tmp_path):
    (tmp_path / "here" / "shared" / "golden").mkdir(parents=True)
    other = tmp_path / "other"
    other.mkdir()
    _, called = run(other)
    assert called == ["make lint []", "make test []", f"python -m pytest tests/golden [{other}]"]


def test_a_checkout_without_them_says_so_and_is_still_green(run):
    words, called = run()
    assert called == ["make lint []", "make test []"]
    assert "There is no ../shared/golden: tests/golden was not run." in words


def test_a_variable_that_names_nothing_is_an_error(run, tmp_path):
    words, called = run(tmp_path / "absent", status=1)
    assert "which is no folder" in words
    assert not called
