"""The number of pictures at once follows from memory, and a size that failed is not tried again."""

import numpy as np
import pytest
import torch

from models.encoders import _device
from models.encoders._device import (
    BatchSize,
    DeviceMemoryError,
    device_bytes,
    free_bytes,
    held_bytes,
    is_out_of_memory,
    run_in_batches,
)
from models.memory import Bytes

#: What each allocator raises when nothing is left, word for word.
OUT_OF_MEMORY = {
    "CUDA": torch.cuda.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 139.72 GiB"
    ),
    "MPS": RuntimeError(
        "MPS backend out of memory (MPS allocated: 17.96 GiB, other allocations: 1.49 MiB, max "
        "allowed: 18.13 GiB). Tried to allocate 563.62 MiB on private pool."
    ),
    "cuBLAS": RuntimeError(
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
    ),
    "torch on the host": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
        "memory: you tried to allocate 36028797018963968 bytes. Error code 12 (Cannot allocate "
        "memory)"
    ),
    "torch on Windows": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory"
    ),
    "Python": MemoryError(),
}


def runner(problem, fits):
    """A model that takes ``fits`` pictures at most; notes the sizes it was given."""
    sizes = []

    def run(piece):
        sizes.append(len(piece))
        if len(piece) > fits:
            raise problem
        return list(piece)

    return run, sizes


@pytest.mark.parametrize("source", OUT_OF_MEMORY)
def test_every_allocators_words_halve_the_batch_and_lose_nothing(source):
    run, sizes = runner(OUT_OF_MEMORY[source], fits=5)
    results = run_in_batches(range(20), run, 16)
    assert [item for piece in results for item in piece] == list(range(20))
    assert sizes == [16, 8, 4, 4, 4, 4, 4]


def test_numpys_own_error_is_one_of_memory():
    with pytest.raises(MemoryError) as caught:
        np.empty((2**30, 2**27), np.float64)
    assert type(caught.value) is not MemoryError
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "other",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        ValueError("out of memory"),
    ],
)
def test_other_errors_are_not_taken_for_it(other):
    assert not is_out_of_memory(other)


def test_the_good_size_is_remembered_for_the_next_call():
    size = BatchSize(16)
    run, sizes = runner(MemoryError(), fits=3)
    run_in_batches(range(6), run, size)
    assert sizes == [6, 3, 3]  # never more than there are
    sizes.clear()
    run_in_batches(range(9), run, size)
    assert sizes == [3, 3, 3]


def test_one_picture_that_does_not_fit_leaves_the_size_at_one():
    size = BatchSize(4)
    run, sizes = runner(MemoryError(), fits=0)
    with pytest.raises(DeviceMemoryError):
        run_in_batches(range(4), run, size)
    assert sizes == [4, 2, 1]
    assert size.planned() == 1


def test_the_size_is_planned_from_the_room_and_from_what_is_free(monkeypatch):
    monkeypatch.setattr(_device, "free_bytes", lambda device: 1000)
    size = BatchSize(64, item_bytes=100)
    assert size.planned() == 8  # of 1,000 bytes, 800 are planned with
    assert size.planned(room_bytes=350) == 3
    assert size.planned(room_bytes=10**9) == 8
    assert size.planned(room_bytes=0) == 1
    monkeypatch.setattr(_device, "free_bytes", lambda device: 10**9)
    assert size.planned() == 64
    assert BatchSize(64).planned(room_bytes=1) == 64  # nothing is known of one picture


def test_the_planned_size_is_the_one_that_runs(monkeypatch):
    monkeypatch.setattr(_device, "free_bytes", lambda device: 10**9)
    run, sizes = runner(MemoryError(), fits=100)
    run_in_batches(range(7), run, BatchSize(64, item_bytes=100), room_bytes=300)
    assert sizes == [3, 3, 1]


def test_memory_of_the_processor_is_the_machines(monkeypatch):
    monkeypatch.setattr(_device.Machine, "total_bytes", lambda self: 900)
    monkeypatch.setattr(_device.Machine, "available_bytes", lambda self: 300)
    cpu = torch.device("cpu")
    assert (device_bytes(cpu), free_bytes(cpu)) == (900, 300)


def test_memory_of_gpus_is_what_torch_says(monkeypatch):
    cuda, mps = torch.device("cuda:1"), torch.device("mps")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 70)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 50)
    assert (device_bytes(cuda), free_bytes(cuda)) == (1000, 120)  # torch keeps 20 for itself
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 800)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 300)
    assert (device_bytes(mps), free_bytes(mps)) == (800, 500)


def test_held_memory_counts_each_storage_once():
    whole = torch.zeros(10, dtype=torch.float32)
    assert held_bytes([whole, whole[2:], whole.view(2, 5)]) == Bytes(host=40)
    assert held_bytes([whole, torch.zeros(3, dtype=torch.int64)]) == Bytes(host=64)
    assert held_bytes([torch.zeros(4, device="meta")]).host == 0
    assert held_bytes([]) == Bytes()
