"""Films and volumes of published models of pictures: voxels through glass, cortex drawn in part."""

import gzip
import io
import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from app import film_cache
from app.film_cache import Order
from models.export_images import NO_SCANNER_SPACE
from tests.app.test_published import answer_of, engine, home, open_page
from tests.fakes_published import GRID_SIDE, HUZE, MOSAIC, THINGS, put_files
from tests.models.media_samples import read_gif

__all__ = ["engine", "home"]  # fixtures

pytestmark = pytest.mark.usefixtures("engine")


def answer_to(home, model_id, **query):
    put_files(home, model_id, 1)
    return answer_of(open_page(model=model_id, sample="photographs", **query))


def test_voxels_are_filmed_in_their_own_three_planes_and_kept_as_indices(home):
    answer = answer_to(home, THINGS)
    assert film_cache.scenes(answer) == ("glass",)
    assert film_cache.kinds(answer) == ("gif", "mp4", "webm", "png", "nifti")
    n_rows = answer.response.n_rows
    frames, durations, info = read_gif(io.BytesIO(film_cache.make(answer, Order("gif"))))
    assert len(frames) == n_rows
    assert durations == [1000] * n_rows
    assert "tr" not in json.loads(info["comment"])
    image = nib.Nifti1Image.from_bytes(gzip.decompress(film_cache.make(answer, Order("nifti"))))
    assert (image.header["qform_code"], image.header["sform_code"]) == (0, 0)
    (extension,) = image.header.extensions
    assert NO_SCANNER_SPACE in extension.get_content().decode()
    i, j, k = np.unravel_index(1234, (GRID_SIDE,) * 3)
    np.testing.assert_array_equal(image.get_fdata()[i, j, k], answer.response.values[:, 1234])


def test_vertices_of_a_full_mesh_are_filmed_where_they_are_drawn(home):
    answer = answer_to(home, HUZE)
    assert film_cache.kinds(answer) == ("gif", "mp4", "webm", "png")
    with Image.open(io.BytesIO(film_cache.make(answer, Order("png", "glass")))) as picture:
        assert json.loads(picture.text["Provenance"])["subject"] == "sub-01"
        assert "fsaverage" in picture.text["Description"]


def test_pictures_on_the_hcps_mesh_become_maps(home):
    answer = answer_to(home, MOSAIC, regions="V1")
    assert film_cache.kinds(answer)[-1] == "dense"
    order = Order("dense")
    assert film_cache.file_name(answer, order).endswith("_vertices.dscalar.nii")
    image = nib.cifti2.Cifti2Image.from_bytes(film_cache.make(answer, order))
    assert image.shape == (answer.response.n_rows, 59_412)
