"""Devices are named exactly; a batch that does not fit is halved, never lost."""

import pytest
import torch

from models.encoders import _device
from models.encoders._device import (
    DeviceMemoryError,
    exact_arithmetic,
    is_out_of_memory,
    pick_device,
    run_in_batches,
    working_dtype,
)
from models.errors import Cancelled, SettingError


def have(monkeypatch, n_cuda=0, mps=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: n_cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("n_cuda", "mps", "expected"), [(2, False, "cuda:0"), (0, True, "mps"), (0, False, "cpu")]
)
def test_auto_takes_the_fastest_that_is_there(monkeypatch, n_cuda, mps, expected):
    have(monkeypatch, n_cuda, mps)
    assert str(pick_device("auto")) == expected


def test_devices_by_name(monkeypatch):
    have(monkeypatch, 2)
    assert str(pick_device("cuda")) == "cuda:0"
    assert str(pick_device("cuda:1")) == "cuda:1"
    assert str(pick_device("cpu")) == "cpu"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "gpu", "cuda:", "cuda:x", "cpu:0", ""])
def test_absent_and_unknown_devices_are_refused(monkeypatch, name):
    have(monkeypatch)
    with pytest.raises(SettingError):
        pick_device(name)


def test_float16_is_not_emulated_on_a_processor():
    cpu = torch.device("cpu")
    assert working_dtype(cpu, "float16") == torch.float32
    assert working_dtype(torch.device("cuda:0"), "float16") == torch.float16
    assert working_dtype(cpu, "bfloat16") == torch.bfloat16
    assert working_dtype(torch.device("cuda:0")) == torch.float32
    with pytest.raises(SettingError):
        working_dtype(cpu, "int8")


def test_exact_arithmetic_has_no_tf32_and_no_gradients():
    before = torch.backends.cudnn.allow_tf32
    with exact_arithmetic():
        assert not torch.backends.cudnn.allow_tf32
        assert torch.is_inference_mode_enabled()
    assert torch.backends.cudnn.allow_tf32 == before


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
)
def test_a_batch_that_does_not_fit_is_halved(problem):
    sizes, seen = [], []

    def run(piece):
        sizes.append(len(piece))
        if len(piece) > 3:
            raise problem
        return sum(piece)

    results = run_in_batches(
        range(10), run, 8, lambda stage, done, total: seen.append((done, total))
    )
    assert sum(results) == sum(range(10))
    assert sizes == [8, 4, 2, 2, 2, 2, 2]
    assert seen[-1] == (10, 10)


def test_the_host_allocator_itself_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)


def test_one_item_too_large_says_so_and_other_errors_pass():
    def no_room(piece):
        raise MemoryError

    def broken(piece):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(DeviceMemoryError, match="not enough memory"):
        run_in_batches([1, 2], no_room, 2)
    with pytest.raises(RuntimeError, match="shapes"):
        run_in_batches([1, 2], broken, 2)


def test_batches_can_be_cancelled_and_nothing_is_an_answer():
    def stop(stage, done, total):
        if done:
            raise Cancelled("Stopped.")

    ran = []
    with pytest.raises(Cancelled):
        run_in_batches([1, 2, 3], ran.append, 1, stop)
    assert ran == [[1]]
    assert run_in_batches([], ran.append, 4) == []


def test_freeing_memory_empties_the_cache_of_the_gpu(monkeypatch):
    have(monkeypatch, 1)
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    _device.free_unused_memory()
    assert emptied
