"""THINGS and CNN8 computed the way BERG computes them: the baseline of the bench.

THINGS: the features of all layers joined, standardised in double precision, then the components.
CNN8: batch norms apart, all masks divided by their lengths in every batch, all vertices read out
and then sliced.
"""

import numpy as np
import torch
from torch.nn import functional

from models.encoders._device import exact_arithmetic
from models.encoders.mosaic_cnn8 import CHECKPOINT
from models.weights.locations import weights_folder
from models.weights.pickles import read_numpy_dict, read_torch_state
from tests.bench.image_weights import MOSAIC, THINGS


class PlainThings:
    """All voxels of the first subject; weights in memory."""

    def __init__(self, home, network):
        stored = read_numpy_dict(weights_folder(THINGS, home) / "weights_sub-01.npy")
        parts = ("scaler_param", "pca_param", "reg_param")
        self.scaler, self.pca, self.regression = (
            {key: np.array(each) for key, each in stored[part].items()} for part in parts
        )
        self.network = network

    def features(self, prepared):
        with exact_arithmetic():
            layers = list(self.network.layers(prepared))
            return torch.cat([layer.flatten(1) for layer in layers], 1).numpy()

    def responses(self, features):
        standardised = (features - self.scaler["mean_"]) / self.scaler["scale_"]
        scores = (standardised - self.pca["mean_"]) @ self.pca["components_"].T
        coefficients = self.regression["coef_"][list(range(len(self.regression["coef_"])))]
        return scores.astype(np.float32) @ coefficients.T + self.regression["intercept_"]


class PlainMosaic:
    """Core and the first subject's readout; weights in memory."""

    def __init__(self, home):
        state = read_torch_state(weights_folder(MOSAIC, home) / CHECKPOINT)
        self.state = {key: each.clone() for key, each in state.items() if "sub-02" not in key}

    def core(self, maps):
        with exact_arithmetic():
            for number in range(1, 9):
                block = f"module.core.block{number}."
                weight = self.state[f"{block}0.weight"]
                padding = 1 if number == 1 else weight.shape[-1] // 2
                names = ("running_mean", "running_var", "weight", "bias")
                norm = [self.state[f"{block}1.{name}"] for name in names]
                maps = functional.conv2d(maps, weight, padding=padding)
                maps = functional.batch_norm(maps, *norm, eps=1e-5).relu()
                if number % 2 == 0:
                    maps = functional.avg_pool2d(maps, 2, stride=1 if number == 8 else 2)
            return maps

    def responses(self, maps):
        head = "module.subject_readouts.sub-01_NSD."
        with exact_arithmetic():
            masks = self.state[f"{head}spatial"].flatten(1)
            masks = masks / (masks.pow(2).sum(1, keepdim=True).sqrt() + 1e-6)
            channels = torch.einsum("ncp,vp->ncv", maps.flatten(2), masks)
            weights = self.state[f"{head}_features"].T
            return (channels * weights).sum(1) + self.state[f"{head}bias"]
