import json
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.encoders._tensor_file import TensorFile, TensorToWrite, release_mapped, write_tensors
from models.errors import WeightsError
from models.weights.pickles import read_torch_state

VALUES = np.arange(60, dtype=np.float32).reshape(10, 6)
TENSORS = [
    TensorToWrite("a", (10, 6), lambda: (VALUES[:4], VALUES[4:])),
    TensorToWrite("b", (3,), lambda: ([7, 8, 9],), "int32"),
    TensorToWrite("empty", (0, 6), lambda: ()),
]


def test_what_is_written_is_read_by_the_formats_own_library(tmp_path):
    path = tmp_path / "x.safetensors"
    write_tensors(path, TENSORS, {"note": "1"})
    loaded = load_file(path)
    np.testing.assert_array_equal(loaded["a"].numpy(), VALUES)
    np.testing.assert_array_equal(loaded["b"].numpy(), [7, 8, 9])
    assert loaded["empty"].shape == (0, 6)


def test_what_the_library_writes_is_read(tmp_path):
    path = tmp_path / "x.safetensors"
    state = {
        "half": torch.arange(5).to(torch.bfloat16),
        "one": torch.tensor(3.0),
        "none": torch.zeros(0, 2),
    }
    save_file(state, path, metadata={"format": "pt"})
    file = TensorFile(path)
    assert set(file.names) == set(state)
    assert "half" in file
    for name, tensor in state.items():
        torch.testing.assert_close(file[name], tensor, rtol=0, atol=0)
    assert file.facts == {"format": "pt"}


def test_released_tensors_are_read_again(tmp_path):
    path = tmp_path / "x.safetensors"
    values = np.random.default_rng(0).random((1000, 100), np.float32)
    write_tensors(path, [TensorToWrite("a", values.shape, lambda: (values,))], {})
    file = TensorFile(path)
    tensor = file["a"]
    for _ in range(2):
        np.testing.assert_array_equal(tensor.numpy(), values)
        file.release()


def test_a_released_checkpoint_is_read_again(tmp_path):
    path = tmp_path / "x.pth"
    values = torch.from_numpy(np.random.default_rng(0).random((1000, 100), np.float32))
    torch.save({"a": values}, path)
    state = read_torch_state(path)
    for _ in range(2):
        torch.testing.assert_close(state["a"], values, rtol=0, atol=0)
        release_mapped(state.values())


def test_pieces_that_do_not_add_up_are_refused(tmp_path):
    wrong = [TensorToWrite("a", (9, 6), lambda: (VALUES,))]
    with pytest.raises(WeightsError, match="a should be"):
        write_tensors(tmp_path / "x.safetensors", wrong, {})


def header(content):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"abc", "cut short"),
        (struct.pack("<Q", 10**9) + b"{}", "cut short"),
        (header(b"{nonsense"), "damaged header"),
        (header([1, 2]), "damaged header"),
        (header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}), "cut short"),
        (header({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 8]}}), "differ in size"),
        (header({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, -8]}}), "differ"),
        (header({"a": {"dtype": "X9", "shape": [2], "data_offsets": [0, 8]}}), "unknown kind"),
        (header({"a": 3}), "unknown kind"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, data, words):
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=words):
        TensorFile(path)


def test_missing_files_and_tensors_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"x\.safetensors is not at"):
        TensorFile(tmp_path / "x.safetensors")
    write_tensors(tmp_path / "x.safetensors", TENSORS, {})
    with pytest.raises(WeightsError, match="no tensor 'z'"):
        _ = TensorFile(tmp_path / "x.safetensors")["z"]
