"""The README's promises hold: its Python runs, its files exist, its commands are real."""

import os
import re
import subprocess
import sys

import pytest

from tests.house.dockerfile_steps import ROOT
from tests.models.encoders.published_samples import write_things_subject, write_vit

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    """Where the files lie that the README fetches: here with random weights."""
    home = tmp_path_factory.mktemp("home")
    write_vit(home)
    write_things_subject("fmri-things_fmri_1-vit_b_32", home, "sub-01")
    return home


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_of_the_readme_runs(code, fetched):
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "BOLDCAST_HOME": str(fetched)},
        capture_output=True,
        text=True,
    )
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
