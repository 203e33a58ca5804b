"""assets/REGISTRY.txt names every asset, with a hash that agrees, terms and source."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from models import gallery

ASSETS = Path(__file__).parents[2] / "assets"
REGISTRY = ASSETS / "REGISTRY.txt"


def read_rows():
    """(hash, path, licence, source) of every line that is no comment."""
    lines = REGISTRY.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split(" | ")) for line in lines if line and not line.startswith("#")]


def locate(path):
    """File of a row: in assets/, or in an installed package after ``name:``."""
    _, _, inside = path.rpartition(":")
    if inside == path:
        return ASSETS / path
    package, _, rest = inside.partition("/")
    return Path(find_spec(package).submodule_search_locations[0]) / rest


@pytest.mark.parametrize("row", read_rows(), ids=lambda row: row[1])
def test_hash_agrees_and_terms_and_source_are_given(row):
    sha256, path, licence, source = row
    assert hashlib.sha256(locate(path).read_bytes()).hexdigest() == sha256
    assert licence
    assert source


def test_every_asset_is_registered_once():
    files = {
        path.relative_to(ASSETS).as_posix()
        for path in ASSETS.rglob("*")
        if path.is_file() and path != REGISTRY and not path.name.startswith(".")
    }
    paths = [row[1] for row in read_rows()]
    assert len(paths) == len(set(paths))
    assert {path for path in paths if ":" not in path} == files


def test_every_packaged_picture_is_registered_with_the_terms_the_gallery_shows():
    registered = {row[1]: row[2] for row in read_rows()}
    for file, _, terms in gallery._PHOTOGRAPHS + gallery._TEXTURES:
        assert registered[f"scikit-image:skimage/data/{file}"] == terms
