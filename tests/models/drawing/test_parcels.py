import nibabel as nib
import numpy as np
import pytest

from models.drawing import parcels
from models.drawing.drawn import drawn_places, drawn_space
from models.drawing.parcels import add_parcel_volume, vertex_parcels
from models.errors import SpaceMismatchError
from models.spaces import FSAVERAGE5, load_medial_wall, load_mesh


@pytest.fixture
def volume(tmp_path, monkeypatch):
    """Slabs of 1 mm from back to front: parcels 1 to 500 on the left, 501 to 1000 on the right."""
    monkeypatch.setattr(parcels, "_VOLUMES", {})
    shape, start_mm = (200, 240, 200), np.array([-100.0, -140.0, -90.0])
    slab = np.clip(np.arange(shape[1]) * 2, 0, 499) + 1
    labels = np.zeros(shape, np.int16)
    labels[:100] = slab[None, :, None]
    labels[100:] = slab[None, :, None] + 500
    labels[:, 0, 0] = 1
    labels[0, 0, 0], labels[-1, -1, -1] = 1, 1000
    affine = np.eye(4)
    affine[:3, 3] = start_mm
    path = tmp_path / "atlas.nii.gz"
    nib.save(nib.Nifti1Image(labels, affine), path)
    yield path
    drawn_places.cache_clear()


def test_every_vertex_gets_the_parcel_halfway_through_the_cortex(volume):
    found = vertex_parcels(volume, "schaefer1000", "fsaverage5")
    white, pial = load_mesh("fsaverage5", "white"), load_mesh("fsaverage5", "pial")
    for side, first in (("left", 0), ("right", FSAVERAGE5.n_left)):
        middle = (white.hemisphere(side).positions + pial.hemisphere(side).positions) / 2
        vertices = [5, 4000, 9000]
        for vertex in vertices:
            x, y, _ = middle[vertex]
            slab = min(2 * round(float(y) + 140), 499)
            expected = slab + (500 if round(float(x) + 100) >= 100 else 0)
            wall = load_medial_wall("fsaverage5")[first + vertex]
            assert found[first + vertex] == (-1 if wall else expected)
    assert (found[load_medial_wall("fsaverage5")] == -1).all()


def test_parcels_of_a_volume_are_drawn_once_it_is_known(volume):
    assert drawn_space("schaefer1000") == "schaefer1000"
    assert not add_parcel_volume("schaefer1000", volume.parent / "absent.nii.gz")
    assert add_parcel_volume("schaefer1000", volume)
    assert drawn_space("schaefer1000") == "fsaverage5"
    places = drawn_places("schaefer1000", "fsaverage5")
    assert np.array_equal(places, vertex_parcels(volume, "schaefer1000", "fsaverage5"))


def test_what_is_no_such_volume_is_refused(volume, tmp_path):
    with pytest.raises(SpaceMismatchError, match="only schaefer1000"):
        add_parcel_volume("mmp360", volume)
    other = tmp_path / "other.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((3, 3, 3), np.int16), np.eye(4)), other)
    with pytest.raises(SpaceMismatchError, match="no volume of 1000 parcels"):
        vertex_parcels(other, "schaefer1000", "fsaverage5")
    other.write_bytes(b"nothing")
    with pytest.raises(SpaceMismatchError, match="cannot be read"):
        vertex_parcels(other, "schaefer1000", "fsaverage5")
