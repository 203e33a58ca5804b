"""Every call on the models' public pages runs once the import reads ``from models import BERG``.

``docs/berg-compat.md`` lists the lines that need another form, and why; here the pages' calls are
run with exactly those replaced, each of them is shown to fail as it stands on the page, and what
else the document promises is looked up.
"""

import ast
import re

import numpy as np
import pytest
import torch
from PIL import Image

import models
from models import errors
from tests.berg_samples import THINGS, save_metadata, write_atlas, write_berg_folder
from tests.house.card_pages import PAGES
from tests.house.dockerfile_steps import ROOT
from tests.models.encoders.published_samples import things_regions

DOCUMENT = (ROOT / "docs" / "berg-compat.md").read_text(encoding="utf-8")
PAIR = re.compile(r"```python page\n(.*?)\n```\n```python here\n(.*?)\n```", re.DOTALL)
SECTIONS = {
    title: DOCUMENT.split(f"### {title}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    for title in PAGES
}
#: Instead of the pages' hundred, to be done sooner.
N_PICTURES = 6
FIXES = {title: PAIR.findall(section) for title, section in SECTIONS.items()}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with what the pages call path/to/brain-encoding-response-generator."""
    top = tmp_path_factory.mktemp("pages")
    home = write_berg_folder(top / "path" / "to" / "brain-encoding-response-generator")
    write_atlas(home)
    regions = things_regions("sub-01") | {"IT": np.arange(40, 20, -1)}  # the page names IT
    save_metadata(THINGS, home, "metadata_sub-01.npy", {"roi": regions})
    return top


@pytest.fixture(autouse=True)
def _in_the_workplace(workplace, monkeypatch):
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(workplace / "nothing"))


def indented(code, like, text):
    """Code with the indentation that its first line has in the page."""
    before = text[: text.index(like)].rpartition("\n")[2]
    margin = before if not before.strip() else ""
    return code.replace("\n", f"\n{margin}")


def page_with_fixes(title, left_out=None):
    """Calls of a page with the import changed and its listed lines replaced, but one."""
    code = PAGES[title].replace("from berg import BERG", "from models import BERG")
    for number, (page, here) in enumerate(FIXES[title]):
        page = indented(page, page.split("\n")[0], code)
        assert code.count(page) == 1, page
        if number != left_out:
            code = code.replace(page, indented(here, page, code))
    return code


def run(code):
    names = {}
    code = code.replace("(100, 3, ", f"({N_PICTURES}, 3, ")
    exec(compile(code, "page", "exec"), names)  # noqa: S102 - our own text
    return names


@pytest.mark.parametrize(
    ("title", "number"), [(title, n) for title, pairs in FIXES.items() for n in range(len(pairs))]
)
def test_a_listed_line_does_not_run_as_it_stands_on_the_page(title, number):
    code = page_with_fixes(title, number)
    with pytest.raises((SyntaxError, NameError, AttributeError, errors.BoldcastError)):
        run(code)


def test_the_page_of_things_runs():
    names = run(page_with_fixes("THINGS ViT-B/32"))
    regions = names["metadata"]["roi"]
    n_columns = sum(len(regions[name]) for name in ("V1", "V2", "IT")) + 2
    assert names["responses"].shape == (N_PICTURES, n_columns)
    assert names["responses"].dtype == np.float32
    assert names["responses"].std(axis=0).min() > 0  # other pictures, other answers


def test_the_page_of_huze_runs():
    names = run(page_with_fixes("NSD huze"))
    left, right = names["responses"]
    assert left.shape == right.shape == (N_PICTURES, 163_842)
    assert set(names["metadata"]) == {"fmri", "encoding_models"}


def test_the_page_of_mosaic_runs():
    names = run(page_with_fixes("MOSAIC CNN8"))
    mapping = names["metadata"]["vertex_mapping_all"]
    whole = names["responses_91k"]
    assert whole.shape == (N_PICTURES, 91_282)
    np.testing.assert_array_equal(np.isfinite(whole).all(axis=0), np.isin(range(91_282), mapping))


def test_the_page_of_text2fmri_runs(workplace):
    names = run(page_with_fixes("Text2fMRI"))
    assert names["variants"] == ["ShreyDixit/Text2fMRI-Qwen-2.5-0.5B"]
    assert isinstance(names["responses"], torch.Tensor)
    visual = np.flatnonzero(names["metadata"]["roi_masks"]["Vis"])
    assert tuple(names["responses"].shape) == (2, len({*visual, 997, 998}))
    assert names["gif_path"] == "brain_activation.gif"
    for name in ("brain_activation.gif", "activation.gif"):
        with Image.open(workplace / name) as animation:
            assert animation.n_frames == 2


def test_every_test_that_the_document_names_is_there():
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT))
    assert len(named) > 25
    assert not named - found


def test_exceptions_are_the_classes_that_the_document_says():
    table = DOCUMENT.split("## Exceptions", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", table, re.MULTILINE)
    assert {name for name, _ in rows} == set(models.__all__) - {"BERG"}
    for name, ours in rows:
        assert getattr(models, name) is getattr(errors, ours)


def test_files_that_the_document_names_are_there():
    for name in re.findall(r"`(tests/[\w/]+\.py)`", DOCUMENT):
        assert (ROOT / name).is_file()
