"""huze and Text2fMRI give what BERG's and x-transformers' own code give.

The arrays of whole models are compared every day (``tests/models/encoders``); here are the ones
that bring their own weights, and the kept copies against the originals.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.encoders._huze_checkpoint import read_shape
from models.encoders._huze_network import HuzePart
from models.encoders._huze_parts import HuzeConstants, part_tensors
from models.encoders._tensor_file import TensorFile, write_tensors
from models.encoders._text_head import encode, norm_offset

pytestmark = pytest.mark.golden

TOLERANCE = 2e-5
KEPT = Path(__file__).parents[1] / "golden_data"


def state_of(arrays):
    return {
        key[3:]: torch.from_numpy(value) for key, value in arrays.items() if key.startswith("sd/")
    }


def test_one_part_of_huze(golden, tmp_path):
    arrays = golden("unit_huze_part")
    state = state_of(arrays)
    shape = read_shape(state, "subj01")
    assert shape.n_heads == int(arrays["heads"])
    constants = HuzeConstants(float(arrays["lora_scale"]))
    tensors = part_tensors(state, "subj01", np.arange(shape.n_voxels), constants)
    facts = {"layers": ",".join(map(str, shape.layers)), "n_heads": str(shape.n_heads)}
    write_tensors(tmp_path / "part.safetensors", tensors, facts)
    part = HuzePart(TensorFile(tmp_path / "part.safetensors"), torch.device("cpu"))
    values = np.empty_like(arrays["y"])
    with torch.inference_mode():
        values[:, part.places] = part.read_out(part.features(torch.from_numpy(arrays["x"])))
    assert np.abs(values - arrays["y"]).max() <= TOLERANCE


def test_the_transformer_over_volumes(golden):
    arrays = golden("unit_x_transformers_encoder")
    state = state_of(arrays)
    with torch.inference_mode():
        values = encode(
            state, torch.from_numpy(arrays["x"][0]), int(arrays["heads"]), norm_offset(state)
        )
    assert np.abs(values.numpy() - arrays["y"][0]).max() <= TOLERANCE


@pytest.mark.parametrize("name", ["huze_tiny", "text2fmri_tiny"])
def test_the_kept_arrays_are_the_originals(golden, name):
    original = golden(name)
    with np.load(KEPT / f"{name}.npz", allow_pickle=False) as kept:
        assert set(kept.files) == set(original)
        for key in kept.files:
            np.testing.assert_array_equal(kept[key], original[key], strict=True)
