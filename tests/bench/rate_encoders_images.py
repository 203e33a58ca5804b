"""Pictures a second of the two image networks on one device, and the share of its matrix rate.

Run ``python tests/bench/rate_encoders_images.py DEVICE FOLDER``, e.g. ``cuda``, after
``bench_encoders_images.py FOLDER`` has written the weights there.
"""

import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

from models.encoders._device import device_words, pick_device
from models.encoders._short_types import type_of
from models.encoders.mosaic_cnn8 import MosaicCnn8
from models.encoders.things_vit import ThingsViT
from tests.bench.image_weights import MOSAIC, N_VERTICES, N_VOXELS, THINGS
from tests.bench.report import print_machine, print_table

N_PICTURES, N_ROUNDS, SIDE = 64, 3, 4096
#: Multiplications and additions of one picture, 1e9: network and readout of all places, direct.
WORK = {THINGS.id: 8.73 + 0.23 + 0.11, MOSAIC.id: 452.0 + 29.6}


def seconds(run, device):
    """Median time of a call, the device's queue emptied before and after."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    taken = []
    for _ in range(N_ROUNDS + 1):
        wait()
        start = time.perf_counter()
        run()
        wait()
        taken.append(time.perf_counter() - start)
    return median(taken[1:])


def matrix_rate(dtype, device):
    """Multiplications and additions a second in products of large matrices, 1e9."""
    left, right = (torch.ones(SIDE, SIDE, dtype=dtype, device=device) for _ in "ab")
    return 2 * SIDE**3 / seconds(lambda: left @ right, device) / 1e9


def main(name, folder):
    device = pick_device(name)
    print_machine("torch")
    print(device_words(device))
    rows = []
    for kind, card, part, side, n_places in (
        (ThingsViT, THINGS, "things", 256, N_VOXELS),
        (MosaicCnn8, MOSAIC, "mosaic", 224, N_VERTICES),
    ):
        model = kind(card, name, Path(folder) / part)
        shape = (N_PICTURES if device.type == "cuda" else 4, 3, side, side)
        stack = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        for precision in ("float32", "reduced"):
            settings = card.default_settings().replace(precision=precision)
            found = {}

            def encode(model=model, stack=stack, settings=settings, n=n_places, found=found):
                features = model.features_of_array(stack, subjects=("sub-01",), settings=settings)
                model.responses(features, "sub-01", np.arange(n))
                found.update(features.facts)

            rate = len(stack) / seconds(encode, device)
            share = rate * WORK[card.id] / matrix_rate(type_of(found), device)
            rows.append((card.title, found["precision"], f"{rate:.1f}", f"{100 * share:.0f} %"))
    print_table("Rates", ("model", "type", "pictures/s, all places", "of matrix rate"), rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
