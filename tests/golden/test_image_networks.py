"""The two image networks give what BERG's own code gives, on the same weights."""

import shutil

import numpy as np
import pytest
import torch

from models.catalog import PUBLISHED
from models.encoders._cnn8 import Core, Head, convert_core, convert_head
from models.encoders._device import exact_arithmetic
from models.encoders._mosaic_places import MosaicPlaces
from models.encoders._pictures import (
    normalise,
    resize_short_side_then_crop,
    square_then_resize,
)
from models.encoders.mosaic_cnn8 import CHECKPOINT, MosaicCnn8
from models.encoders.things_vit import ThingsViT
from models.weights.locations import metadata_folder, weights_folder

pytestmark = pytest.mark.golden

TOLERANCE = 2e-5
CARDS = {card.id.split("-")[1]: card for card in PUBLISHED}
THINGS, MOSAIC = CARDS["things_fmri_1"], CARDS["mosaic"]


def assert_close(got, expected):
    assert got.shape == expected.shape
    assert float(np.abs(got - expected).max()) <= TOLERANCE


@pytest.fixture(scope="module")
def things(writer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("things")
    writer.write_things(str(folder), full=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(folder / "torch_home"))
        yield ThingsViT(THINGS, "cpu", folder / "berg_dir")


@pytest.fixture(scope="module")
def compared(golden):
    """Vertices that the arrays tell responses of: the first 2,000 and one group, rising."""
    return np.union1d(np.arange(2000), golden("cnn8_small")["idx_group"])


@pytest.fixture(scope="module")
def mosaic(writer, golden, compared, tmp_path_factory):
    """The core of the published size, and one readout of the compared vertices only.

    All readouts whole are 2 GB, and as much again once converted.
    """
    home = tmp_path_factory.mktemp("mosaic")
    space = golden("mosaic_space")
    n_vertices = len(space["vertex_mapping_all"])
    state = {}
    for number in range(1, 9):
        kernel, n_in = (5 if number < 3 else 3), (3 if number == 1 else 384)
        block = f"module.core.block{number}."
        shape = (384, n_in, kernel, kernel)
        spread = (2.0 / (n_in * kernel * kernel)) ** 0.5
        state[f"{block}0.weight"] = writer.nrm(f"cnn8/{block}w", shape, spread)
        state[f"{block}1.weight"] = writer.nrm(f"cnn8/{block}g", (384,), 0.1, 1.0)
        state[f"{block}1.bias"] = writer.nrm(f"cnn8/{block}b", (384,), 0.1)
        state[f"{block}1.running_mean"] = writer.nrm(f"cnn8/{block}m", (384,), 0.1)
        variance = np.abs(writer.nrm(f"cnn8/{block}v", (384,), 0.2, 1.0))
        state[f"{block}1.running_var"] = variance + np.float32(0.2)
    head = "module.subject_readouts.sub-01_NSD."
    for name, tag, shape, spread in (
        ("_features", "f", (n_vertices, 384), 0.05),
        ("spatial", "s", (n_vertices, 26, 26), 0.05),
        ("bias", "b", (n_vertices,), 0.1),
    ):
        state[f"{head}{name}"] = writer.nrm(f"cnn8/{head}{tag}", shape, spread)[compared]
    folder = weights_folder(MOSAIC, home)
    folder.mkdir(parents=True)
    torch.save({key: torch.from_numpy(each) for key, each in state.items()}, folder / CHECKPOINT)
    folder = metadata_folder(MOSAIC, home) / "NSD"
    folder.mkdir(parents=True)
    names = ("vertex_mapping_all", "glasser_group_id")
    np.save(
        folder / "sub-01.npy", {name: space[name][compared] for name in names}, allow_pickle=True
    )
    yield MosaicCnn8(MOSAIC, "cpu", home)
    shutil.rmtree(home)


@pytest.mark.parametrize("size", ["256x256", "300x420", "180x150", "224x224", "257x511", "64x900"])
def test_preparation_for_the_transformer_is_exact(golden, size):
    arrays = golden("unit_preprocess")
    pictures = [resize_short_side_then_crop(each) for each in arrays[f"in_{size}"]]
    np.testing.assert_array_equal(normalise(pictures), arrays[f"out_{size}"], strict=True)


@pytest.mark.parametrize("size", ["256x256", "300x420", "180x150", "257x511"])
def test_preparation_for_mosaic_is_exact(golden, size):
    arrays = golden("unit_preprocess")
    pictures = [square_then_resize(each) for each in arrays[f"cnn8_in_{size}"]]
    np.testing.assert_array_equal(normalise(pictures), arrays[f"cnn8_out_{size}"], strict=True)


def test_things_responses(things, golden):
    arrays = golden("things_small")
    features = things.features_of_array(arrays["sq256_image"])
    first = things.responses(features, "sub-01", np.arange(2000))
    assert_close(first, arrays["sq256_response_first_2000_voxels"])
    voxels = things.voxels_of("sub-01", ["V1", "IT"])
    np.testing.assert_array_equal(voxels, arrays["idx_V1_IT"])
    assert_close(things.responses(features, "sub-01", voxels), arrays["sel_V1_IT"])


def test_things_tokens(things, golden):
    arrays = golden("things_small")
    prepared = normalise([resize_short_side_then_crop(each) for each in arrays["sq256_image"]])
    with exact_arithmetic():
        layers = things._network((), torch.float32).layers(torch.from_numpy(prepared))
        tokens = torch.cat([layer.flatten(1) for layer in layers], 1).numpy()
    assert_close(tokens[0, ::97], arrays["sq256_features_every_97th"])


def test_things_integers_of_64_bits_are_not_divided_by_their_maximum(things, golden):
    """BERG gives every such picture the same response."""
    picture = golden("things_small")["sq256_image"]
    as_bytes, as_long, black = (
        things.responses(things.features_of_array(each), "sub-01", np.arange(50))
        for each in (picture, picture.astype(np.int64), picture.astype(np.int64) * 0)
    )
    np.testing.assert_array_equal(as_bytes, as_long)
    assert np.abs(as_long - black).max() > 0.1


def test_small_cnn8(golden, tmp_path):
    arrays = golden("unit_cnn8")
    state = {
        key.removeprefix("sd/"): torch.from_numpy(each)
        for key, each in arrays.items()
        if key.startswith("sd/")
    }
    convert_core(state, tmp_path)
    convert_head(state, "sub-01", tmp_path)
    with exact_arithmetic():
        maps = Core(tmp_path, torch.device("cpu"))(torch.from_numpy(arrays["x"]))
        responses = Head(tmp_path)(maps, np.arange(arrays["y"].shape[1]))
    assert_close(responses, arrays["y"])


def test_mosaic_responses(mosaic, golden, compared):
    arrays = golden("cnn8_small")
    features = mosaic.features_of_array(arrays["sq_image"])
    first = mosaic.responses(features, "sub-01", np.arange(2000))
    assert_close(first, arrays["sq_sub01_first_2000_vertices"])
    vertices = mosaic.places("sub-01").vertices_of(glasser_group=1)
    np.testing.assert_array_equal(compared[vertices], arrays["idx_group"])
    assert_close(mosaic.responses(features, "sub-01", vertices), arrays["sel_group"])


def test_mosaic_regions_and_groups_are_those_of_the_atlas(golden):
    space = golden("mosaic_space")
    places = MosaicPlaces.from_metadata(space, "sub-01.npy")
    assert places.n_vertices == 57_051
    np.testing.assert_array_equal(places.grayordinates, space["vertex_mapping_all"])
    regions = np.split(space["roi_indices"], space["roi_offsets"][1:-1])
    for name, expected in zip(space["roi_names"], regions, strict=True):
        found = places.grayordinates[places.is_in_region(str(name))]
        np.testing.assert_array_equal(found, np.sort(expected))
    sizes = [int(places.is_in_group(group).sum()) for group in range(1, 23)]
    assert sizes == np.bincount(space["glasser_group_id"])[1:].tolist()
