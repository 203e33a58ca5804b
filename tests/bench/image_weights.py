"""Random weights of the published size for the two image networks, for speed and memory."""

import os
from pathlib import Path

import numpy as np
import torch

from models.catalog import PUBLISHED
from models.encoders.mosaic_cnn8 import CHECKPOINT
from models.weights.locations import metadata_folder, weights_folder

THINGS = next(card for card in PUBLISHED if "things" in card.id)
MOSAIC = next(card for card in PUBLISHED if "mosaic" in card.id)

N_VOXELS, N_COMPONENTS, N_FEATURES = 211_339, 250, 12 * 50 * 768
N_VERTICES, N_CHANNELS = 57_051, 384
REGION_SIZE = 1600


def normal(random, shape, spread=1.0, mean=0.0):
    """Normal numbers, float32, made without a copy in double precision."""
    values = random.standard_normal(shape, np.float32)
    values *= np.float32(spread)
    values += np.float32(mean)
    return values


def write_things(home: Path) -> None:
    """Checkpoint, weights and regions of two subjects; the second has the first one's weights."""
    random = np.random.default_rng(0)
    folder = home / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    state = {
        "class_token": normal(random, (1, 1, 768), 0.3),
        "conv_proj.weight": normal(random, (768, 3, 32, 32), 0.02),
        "conv_proj.bias": normal(random, 768, 0.02),
        "encoder.pos_embedding": normal(random, (1, 50, 768), 0.2),
    }
    for number in range(12):
        block = f"encoder.layers.encoder_layer_{number}."
        for name in ("ln_1.", "ln_2."):
            state[f"{block}{name}weight"] = normal(random, 768, 0.1, 1.0)
            state[f"{block}{name}bias"] = normal(random, 768, 0.05)
        for name, rows, columns, spread in (
            ("self_attention.in_proj_", 2304, 768, 0.036),
            ("self_attention.out_proj.", 768, 768, 0.03),
            ("mlp.0.", 3072, 768, 0.03),
            ("mlp.3.", 768, 3072, 0.02),
        ):
            state[f"{block}{name}weight"] = normal(random, (rows, columns), spread)
            state[f"{block}{name}bias"] = normal(random, rows, 0.02)
    state = {key: torch.from_numpy(each) for key, each in state.items()}
    torch.save(state, folder / "vit_b_32-d86f8d99.pth")
    weights, metadata = weights_folder(THINGS, home), metadata_folder(THINGS, home)
    weights.mkdir(parents=True)
    metadata.mkdir(parents=True)
    variance = np.abs(normal(random, N_FEATURES)).astype(np.float64) + 0.5
    stored = {
        "scaler_param": {
            "scale_": np.sqrt(variance),
            "mean_": normal(random, N_FEATURES, 0.3).astype(np.float64),
        },
        "pca_param": {
            "components_": normal(random, (N_COMPONENTS, N_FEATURES), N_FEATURES**-0.5),
            "mean_": normal(random, N_FEATURES, 0.01),
        },
        "reg_param": {
            "coef_": normal(random, (N_VOXELS, N_COMPONENTS), 0.05),
            "intercept_": normal(random, N_VOXELS, 0.1),
        },
    }
    np.save(weights / "weights_sub-01.npy", stored, allow_pickle=True)
    os.link(weights / "weights_sub-01.npy", weights / "weights_sub-02.npy")
    regions = {"V1": np.sort(random.choice(N_VOXELS, 200, replace=False))}
    for number in (1, 2):
        np.save(metadata / f"metadata_sub-0{number}.npy", {"roi": regions}, allow_pickle=True)


def write_mosaic(home: Path) -> None:
    """Core and two readouts, and the first 57,051 cortical grayordinates as its vertices."""
    random = np.random.default_rng(1)
    state = {}
    for number in range(1, 9):
        kernel, n_in = (5 if number < 3 else 3), (3 if number == 1 else N_CHANNELS)
        block = f"module.core.block{number}."
        shape = (N_CHANNELS, n_in, kernel, kernel)
        state[f"{block}0.weight"] = normal(random, shape, (2 / (n_in * kernel**2)) ** 0.5)
        state[f"{block}1.weight"] = normal(random, N_CHANNELS, 0.1, 1.0)
        state[f"{block}1.bias"] = normal(random, N_CHANNELS, 0.1)
        state[f"{block}1.running_mean"] = normal(random, N_CHANNELS, 0.1)
        state[f"{block}1.running_var"] = np.abs(normal(random, N_CHANNELS, 0.2, 1.0)) + 0.2
    for number in (1, 2):
        head = f"module.subject_readouts.sub-0{number}_NSD."
        state[f"{head}_features"] = normal(random, (N_VERTICES, N_CHANNELS), 0.05)
        state[f"{head}spatial"] = normal(random, (N_VERTICES, 26, 26), 0.05)
        state[f"{head}bias"] = normal(random, N_VERTICES, 0.1)
    weights, metadata = weights_folder(MOSAIC, home), metadata_folder(MOSAIC, home) / "NSD"
    weights.mkdir(parents=True)
    metadata.mkdir(parents=True)
    torch.save({key: torch.from_numpy(each) for key, each in state.items()}, weights / CHECKPOINT)
    stored = {"vertex_mapping_all": np.arange(N_VERTICES)}
    for number in (1, 2):
        np.save(metadata / f"sub-0{number}.npy", stored, allow_pickle=True)
