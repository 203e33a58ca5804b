"""The transformer's blocks against an implementation that others wrote."""

import numpy as np
import pytest
import torch

from models.encoders._device import exact_arithmetic
from models.encoders._vit import VisionTransformer
from models.errors import WeightsError
from tests.models.encoders.published_samples import vit_state

CPU = torch.device("cpu")


def as_transformers_keys(state):
    """Rename torchvision's tensors for ``ViTModel``; the joint projection is cut in three."""
    renamed = {
        "embeddings.cls_token": state["class_token"],
        "embeddings.position_embeddings": state["encoder.pos_embedding"],
        "embeddings.patch_embeddings.projection.weight": state["conv_proj.weight"],
        "embeddings.patch_embeddings.projection.bias": state["conv_proj.bias"],
        "layernorm.weight": state["encoder.ln.weight"],
        "layernorm.bias": state["encoder.ln.bias"],
    }
    inner = {
        "ln_1": "layernorm_before",
        "ln_2": "layernorm_after",
        "self_attention.out_proj": "attention.o_proj",
        "mlp.0": "mlp.fc1",
        "mlp.3": "mlp.fc2",
    }
    for number in range(3):
        for part in ("weight", "bias"):
            own = f"encoder.layers.encoder_layer_{number}."
            theirs = f"layers.{number}."
            for name, other in inner.items():
                renamed[f"{theirs}{other}.{part}"] = state[f"{own}{name}.{part}"]
            joint = state[f"{own}self_attention.in_proj_{part}"].chunk(3)
            for name, tensor in zip("qkv", joint, strict=True):
                renamed[f"{theirs}attention.{name}_proj.{part}"] = tensor
    return renamed


def test_blocks_agree_with_transformers():
    from transformers import ViTConfig, ViTModel

    state = vit_state()
    config = ViTConfig(
        hidden_size=128,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=256,
        layer_norm_eps=1e-6,
        image_size=224,
        patch_size=32,
    )
    theirs = ViTModel(config, add_pooling_layer=False).eval()
    theirs.load_state_dict(as_transformers_keys(state))
    pictures = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with exact_arithmetic():
        ours = list(VisionTransformer(state, CPU).layers(pictures))
        expected = theirs(pictures, output_hidden_states=True).hidden_states[1:]
        after_norm = theirs(pictures).last_hidden_state
    assert len(ours) == len(expected) == 3
    for own, other in zip(ours[:-1], expected[:-1], strict=True):
        assert float((own - other).abs().max()) < 1e-5
    normed = torch.nn.functional.layer_norm(
        ours[-1], (128,), state["encoder.ln.weight"], state["encoder.ln.bias"], 1e-6
    )
    assert float((normed - after_norm).abs().max()) < 1e-5


def test_a_mapped_checkpoint_is_not_copied():
    state = vit_state()
    network = VisionTransformer(state, CPU)
    stored = state["encoder.layers.encoder_layer_1.mlp.0.weight"]
    assert network._blocks[1]["up.weight"].data_ptr() == stored.data_ptr()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_shorter_type_multiplies_and_the_running_sum_stays_float32(dtype):
    pictures = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    network = VisionTransformer(vit_state(), CPU, dtype)
    assert network._blocks[1]["up.weight"].dtype == dtype
    assert network._blocks[1]["ln_2.weight"].dtype == torch.float32
    with exact_arithmetic():
        exact = list(VisionTransformer(vit_state(), CPU).layers(pictures))
        short = list(network.layers(pictures))
    for own, other in zip(short, exact, strict=True):
        assert own.dtype == torch.float32
        assert not torch.equal(own, other)
        step = torch.finfo(dtype).eps  # of each of a block's products
        assert float((own - other).norm() / other.norm()) < step


def test_what_is_no_such_checkpoint_is_refused():
    for broken in ("conv_proj.weight", "encoder.layers.encoder_layer_2.mlp.3.bias"):
        state = vit_state()
        del state[broken]
        with pytest.raises(WeightsError, match=broken):
            VisionTransformer(state, CPU)
    state = vit_state()
    state["encoder.layers.encoder_layer_0.ln_2.weight"] = torch.ones(64)
    with pytest.raises(WeightsError, match="another shape"):
        VisionTransformer(state, CPU)
    with pytest.raises(WeightsError, match="patches"):
        next(VisionTransformer(vit_state(), CPU).layers(torch.zeros(1, 3, 64, 64)))


def test_pictures_in_a_batch_do_not_see_each_other():
    network = VisionTransformer(vit_state(), CPU)
    pictures = torch.from_numpy(
        np.random.default_rng(0).standard_normal((5, 3, 224, 224), np.float32)
    )
    with exact_arithmetic():
        *_, together = network.layers(pictures)
        *_, alone = network.layers(pictures[3:4])
    assert float((together[3] - alone[0]).abs().max()) < 1e-5
