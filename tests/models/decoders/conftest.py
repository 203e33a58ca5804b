"""For the readers' tests."""

import pytest
import torch


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """Networks this small are slower on several threads, and sums would depend on their number."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
