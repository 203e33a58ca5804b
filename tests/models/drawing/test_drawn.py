import nibabel as nib
import numpy as np
import pytest

from models import spaces
from models.atlases import load_atlas
from models.drawing.drawn import drawn_places, drawn_space, to_drawn
from models.drawing.layout import lay_out
from models.errors import SpaceMismatchError
from models.spaces import FSAVERAGE, FSAVERAGE5, FSLR32K, MMP360, add_mesh_folder, load_mesh
from models.types import Provenance, Response

ORIGIN = Provenance("m", "M", "1", "0" * 64, "s", "c", "b")


def response(space, columns):
    columns = np.array(columns)
    return Response(
        columns[None].astype(np.float32), space, ("a",), "u", True, ORIGIN, columns=columns
    )


def test_full_fsaverage_is_drawn_by_the_first_10242_vertices_of_each_hemisphere():
    assert drawn_space("fsaverage") == "fsaverage5"
    assert drawn_space("fsaverage", is_full=True) == "fsaverage"
    assert drawn_space("fsLR32k") == "fsLR32k"
    places = drawn_places("fsaverage", "fsaverage5")
    assert places.shape == (20_484,)
    assert places[[0, 10_241, 10_242, 20_483]].tolist() == [0, 10_241, 163_842, 174_083]
    with pytest.raises(SpaceMismatchError, match="fsLR32k is not drawn on fsaverage5"):
        drawn_places("fsLR32k", "fsaverage5")


def test_every_drawn_vertex_keeps_its_own_value_and_the_others_are_left_out():
    everything = response(FSAVERAGE, np.arange(FSAVERAGE.n_places))
    drawn = to_drawn(everything, "fsaverage5")
    assert drawn.space is FSAVERAGE5
    assert drawn.values[0, [0, 10_241, 10_242]].tolist() == [0, 10_241, 163_842]
    some = to_drawn(response(FSAVERAGE, [3, 10_242, 163_842, 163_850, 327_683]), "fsaverage5")
    assert some.column_indices.tolist() == [3, 10_242, 10_250]
    assert some.values[0].tolist() == [3, 163_842, 163_850]


def test_a_response_on_its_own_mesh_is_drawn_as_it_is():
    own = response(FSLR32K, [1, 2])
    assert to_drawn(own, "fsLR32k") is own


def test_nothing_in_the_drawn_part_is_an_empty_response():
    assert to_drawn(response(FSAVERAGE, [20_000]), "fsaverage5").values.shape == (1, 0)


def test_every_vertex_of_a_parcel_shows_its_value_and_those_of_none_show_nothing():
    assert drawn_space("mmp360") == drawn_space("mmp360", is_full=True) == "fsLR32k"
    places = drawn_places("mmp360", "fsLR32k")
    atlas = load_atlas("fsLR32k", "mmp")
    v1 = atlas.names.index("V1")  # area 1 of the parcellation
    assert v1 == 0
    is_v1 = atlas.mask("V1")
    left = np.arange(FSLR32K.n_places) < FSLR32K.n_left
    assert set(places[is_v1 & left]) == {0}
    assert set(places[is_v1 & ~left]) == {180}
    assert set(places[atlas.labels == 0]) == {-1}
    drawn = to_drawn(response(MMP360, [0, 180, 359]), "fsLR32k")
    assert drawn.space is FSLR32K
    shown = drawn.dense()[0]
    assert set(shown[is_v1 & left]) == {0}
    assert set(shown[is_v1 & ~left]) == {180}
    assert np.isfinite(shown).sum() == np.isin(places, [0, 180, 359]).sum()


@pytest.fixture
def full_meshes(tmp_path, monkeypatch):
    """nilearn's folder of full fsaverage, filled with points in a row and two faces a side."""
    monkeypatch.setattr(spaces, "_FOLDERS", {})
    n = FSAVERAGE.n_left
    faces = np.array([[0, 1, 2], [n - 3, n - 2, n - 1]], np.int32)
    for side, sign in (("left", -1), ("right", 1)):
        points = np.zeros((n, 3), np.float32)
        points[:, 0] = sign * np.linspace(1, 60, n)
        for shape in ("white", "pial", "infl", "flat", "sphere"):
            arrays = [
                nib.gifti.GiftiDataArray(points, "NIFTI_INTENT_POINTSET"),
                nib.gifti.GiftiDataArray(faces, "NIFTI_INTENT_TRIANGLE"),
            ]
            nib.save(nib.GiftiImage(darrays=arrays), tmp_path / f"{shape}_{side}.gii.gz")
        for name in ("sulc", "thick"):
            values = np.full(n, 2, np.float32)
            array = nib.gifti.GiftiDataArray(values, "NIFTI_INTENT_SHAPE")
            nib.save(nib.GiftiImage(darrays=[array]), tmp_path / f"{name}_{side}.gii.gz")
    yield tmp_path
    load_mesh.cache_clear()
    lay_out.cache_clear()


def test_the_full_mesh_is_drawn_once_all_of_its_files_are_here(full_meshes):
    with pytest.raises(SpaceMismatchError, match="no meshes here"):
        load_mesh("fsaverage", "pial")
    missing = full_meshes / "sulc_left.gii.gz"
    kept = missing.read_bytes()
    missing.unlink()
    assert not add_mesh_folder("fsaverage", full_meshes)
    missing.write_bytes(kept)
    assert add_mesh_folder("fsaverage", full_meshes)
    mesh = load_mesh("fsaverage", "inflated")
    assert mesh.left.n_vertices == mesh.right.n_vertices == 163_842
    with pytest.raises(SpaceMismatchError, match="come from packages"):
        add_mesh_folder("fsLR32k", full_meshes)
