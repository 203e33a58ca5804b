"""Text2fMRI's head: from one feature vector a volume to 1,000 parcels of one person.

A small transformer over volumes, as x-transformers builds it (``Encoder`` with scale norm and
rotary positions): attention runs both ways over the whole transcript.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from models.encoders._device import exact_arithmetic, held_bytes
from models.encoders._tensor_file import release_mapped
from models.errors import WeightsError
from models.memory import Bytes
from models.types import FloatArray, IntArray
from models.weights.pickles import read_torch_state

__all__ = [
    "TextConfig",
    "TextHead",
    "check_head",
    "encode",
    "encode_volumes",
    "norm_offset",
    "read_config",
    "read_parcels",
]

_LEAST_NORM = 1e-12


@dataclass(frozen=True)
class TextConfig:
    """A variant's ``config.json``; defaults are the 0.5B variant's, as upstream."""

    tr: float = 1.49
    num_subjects: int = 4
    num_rois: int = 1000
    num_transformer_layers: int = 4
    num_transformer_heads: int = 8
    transformer_dim: int = 1024
    subject_embedding_dim: int = 128
    extractor_LLM: str = "Qwen/Qwen2.5-0.5B"  # noqa: N815 - the file's own names
    extractor_LLM_feature_size: int = 896  # noqa: N815
    extractor_LLM_dtype: str = "float16"  # noqa: N815
    extractor_LLM_num_last_hidden_states: int = 4  # noqa: N815


def read_config(path: Path) -> TextConfig:
    """Read a variant's config; keys that the model does not use are ignored.

    Raises
    ------
    WeightsError
        It cannot be read, or a value has the wrong type.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{path.name} is not at {path.parent}.") from error
    except ValueError as error:
        raise WeightsError(f"{path.name} of the variant is no JSON: fetch it again.") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path.name} of the variant holds no settings: fetch it again.")
    known: dict[str, Any] = {}
    for field in fields(TextConfig):
        value = content.get(field.name, field.default)
        kind = type(field.default)
        is_number = kind is float and isinstance(value, int) and not isinstance(value, bool)
        if type(value) is not kind and not is_number:
            raise WeightsError(f"{path.name}: {field.name} should be {kind.__name__}: {value!r}.")
        known[field.name] = value
    return TextConfig(**known)


def norm_offset(state: Mapping[str, torch.Tensor]) -> float:
    """Tell whether 1 is added to the stored gains of the scale norms.

    Newer x-transformers store the gain minus 1 (they start at 0), older ones the gain (they
    start at 1), under the same name.

    Returns
    -------
    float
        1.0 where all gains are nearer to 0 than to 1, 0.0 where all are nearer to 1.

    Raises
    ------
    WeightsError
        There are gains of both kinds, or of neither.
    """
    gains = [float(value) for key, value in state.items() if key.endswith(".g")]
    if gains and all(-0.5 < gain < 0.5 for gain in gains):
        return 1.0
    if gains and all(0.5 <= gain < 1.5 for gain in gains):
        return 0.0
    shown = ", ".join(f"{gain:.3g}" for gain in gains)
    raise WeightsError(
        f"The gains of this variant's norms are {shown or 'missing'}: neither all near 0 nor all "
        "near 1, so it cannot be told whether 1 must be added. It is refused, not guessed."
    )


def check_head(state: Mapping[str, torch.Tensor], config: TextConfig) -> None:
    """Refuse a head whose tensors do not fit its config.

    Raises
    ------
    WeightsError
        A tensor is missing or has another shape.
    """
    width, n_heads = config.transformer_dim, config.num_transformer_heads
    n_in = config.extractor_LLM_feature_size + config.subject_embedding_dim
    expected: dict[str, tuple[int, ...]] = {
        "subj_emb.weight": (config.num_subjects, config.subject_embedding_dim),
        "inp.weight": (width, n_in),
        "inp.bias": (width,),
        "out.weight": (config.num_rois, width),
        "out_bias.weight": (config.num_subjects, config.num_rois),
        "encoder.final_norm.g": (1,),
        "encoder.rotary_pos_emb.inv_freq": (width // n_heads // 2,),
    }
    for number in range(config.num_transformer_layers):
        attention, forward = f"encoder.layers.{2 * number}.", f"encoder.layers.{2 * number + 1}."
        expected |= {attention + "0.0.g": (1,), forward + "0.0.g": (1,)}
        for name in ("to_q", "to_k", "to_v", "to_out"):
            expected[f"{attention}1.{name}.weight"] = (width, width)
        expected |= {
            forward + "1.ff.0.0.weight": (4 * width, width),
            forward + "1.ff.0.0.bias": (4 * width,),
            forward + "1.ff.2.weight": (width, 4 * width),
            forward + "1.ff.2.bias": (width,),
        }
    for name, shape in expected.items():
        found = tuple(state[name].shape) if name in state else None
        if found != shape:
            raise WeightsError(f"model.pt: {name} should be {shape} by config.json; it is {found}.")
    strange = sorted(name for name in state if name.startswith("encoder.") and name not in expected)
    if strange:
        raise WeightsError(f"model.pt has {strange[0]!r}, which no known variant has.")


def encode(
    state: Mapping[str, torch.Tensor], values: torch.Tensor, n_heads: int, offset: float
) -> torch.Tensor:
    """Run the transformer over volumes.

    Parameters
    ----------
    state : mapping of str to Tensor
        Names as in the file, without ``encoder.``.
    values : Tensor of shape (n_volumes, width), float32
    n_heads : int
    offset : float
        From :func:`norm_offset`.

    Returns
    -------
    Tensor of shape (n_volumes, width), float32
    """
    frequencies = state["rotary_pos_emb.inv_freq"].float()
    positions = torch.arange(len(values), dtype=torch.float32, device=values.device)
    angles = positions[:, None] * frequencies
    turn = torch.polar(torch.ones_like(angles), angles)
    number = 0
    while f"layers.{number}.0.0.g" in state:
        name = f"layers.{number}."
        normed = _scale_norm(values, state[name + "0.0.g"], offset)
        step = _attend if number % 2 == 0 else _feed_forward
        values = values + step(state, name + "1.", normed, n_heads, turn)
        number += 1
    return _scale_norm(values, state["final_norm.g"], offset)


def _scale_norm(values: torch.Tensor, gain: torch.Tensor, offset: float) -> torch.Tensor:
    """Vectors of one length, times one gain."""
    length = values.norm(dim=-1, keepdim=True).clamp_min(_LEAST_NORM)
    return values / length * values.shape[-1] ** 0.5 * (gain + offset)


def _attend(
    state: Mapping[str, torch.Tensor],
    name: str,
    values: torch.Tensor,
    n_heads: int,
    turn: torch.Tensor,
) -> torch.Tensor:
    """Attention of every volume to every other, no mask; flash attention keeps it in bounds."""
    query, key, value = (
        functional.linear(values, state[f"{name}to_{what}.weight"])
        .unflatten(-1, (n_heads, -1))
        .transpose(0, 1)[None]
        for what in "qkv"
    )
    query, key = _rotate(query, turn), _rotate(key, turn)
    attended = functional.scaled_dot_product_attention(query, key, value)[0]
    return functional.linear(attended.transpose(0, 1).flatten(1), state[name + "to_out.weight"])


def _rotate(values: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """Turn neighbouring pairs by their positions' angles: rotary embedding, interleaved."""
    pairs = torch.view_as_complex(values.contiguous().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turn).flatten(-2)


def _feed_forward(
    state: Mapping[str, torch.Tensor],
    name: str,
    values: torch.Tensor,
    n_heads: int,
    turn: torch.Tensor,
) -> torch.Tensor:
    """Two linear layers with exact GELU between them."""
    first, second = name + "ff.0.0.", name + "ff.2."
    hidden = functional.linear(values, state[first + "weight"], state[first + "bias"])
    return functional.linear(
        functional.gelu(hidden), state[second + "weight"], state[second + "bias"]
    )


def encode_volumes(
    state: Mapping[str, torch.Tensor],
    features: torch.Tensor,
    subject_row: int,
    n_heads: int,
    offset: float,
) -> torch.Tensor:
    """Run one subject's transformer on the features of all volumes; no parcel is chosen yet.

    Parameters
    ----------
    state : mapping of str to Tensor
        As in ``model.pt``, float32.
    features : Tensor of shape (n_volumes, n_features), float32
    subject_row : int
        Row of the subject in the tables.
    n_heads : int
    offset : float
        From :func:`norm_offset`.

    Returns
    -------
    Tensor of shape (n_volumes, width), float32
    """
    person = state["subj_emb.weight"][subject_row].expand(len(features), -1)
    values = functional.linear(
        torch.cat([features, person], -1), state["inp.weight"], state["inp.bias"]
    )
    inner = {key[8:]: value for key, value in state.items() if key.startswith("encoder.")}
    return encode(inner, values, n_heads, offset)


def read_parcels(
    state: Mapping[str, torch.Tensor],
    encoded: torch.Tensor,
    subject_row: int,
    parcels: IntArray | None = None,
) -> torch.Tensor:
    """Responses of parcels, (n_volumes, n_parcels) float32; default all, in order."""
    weight, bias = state["out.weight"], state["out_bias.weight"][subject_row]
    if parcels is not None:
        chosen = torch.as_tensor(parcels, device=weight.device)
        weight, bias = weight[chosen], bias[chosen]
    return functional.linear(encoded, weight, bias)


class TextHead:
    """A variant's own network; mapped, and read when it is used.

    Parameters
    ----------
    path : Path
        ``model.pt``.
    config : TextConfig
    device : torch.device

    Attributes
    ----------
    path : Path
    offset : float
        Added to the stored gains of the norms.

    Raises
    ------
    WeightsError
        The file is unusable, or does not fit the config.
    """

    def __init__(self, path: Path, config: TextConfig, device: torch.device) -> None:
        self.path = path
        self._config = config
        self._device = device
        stored = read_torch_state(path)
        check_head(stored, config)
        self.offset = norm_offset(stored)
        self._state = {name: tensor.float().to(device) for name, tensor in stored.items()}
        with path.open("rb") as file:
            is_mapped = file.read(2) == b"PK"  # torch's zip form; the older one is read whole
        own = [name for name in stored if self._state[name] is stored[name]]
        self._mapped = [stored[name] for name in own] if is_mapped else []

    @property
    def held(self) -> Bytes:
        """Memory it holds; mapped tensors are given back after each use."""
        mapped = {id(tensor) for tensor in self._mapped}
        return held_bytes(one for one in self._state.values() if id(one) not in mapped)

    def encode(self, features: FloatArray, subject_row: int) -> torch.Tensor:
        """Encode all volumes for one subject, (n_volumes, width); all its parcels share it."""
        n_heads = self._config.num_transformer_heads
        with exact_arithmetic():
            values = torch.from_numpy(features).to(self._device)
            encoded = encode_volumes(self._state, values, subject_row, n_heads, self.offset)
        release_mapped(self._mapped)
        return encoded

    def read_out(
        self, encoded: torch.Tensor, subject_row: int, parcels: IntArray | None = None
    ) -> FloatArray:
        """Responses of one subject, (n_volumes, n_parcels) float32."""
        with exact_arithmetic():
            response = read_parcels(self._state, encoded, subject_row, parcels)
        release_mapped(self._mapped)
        values: FloatArray = response.cpu().numpy()
        return values

    def predict(self, features: FloatArray, subject_row: int) -> FloatArray:
        """Responses of all parcels of one subject."""
        return self.read_out(self.encode(features, subject_row), subject_row)
