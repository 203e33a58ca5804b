"""The browser's pure modules, run by node where there is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
SCRIPTS = sorted((Path(__file__).parent / "frontend").glob("*.test.mjs"))

if NODE:

    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
    def test_module(script):
        done = subprocess.run([NODE, "--test", str(script)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_module_tests_to_run():
    assert len(SCRIPTS) >= 4
