"""Worked examples A to H: definitions and values of the retrieval metrics."""

import json
from pathlib import Path

import numpy as np

EXAMPLES = json.loads(
    (Path(__file__).parents[2] / "golden_data" / "decoding_metrics.json").read_text("utf-8")
)


def floats(values):
    """Array as a decoder gives it."""
    return np.array(values, np.float32)
