"""The README's promises hold: its Python runs, its files exist, its commands are real."""

import re
import subprocess
import sys

import pytest

from tests.house.dockerfile_steps import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_of_the_readme_runs(code):
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "model units" in run.stdout


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_link_of_the_readme_leads_to_a_file(target):
    assert target.startswith("http") or (ROOT / target).exists()


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z]+) ", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_readme_names_every_model_of_the_catalog():
    from models.catalog import CATALOG

    models_page = README + (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for card in CATALOG:
        assert card.id in models_page
