"""The networks: their sizes, their arithmetic, their options."""

import math

import numpy as np
import pytest
import torch

from models.decoders.networks import (
    FmriLinear,
    FmriMlp,
    count_parameters,
    initialise,
    set_generator,
)
from models.errors import ParameterError
from tests.models.analysis.decode_examples import EXAMPLES

SIZES = EXAMPLES["fmri_mlp_reference"]
POOLINGS = ["in_mean", "in_linear", "out_mean", "out_linear"]


def small(**options):
    """A network of 7 places, 3 outputs, 4 volumes, ready to predict."""
    network = FmriMlp(7, 3, **{"hidden": 5, "n_trs": 4, **options})
    initialise(network, 1)
    return network.eval()


def patterns(n=6, n_trs=4):
    return torch.tensor(np.random.default_rng(0).normal(size=(n, 7, n_trs)), dtype=torch.float32)


@pytest.mark.parametrize(
    ("n_places", "n_trs", "key"),
    [
        (20484, 4, "params_total"),
        (20484, 1, "params_T1"),
        (2376, 1, "params_visual_2376_T1"),
    ],
)
def test_parameters_of_neuralbench_s_configuration(n_places, n_trs, key):
    with torch.device("meta"):
        network = FmriMlp(n_places, n_trs=n_trs)
    assert count_parameters(network) == SIZES[key]


def test_parameters_by_part():
    with torch.device("meta"):
        network = FmriMlp(20484)
        linear = FmriLinear(20484)
    parts = {
        "stem(linear+norm)": (network.stem, network.after_stem),
        "blocks": (network.blocks,),
        "time": (network.pool,),
        "out": (network.output,),
        "head": (network.head,),
    }
    found = {name: sum(map(count_parameters, own)) for name, own in parts.items()}
    assert found == SIZES["params"]
    assert count_parameters(linear) == SIZES["fmri_linear_params"]


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def layer_norm(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def test_forward_is_the_arithmetic_of_the_paper():
    """Written out in numpy: stem, two residual blocks, time, output, head."""
    network, given = small(), patterns()
    w = {name: value.numpy().astype(np.float64) for name, value in network.state_dict().items()}

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = given.numpy().astype(np.float64).transpose(0, 2, 1)
    x = gelu(layer_norm(linear(x, "stem")))
    for block in (0, 1):
        x = x + gelu(layer_norm(linear(x, f"blocks.{block}.0")))
    x = linear(x.transpose(0, 2, 1), "pool.linear")[..., 0]
    expected = linear(linear(x, "output"), "head.0")
    with torch.inference_mode():
        np.testing.assert_allclose(network(given).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_volumes_are_joined_before_or_after(pooling):
    """Joining first makes a network of one volume; a mean weighs all volumes alike."""
    for network in (small(time_pooling=pooling), FmriLinear(7, 3, time_pooling=pooling)):
        given = patterns()
        with torch.inference_mode():
            found = network(given)
            if pooling.startswith("in"):
                linear = network.pool.linear
                one = given.mean(2, keepdim=True) if linear is None else linear(given)
                single = small(n_trs=1, time_pooling="in_mean")
                if isinstance(network, FmriLinear):
                    single = FmriLinear(7, 3, n_trs=1, time_pooling="in_mean")
                single.load_state_dict(
                    {k: v for k, v in network.state_dict().items() if "pool" not in k}
                )
                torch.testing.assert_close(found, single(one))
            is_alike = torch.allclose(found, network(given.flip(2)), atol=1e-6)
        assert is_alike == pooling.endswith("mean")
        assert found.shape == (6, 3)


@pytest.mark.parametrize("network", [FmriMlp(7, 3), FmriLinear(7, 3)], ids=["mlp", "linear"])
def test_another_number_of_volumes_is_refused(network):
    with pytest.raises(ParameterError, match="4 volumes"):
        network(patterns(n_trs=5))
    with pytest.raises(ParameterError, match="4 volumes"):
        network(patterns()[..., 0])


def test_silence_gives_finite_features():
    for norm in ("layer", "batch"):
        with torch.inference_mode():
            assert torch.isfinite(small(norm=norm)(torch.zeros(3, 7, 4))).all()


def test_people_have_layers_of_their_own():
    for width in ("hidden", "input"):
        network = small(subject_width=width, n_subjects=2)
        given = patterns(2)
        given[1] = given[0]
        with torch.inference_mode():
            alike = network(given, torch.tensor([1, 1]))
            other = network(given, torch.tensor([0, 1]))
        torch.testing.assert_close(alike[0], alike[1])
        assert not torch.allclose(other[0], other[1], atol=1e-4)
        with pytest.raises(ParameterError, match="whose pattern"):
            network(given)
    assert count_parameters(small(subject_width="hidden", n_subjects=2)) == (
        count_parameters(small()) + 2 * 7 * 5 + (5 - 7) * 5
    )


def test_volumes_can_be_told_apart_by_embeddings_and_layers():
    assert count_parameters(small(n_tr_embedding=2)) == count_parameters(small()) + 4 * 2 + 2 * 5
    assert count_parameters(small(has_tr_layer=True)) == count_parameters(small()) + 3 * (35 + 5)
    for options in ({"n_tr_embedding": 2}, {"has_tr_layer": True}):
        network = small(time_pooling="out_mean", **options)
        given = patterns()
        with torch.inference_mode():
            assert not torch.allclose(network(given), network(given.flip(2)), atol=1e-4)


def test_a_layer_of_each_volume_is_a_linear_map_of_that_volume():
    network, given = small(has_tr_layer=True), patterns()
    with torch.inference_mode():
        found = network.stem(given.transpose(1, 2))
        for volume in range(4):
            expected = given[:, :, volume] @ network.stem.weight[volume]
            torch.testing.assert_close(found[:, volume], expected + network.stem.bias[volume])


def test_batch_norm_takes_all_volumes_as_samples():
    network = small(norm="batch", is_activation_first=True).train()
    activation, norm = network.after_stem[0], network.after_stem[1]
    assert isinstance(activation, torch.nn.ReLU)
    values = norm(torch.randn(6, 4, 5)).detach()
    torch.testing.assert_close(values.mean((0, 1)), torch.zeros(5), atol=1e-6, rtol=0)


def test_heads_of_several_layers_are_not_one_affine_map():
    network = small(head_sizes=(6, 4))
    assert [type(layer).__name__ for layer in network.head] == [
        *("Linear", "LayerNorm", "GELU", "Linear")
    ]
    with torch.inference_mode():
        assert network(patterns()).shape == (6, 4)
        assert small(head_sizes=())(patterns()).shape == (6, 3)


def test_first_weights_and_dropout_come_from_the_seed_alone():
    torch.manual_seed(5)
    first = small().state_dict()
    torch.manual_seed(6)
    for name, value in small().state_dict().items():
        torch.testing.assert_close(value, first[name], rtol=0, atol=0)
    results = []
    for seed in (1, 1, 2):
        network = small().train()
        set_generator(network, torch.Generator().manual_seed(seed))
        results.append(network(patterns()).detach())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_dropout_keeps_the_mean():
    network = small().train()
    set_generator(network, torch.Generator().manual_seed(0))
    dropout = network.after_stem[-1]
    values = dropout(torch.ones(40000))
    assert set(values.tolist()) == {0.0, 2.0}
    assert values.mean().item() == pytest.approx(1, abs=0.03)


def test_first_weights_lie_where_torch_puts_them():
    network = FmriMlp(400, 10, n_trs=1, subject_width="none")
    initialise(network, 3)
    bound = 400**-0.5
    weight = network.stem.weight.detach()
    assert weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert network.after_stem[0].weight.detach().eq(1).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_pooling": "middle"},
        {"n_trs": 0},
        {"hidden": 0},
        {"norm": "none"},
        {"subject_width": "hidden"},
        {"n_subjects": 3},
        {"n_tr_embedding": -1},
    ],
)
def test_impossible_networks_are_refused(wrong):
    with pytest.raises(ParameterError):
        small(**wrong)
