"""Small models with random weights in the layout of the published ones, written from a seed."""

import zlib

import numpy as np
import torch

WIDTH, N_LAYERS, N_HIDDEN = 128, 3, 256


def numbers(name, shape, spread=1.0, mean=0.0):
    """Normal numbers that depend on the name only, float32."""
    random = np.random.default_rng([3, zlib.crc32(name.encode())])
    return (random.standard_normal(shape) * spread + mean).astype(np.float32)


def vit_state():
    """A checkpoint of torchvision's ViT, but 3 blocks of width 128."""
    shapes = {
        "class_token": (1, 1, WIDTH),
        "conv_proj.weight": (WIDTH, 3, 32, 32),
        "conv_proj.bias": (WIDTH,),
        "encoder.pos_embedding": (1, 50, WIDTH),
        "encoder.ln.weight": (WIDTH,),
        "encoder.ln.bias": (WIDTH,),
    }
    for number in range(N_LAYERS):
        block = f"encoder.layers.encoder_layer_{number}."
        for name, rows, columns in (
            ("ln_1.", WIDTH, None),
            ("ln_2.", WIDTH, None),
            ("self_attention.in_proj_", 3 * WIDTH, WIDTH),
            ("self_attention.out_proj.", WIDTH, WIDTH),
            ("mlp.0.", N_HIDDEN, WIDTH),
            ("mlp.3.", WIDTH, N_HIDDEN),
        ):
            shapes[f"{block}{name}weight"] = (rows, columns) if columns else (rows,)
            shapes[f"{block}{name}bias"] = (rows,)
    return {
        name: torch.from_numpy(
            numbers(name, shape, 0.1, 1.0 if ".ln" in name and "weight" in name else 0.0)
        )
        for name, shape in shapes.items()
    }
