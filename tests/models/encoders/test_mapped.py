"""Mapped arrays: rows without a copy, pages handed back, damaged files told."""

import numpy as np
import pytest
import torch

from models.encoders._mapped import MappedArray, Table, release_pages
from models.errors import WeightsError
from models.memory import Bytes


@pytest.fixture
def stored(tmp_path):
    values = np.random.default_rng(0).random((5000, 33), np.float32)
    np.save(tmp_path / "a.npy", values)
    return tmp_path / "a.npy", values


def test_rows_are_views_where_they_follow_each_other(stored):
    path, values = stored
    mapped = MappedArray(path)
    assert mapped.shape == values.shape
    view, copy = mapped.rows(np.arange(10, 400)), mapped.rows(np.array([7, 3, 3, 4999]))
    np.testing.assert_array_equal(view, values[10:400])
    np.testing.assert_array_equal(copy, values[[7, 3, 3, 4999]])
    assert np.shares_memory(view, mapped.array)
    assert not np.shares_memory(copy, mapped.array)
    np.testing.assert_array_equal(mapped.rows(np.array([4, 3])), values[[4, 3]])


def test_released_pages_come_back_and_the_file_stays(stored):
    path, values = stored
    before = path.read_bytes()
    mapped = MappedArray(path)
    mapped.array[0, 0] = -1  # private to this process, and dropped with the page
    mapped.release()
    np.testing.assert_array_equal(mapped.array, values)
    assert path.read_bytes() == before


def test_pages_of_any_view_are_released_and_memory_is_left_alone(stored):
    path, values = stored
    mapped = np.load(path, mmap_mode="r")
    release_pages(mapped[5:, ::2])
    np.testing.assert_array_equal(mapped, values)
    in_memory = values.copy()
    release_pages(in_memory[3:])
    np.testing.assert_array_equal(in_memory, values)


@pytest.mark.parametrize("is_kept", [None, False, True])
def test_a_table_gives_the_same_rows_from_its_file_and_from_memory(stored, is_kept):
    path, values = stored
    table = Table(path, torch.device("cpu"), is_kept)
    chosen = np.array([4999, 0, 7, 7])
    for _ in range(2):
        np.testing.assert_array_equal(table.rows(chosen).numpy(), values[chosen])
        np.testing.assert_array_equal(table.rows(np.arange(3, 9)).numpy(), values[3:9])
        np.testing.assert_array_equal(table[12].numpy(), values[12])
        table.release()
    assert table.shape == values.shape
    assert table.held == Bytes(host=values.nbytes if is_kept else 0)
    is_file = is_kept is not True
    assert np.shares_memory(table.rows(np.arange(3)).numpy(), table._mapped.array) == is_file


def test_damaged_files_are_told(stored, tmp_path):
    path, values = stored
    whole = path.read_bytes()
    for broken in (whole[:1000], b"", b"not an array", whole[:60]):
        path.write_bytes(broken)
        with pytest.raises(WeightsError, match=r"a\.npy"):
            MappedArray(path)
    with pytest.raises(WeightsError, match=r"b\.npy"):
        MappedArray(tmp_path / "b.npy")
    np.save(path, np.asfortranarray(values))
    with pytest.raises(WeightsError, match="plain rows"):
        MappedArray(path)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(WeightsError, match="plain rows"):
        MappedArray(path)
