"""ClipLoss against worked example B, and by hand."""

import math

import pytest
import torch

from models.decoders.losses import ClipLoss
from models.errors import ParameterError
from tests.models.analysis.decode_examples import EXAMPLES

B = EXAMPLES["example_B_cliploss"]
PREDICTIONS, TARGETS = torch.tensor(B["pred"]), torch.tensor(B["target"])


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({}, "neuralbench (y, no temp, one direction)"),
        ({"norm_kind": "x"}, "x"),
        ({"norm_kind": "xy"}, "xy"),
        ({"norm_kind": "none"}, "none"),
        ({"symmetric": True}, "y symmetric"),
        (
            {"norm_kind": "xy", "temperature": True},
            "xy with learnable-temperature start (1/0.07)",
        ),
    ],
)
def test_example_b(options, key):
    assert ClipLoss(**options)(PREDICTIONS, TARGETS).item() == pytest.approx(B[key], abs=1e-6)


def test_example_b_length_is_an_inverse_temperature():
    loss = ClipLoss()
    assert loss(10 * PREDICTIONS, TARGETS).item() == pytest.approx(B["pred*10 (y)"], abs=1e-5)
    assert loss(0 * PREDICTIONS, TARGETS).item() == pytest.approx(math.log(3), abs=1e-6)
    assert loss(PREDICTIONS, 5 * TARGETS).item() == pytest.approx(
        loss(PREDICTIONS, TARGETS).item(), abs=1e-6
    )


def test_further_candidates_are_wrong_answers():
    """One prediction (1, 0), its target (1, 0), a second candidate (0, 1): log(1 + exp(-1))."""
    loss = ClipLoss()(torch.tensor([[1.0, 0]]), torch.eye(2))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-1)), abs=1e-6)
    with pytest.raises(ParameterError, match="needs a target"):
        ClipLoss()(torch.eye(2), torch.eye(2)[:1])


def test_only_a_learned_temperature_has_a_parameter():
    assert list(ClipLoss().parameters()) == []
    learned = ClipLoss("xy", temperature=True)
    learned(PREDICTIONS, TARGETS).backward()
    assert learned.log_scale.item() == pytest.approx(math.log(1 / 0.07))
    assert learned.log_scale.grad.item() != 0


def test_another_norm_is_refused():
    with pytest.raises(ParameterError, match="Norm is one of"):
        ClipLoss("z")
