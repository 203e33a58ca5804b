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


def write_vit(home):
    """The checkpoint where it is looked for below ``home``."""
    folder = home / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(vit_state(), folder / "vit_b_32-d86f8d99.pth")


N_VOXELS, N_COMPONENTS = 211_339, 8


def things_weights(subject):
    """The published dictionary, but 8 components of 3 blocks of 50 tokens."""
    n_features = N_LAYERS * 50 * WIDTH
    variance = np.abs(numbers(f"{subject} variance", n_features)).astype(np.float64) + 0.5
    return {
        "scaler_param": {
            "scale_": np.sqrt(variance),
            "mean_": numbers(f"{subject} mean", n_features, 0.3).astype(np.float64),
            "var_": variance,
            "n_features_in_": n_features,
            "n_samples_seen_": 8640,
        },
        "pca_param": {
            "components_": numbers(
                f"{subject} components", (N_COMPONENTS, n_features), n_features**-0.5
            ),
            "mean_": numbers(f"{subject} pca mean", n_features, 0.01),
            "explained_variance_": np.ones(N_COMPONENTS, np.float32),
            "n_components_": N_COMPONENTS,
            "noise_variance_": np.float32(0.1),
        },
        "reg_param": {
            "coef_": numbers(f"{subject} coefficients", (N_VOXELS, N_COMPONENTS)),
            "intercept_": numbers(f"{subject} intercept", N_VOXELS, 0.1),
            "n_features_in_": N_COMPONENTS,
        },
    }


def things_regions(subject):
    """Regions of one subject: V2 and V1 overlap, rTOS is empty, lSTS is not there."""
    random = np.random.default_rng(int(subject[-2:]))
    regions = {
        name: np.sort(random.choice(N_VOXELS, size, replace=False)).astype(np.int64)
        for name, size in (("V1", 300), ("hV4", 40), ("lFFA", 70))
    }
    regions["V2"] = np.concatenate([regions["hV4"], regions["V1"][:5]])
    regions["rTOS"] = np.empty(0, np.int64)
    return regions


def write_things_subject(card, home, subject):
    """Weights and metadata of one subject."""
    # late: the layout is read from the code under test, not its arithmetic
    from models.weights.locations import metadata_folder, weights_folder

    weights, metadata = weights_folder(card, home), metadata_folder(card, home)
    weights.mkdir(parents=True, exist_ok=True)
    metadata.mkdir(parents=True, exist_ok=True)
    np.save(weights / f"weights_{subject}.npy", things_weights(subject), allow_pickle=True)
    side = 60  # cells along each axis: the grid is filled from its first corner
    cells = np.stack(np.unravel_index(np.arange(N_VOXELS), (side,) * 3), axis=1)
    stored = {
        "fmri": {"n_voxels": N_VOXELS, "voxel_coords": cells},
        "encoding_model": {"correlation_results": numbers(f"{subject} r", N_VOXELS, 0.1)},
        "roi": things_regions(subject),
    }
    np.save(metadata / f"metadata_{subject}.npy", stored, allow_pickle=True)


N_CHANNELS, EVERY = 8, 97


def mosaic_vertices():
    """Grayordinates of a model that knows every 97th: 613, in both hemispheres."""
    return np.arange(1, 59_412, EVERY)


def mosaic_state(subjects):
    """A CNN8 checkpoint with 8 channels, 613 vertices and some of the readouts."""
    state = {}
    for number in range(1, 9):
        kernel, n_in = (5 if number < 3 else 3), (3 if number == 1 else N_CHANNELS)
        block = f"module.core.block{number}."
        shape = (N_CHANNELS, n_in, kernel, kernel)
        state[f"{block}0.weight"] = numbers(f"{block}w", shape, (2 / (n_in * kernel**2)) ** 0.5)
        state[f"{block}1.weight"] = numbers(f"{block}g", N_CHANNELS, 0.1, 1.0)
        state[f"{block}1.bias"] = numbers(f"{block}b", N_CHANNELS, 0.1)
        state[f"{block}1.running_mean"] = numbers(f"{block}m", N_CHANNELS, 0.1)
        state[f"{block}1.running_var"] = np.abs(numbers(f"{block}v", N_CHANNELS, 0.2, 1.0)) + 0.2
    n_vertices = len(mosaic_vertices())
    for subject in subjects:
        head = f"module.subject_readouts.{subject}_NSD."
        state[f"{head}_features"] = numbers(f"{head}f", (n_vertices, N_CHANNELS), 0.4)
        state[f"{head}spatial"] = numbers(f"{head}s", (n_vertices, 26, 26), 0.05)
        state[f"{head}bias"] = numbers(f"{head}b", n_vertices, 0.1)
    return {name: torch.from_numpy(np.asarray(array)) for name, array in state.items()}


def write_mosaic(card, home, subjects=("sub-01", "sub-02", "sub-08")):
    """Checkpoint and metadata below ``home``."""
    from models.encoders.mosaic_cnn8 import CHECKPOINT
    from models.weights.locations import metadata_folder, weights_folder

    weights, metadata = weights_folder(card, home), metadata_folder(card, home) / "NSD"
    weights.mkdir(parents=True, exist_ok=True)
    metadata.mkdir(parents=True, exist_ok=True)
    torch.save(mosaic_state(subjects), weights / CHECKPOINT)
    vertices = mosaic_vertices()
    stored = {
        "vertex_mapping_all": vertices.astype(np.int32),
        "glasser_group_id": np.arange(len(vertices)) % 22 + 1,
        "subject_info": {"participant_id": "sub-01", "age": 30},
    }
    for subject in subjects:
        np.save(metadata / f"{subject}.npy", stored, allow_pickle=True)


class Watch(torch.utils._python_dispatch.TorchDispatchMode):
    """Note the shape of every tensor that torch computes."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        results = result if isinstance(result, tuple | list) else (result,)
        self.shapes += [tuple(each.shape) for each in results if isinstance(each, torch.Tensor)]
        return result

    @property
    def largest(self):
        """Numbers in the largest of them."""
        return max(int(np.prod(shape)) for shape in self.shapes)
