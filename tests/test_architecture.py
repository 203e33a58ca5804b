"""Who may import whom, read from the source with ``ast``."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Inside models: a module may import only modules of a lower or equal layer.
LAYERS = [
    {"models.errors"},
    {"models.types", "models.memory"},
    {"models.patterns", "models.picture_colour", "models._gallery_pen"},
    {"models.picture_file", "models._gallery_scenes", "models._gallery_things"},
    {"models.stimulus", "models.spaces", "models.voxel_grid"},
    {"models.retinotopy", "models.atlases", "models.catalog", "models.gallery"}
    | {"models.transcript", "models.decode_gallery"},
    {"models.weights"},
    {"models.encoders"},
    {
        "models.engine",
        "models.feature_files",
        "models.feature_store",
        "models.jobs",
        "models.model_shelf",
    },
    {"models.decoders"},
    {"models._berg", "models.berg"},
]
#: Above everything: what it gives out may draw itself.
FACADE = LAYERS[-1]
#: Files of the app that may call what computes: the caches and what they are made of.
CALLERS = (
    "cache.py",
    "transcript_cache.py",
    "word_cache.py",
    "film_cache.py",
    "outputs_cache.py",
    "server.py",
    "drawing.py",
    "readiness.py",
    "decode_brain.py",
    "decode_cache.py",
    "decode_files.py",
    "decode_sweeps.py",
    "decode_training.py",
    "decode_uploads.py",
    "decode_worlds.py",
)
SIDE_ROOMS = {
    "models.analysis",
    "models.drawing",
    "models.export",
    "models.export_images",
    "models.export_text",
    "models.media",
    "models.projection",
    "models.response_files",
    "models._response_formats",
}
SIDE_ROOMS_MAY_USE = SIDE_ROOMS | {
    "models.errors",
    "models.types",
    "models.stimulus",
    "models.transcript",
    "models.spaces",
    "models.voxel_grid",
    "models.retinotopy",
    "models.atlases",
}


def imports_of(path: Path) -> set[str]:
    """Names of all modules imported anywhere in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources(room: str) -> list[Path]:
    """Python files of a room."""
    return sorted((ROOT / room).rglob("*.py"))


def is_in(module: str, rooms: set[str]) -> bool:
    """Whether a module is one of ``rooms`` or inside one."""
    return any(module == room or module.startswith(room + ".") for room in rooms)


def layer_of(module: str) -> int | None:
    """Position of a module of ``models`` in the stack."""
    for height, layer in enumerate(LAYERS):
        if is_in(module, layer):
            return height
    return None


def module_name(path: Path) -> str:
    """Dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", sources("models"), ids=module_name)
def test_models_know_neither_streamlit_nor_the_rooms_above(path):
    for module in imports_of(path):
        assert not is_in(module, {"streamlit", "app", "components", "plotly"}), module


@pytest.mark.parametrize("path", sources("components"), ids=module_name)
def test_components_use_types_spaces_and_drawing_only(path):
    allowed = {
        "models.types",
        "models.errors",
        "models.spaces",
        "models.atlases",
        "models.voxel_grid",
        "models.drawing",
    }
    for module in imports_of(path):
        assert not is_in(module, {"app"}), module
        if module.startswith("models."):
            assert is_in(module, allowed), module


@pytest.mark.parametrize("path", sources("app"), ids=module_name)
def test_only_cache_and_downloads_call_models_and_nothing_in_app_knows_torch(path):
    for module in imports_of(path):
        assert not is_in(module, {"torch", "transformers"}), module
        if path.name in CALLERS or not module.startswith("models."):
            continue
        allowed = {"models.types", "models.errors", "models.catalog", "models.stimulus"}
        if path.name == "downloads.py":
            allowed.add("models.weights")
        assert is_in(module, allowed), f"{path.name} imports {module}"


@pytest.mark.parametrize("path", sources("app/views"), ids=module_name)
def test_views_leave_session_state_urls_and_caches_to_their_owners(path):
    text = path.read_text(encoding="utf-8")
    for word in ("session_state", "query_params", "cache_data", "cache_resource"):
        assert word not in text, word


@pytest.mark.parametrize("path", sources("models"), ids=module_name)
def test_models_import_downwards_only(path):
    name = module_name(path)
    if is_in(name, SIDE_ROOMS):
        for module in imports_of(path):
            if module.startswith("models.") and is_in(module, SIDE_ROOMS | set().union(*LAYERS)):
                assert is_in(module, SIDE_ROOMS_MAY_USE), module
        return
    height = layer_of(name)
    if height is None:
        return
    for module in imports_of(path):
        other = layer_of(module)
        assert other is None or other <= height, f"{name} imports {module}"
        is_drawn = is_in(name, FACADE) and is_in(module, {"models.drawing"})
        is_scored = is_in(name, {"models.decoders"}) and is_in(module, {"models.analysis"})
        is_allowed = is_drawn or is_scored or not is_in(module, SIDE_ROOMS)
        assert is_allowed, f"{name} imports {module}"


def test_importing_models_loads_no_heavy_package():
    heavy = ["torch", "streamlit", "nilearn", "transformers", "pyvista", "matplotlib"]
    code = f"import sys, models; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ["app", "components", "models"])
def test_no_broad_catch(room):
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = ast.dump(node.type) if node.type else "bare"
                assert "'Exception'" not in names, path
                assert "BaseException" not in names, path
                assert names != "bare", path
