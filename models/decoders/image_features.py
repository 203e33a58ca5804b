"""What a decoder learns to predict of a picture: DINOv2's features, or a filter bank's offline.

DINOv2 as NeuralBench takes it: output of block ``int(0.6667 * depth)``, no final norm, mean over
all tokens. The filter bank is that of the reference vision model (R1): contrast energy by place
and spatial frequency. It needs no download and knows nothing of what a picture shows, so numbers
obtained with it must name it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from models.catalog import get_card, load_object
from models.encoders.base import Features
from models.errors import ParameterError, StimulusError, WeightsError
from models.feature_files import FeatureFiles
from models.stimulus import Stimulus
from models.types import FloatArray, Report, Settings, UInt8Array, ignore_progress
from models.weights import locations

if TYPE_CHECKING:
    import torch

    from models.weights.ask import ReportProgress
    from models.weights.remote import Sources
    from models.weights.transfer import Patience

__all__ = [
    "DINOV2",
    "FILTER_BANK_NAME",
    "LAYER_SHARE",
    "Dinov2Size",
    "dinov2_features",
    "fetch_dinov2",
    "filter_bank_features",
    "find_dinov2",
    "prepare_picture",
]

Dinov2Size = Literal["small", "base", "large", "giant"]

#: Repository, number of features, depth, and about the size of the weights in bytes.
DINOV2: dict[str, tuple[str, int, int, int]] = {
    "small": ("facebook/dinov2-small", 384, 12, 88_000_000),
    "base": ("facebook/dinov2-base", 768, 12, 346_000_000),
    "large": ("facebook/dinov2-large", 1024, 24, 1_217_000_000),
    "giant": ("facebook/dinov2-giant", 1536, 40, 4_546_000_000),
}
#: Share of the blocks after which features are taken.
LAYER_SHARE = 0.6667

#: To be written beside every number that was obtained with it.
FILTER_BANK_NAME = "filter bank of the reference vision model (R1), not DINOv2"

_N_CELLS = 18  # of the filter bank's grid, a side
_SHORT_SIDE, _CROP = 256, 224
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SD = np.array([0.229, 0.224, 0.225], np.float32)
_STAGE = "looking at pictures"
_AT_ONCE = 8  # pictures in the network
_MOST_REMEMBERED = 20_000
_WEIGHTS = "model.safetensors"


def filter_bank_features(
    stimuli: Sequence[Stimulus], report: Report = ignore_progress
) -> FloatArray:
    """Contrast energy of pictures by place and spatial frequency; the fallback without a download.

    Parameters
    ----------
    stimuli : sequence of Stimulus
        Pictures, at least one; 8.4 deg wide.
    report : callable
        Called before each batch of 16 pictures.

    Returns
    -------
    ndarray of shape (n, 1296), float32
        Four bands of 18 x 18 cells, top row first; 0 to 1.

    Raises
    ------
    StimulusError
        No picture, or one that cannot be decoded.
    Cancelled
        ``report`` asked to stop.
    """
    card = get_card("reference-vision")
    model = load_object(card.encoder)(card)
    energy = model.features(stimuli, card.default_settings(), report).arrays[0]
    share = _cell_shares(energy.shape[-1])
    return np.asarray((share @ energy @ share.T).reshape(len(energy), -1), np.float32)


def _cell_shares(n_from: int) -> FloatArray:
    """Area average of ``n_from`` cells along an axis: (18, n_from), rows sum to 1."""
    edges = np.linspace(0, n_from, _N_CELLS + 1)
    cells = np.arange(n_from)
    last = np.minimum(edges[1:, None], cells + 1)
    first = np.maximum(edges[:-1, None], cells)
    shares: FloatArray = np.clip(last - first, 0, None) * (_N_CELLS / n_from)
    return shares


def dinov2_features(
    stimuli: Sequence[Stimulus],
    size: Dinov2Size = "small",
    report: Report = ignore_progress,
    *,
    device: str = "auto",
    home: str | Path | None = None,
    files: FeatureFiles | None = None,
) -> FloatArray:
    """Features of pictures by a pretrained DINOv2 (Oquab et al. 2023).

    Parameters
    ----------
    stimuli : sequence of Stimulus
        Pictures, at least one.
    size : {"small", "base", "large", "giant"}
        NeuralBench takes ``"giant"``; it wants a GPU.
    report : callable
        Called before each batch.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of the tree in which weights are looked for before the user's Hugging Face cache.
    files : FeatureFiles, optional
        Where features are kept between two starts; default as the environment says.

    Returns
    -------
    ndarray of shape (n, 384 | 768 | 1024 | 1536), float32
        Mean over all tokens after block ``int(0.6667 * depth)``: the 8th of 12, 16th of 24 or
        26th of 40. A picture seen before is not run again.

    Raises
    ------
    StimulusError
        No picture, or one that cannot be decoded.
    ParameterError
        Another size.
    WeightsError
        The weights are not here; the text says how to get them.
    Cancelled
        ``report`` asked to stop; what was done is remembered.
    """
    if not stimuli:
        raise StimulusError("Add at least one picture.")
    folder = find_dinov2(size, home)
    kept = files or FeatureFiles.find(home=home)
    rule = f"{DINOV2[size][0]}@{folder.name} block {_layer(size)} mean over tokens, crop {_CROP}"
    known: dict[str, FloatArray] = {}
    for stimulus in stimuli:
        found = _recall(rule, stimulus, kept)
        if found is not None:
            known[stimulus.digest] = found
    missing = list({s.digest: s for s in stimuli if s.digest not in known}.values())
    if missing:
        run = _Runner(folder, size, device)
        for start in range(0, len(missing), _AT_ONCE):
            report(_STAGE, start, len(missing))
            batch = missing[start : start + _AT_ONCE]
            for stimulus, row in zip(batch, run(batch), strict=True):
                known[stimulus.digest] = row
                _remember(rule, stimulus, row, kept)
    report(_STAGE, len(missing), len(missing))
    return np.stack([known[stimulus.digest] for stimulus in stimuli])


def find_dinov2(size: Dinov2Size, home: str | Path | None = None) -> Path:
    """Folder with the weights of one size; nothing is fetched.

    Raises
    ------
    ParameterError
        Another size.
    WeightsError
        They are not here; the text says how to get them.
    """
    if size not in DINOV2:
        raise ParameterError(f"DINOv2 comes as {', '.join(DINOV2)}; got {size!r}.")
    repo, *_, n_bytes = DINOV2[size]
    found = locations.find_hub_snapshot(repo, ("config.json", _WEIGHTS), home)
    if found is None:
        raise WeightsError(
            f"{repo} is not here ({n_bytes / 1e6:,.0f} MB): run `hf download {repo} config.json "
            f"{_WEIGHTS}`, or use the filter bank, which needs no download."
        )
    return found


def fetch_dinov2(
    size: Dinov2Size,
    *,
    home: str | Path | None = None,
    report: ReportProgress | None = None,
    sources: Sources | None = None,
    patience: Patience | None = None,
) -> Path:
    """Bring the weights of one size from the hub; a beginning is continued.

    Parameters
    ----------
    size : {"small", "base", "large", "giant"}
    home : path, optional
        Top of the tree.
    report : callable, optional
        Told a ``models.weights.ask.Progress``; may raise ``Cancelled``.
    sources, patience
        As in :func:`models.weights.fetch.fetch`.

    Returns
    -------
    Path
        Folder of the files.

    Raises
    ------
    OfflineError, DiskFullError, WeightsError
        They cannot be had; what came is kept.
    """
    from models.weights import fetch, hub
    from models.weights.ask import Item, Progress, tell_nobody

    if size not in DINOV2:
        raise ParameterError(f"DINOv2 comes as {', '.join(DINOV2)}; got {size!r}.")
    repo, tell = DINOV2[size][0], report or tell_nobody
    top = locations.berg_home(home)
    where = sources or fetch.Sources.from_environment()
    patient = patience or fetch.Patience()

    def tick() -> None:
        tell(Progress("asking", repo, 0, 0))

    listing = hub.list_repository(repo, top, where, patient, tick)
    names = [name for name in ("config.json", _WEIGHTS) if name in listing.files]
    if len(names) < 2:
        raise WeightsError(f"{repo} on {where.hub} has no {_WEIGHTS} or no config.json.")
    items = tuple(
        Item(listing.path(name, top), listing.files[name], listing.remote(name, where))
        for name in names
    )
    reference = hub.repo_folder(repo, top) / "refs" / "main"
    command = f"hf download {repo} config.json {_WEIGHTS}"
    plan = fetch.FetchPlan(items, ((reference, listing.commit),), 0, command, top)
    fetch.fetch("", plan=plan, report=tell, sources=where, patience=patient)
    return find_dinov2(size, home)


def prepare_picture(pixels: UInt8Array) -> FloatArray:
    """Resize and crop a picture as DINOv2's published processor does.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8

    Returns
    -------
    ndarray of shape (3, 224, 224), float32
        Short side 256 (bicubic), the middle 224 x 224, ImageNet's mean and deviation.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    short = min(height, width)
    size = [int(_SHORT_SIDE * side / short) for side in (width, height)]
    resized = Image.fromarray(pixels).resize((size[0], size[1]), Image.Resampling.BICUBIC)
    left, top = (size[0] - _CROP) // 2, (size[1] - _CROP) // 2
    crop = np.asarray(resized.crop((left, top, left + _CROP, top + _CROP)), np.float32)
    normalised = (crop / 255 - _MEAN) / _SD
    return np.ascontiguousarray(normalised.transpose(2, 0, 1), np.float32)


def _layer(size: str) -> int:
    """Blocks that are run."""
    return int(LAYER_SHARE * DINOV2[size][2])


class _Runner:
    """The first blocks of a DINOv2, loaded once a call."""

    def __init__(self, folder: Path, size: Dinov2Size, device: str) -> None:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModel

        from models.encoders._device import pick_device

        self._device = pick_device(device)
        try:
            model: Any = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as problem:
            raise WeightsError(f"The weights in {folder} cannot be read: {problem}") from problem
        depth = len(model.encoder.layer)
        if (depth, model.config.hidden_size) != (DINOV2[size][2], DINOV2[size][1]):
            raise WeightsError(f"{folder} does not hold {DINOV2[size][0]}.")
        self._embed = model.embeddings.to(self._device).eval()
        self._blocks = model.encoder.layer[: _layer(size)].to(self._device).eval()

    def __call__(self, stimuli: Sequence[Stimulus]) -> FloatArray:
        """Mean token after the last of these blocks, (n, width) float32."""
        import torch

        from models.encoders._device import exact_arithmetic

        pictures = np.stack([prepare_picture(stimulus.pixels()) for stimulus in stimuli])
        with exact_arithmetic():
            tokens: torch.Tensor = self._embed(torch.from_numpy(pictures).to(self._device))
            for block in self._blocks:
                tokens = block(tokens)
            mean: FloatArray = tokens.mean(dim=1).cpu().numpy()
        return mean


class _Memory:
    """The last rows, by what made them and the picture's content; shared by threads."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[str, str], FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str]) -> FloatArray | None:
        with self._lock:
            return self._rows.get(key)

    def put(self, key: tuple[str, str], row: FloatArray) -> None:
        with self._lock:
            self._rows[key] = row
            while len(self._rows) > _MOST_REMEMBERED:
                self._rows.popitem(last=False)


_MEMORY = _Memory()


def _recall(rule: str, stimulus: Stimulus, files: FeatureFiles | None) -> FloatArray | None:
    """Row of a picture that was seen before."""
    row = _MEMORY.get((rule, stimulus.digest))
    if row is None and files is not None:
        found = files.read(f"{rule} {stimulus.digest}", Features, Settings())
        if found is not None:
            row = found.arrays[0][0]
            _MEMORY.put((rule, stimulus.digest), row)
    return row


def _remember(rule: str, stimulus: Stimulus, row: FloatArray, files: FeatureFiles | None) -> None:
    _MEMORY.put((rule, stimulus.digest), row)
    if files is not None:
        kept = Features((row[None],), (stimulus.name,), Settings())
        files.write(f"{rule} {stimulus.digest}", kept)
