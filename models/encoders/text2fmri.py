"""Text2fMRI: parcels of four people from what is said (fmri-cneuromod_algo2025-text2fmri).

A language model reads the transcript; the mean of its last hidden states over the words of each
volume goes into a small transformer over volumes with one output table a person. See
:mod:`models.encoders._language_body`, :mod:`models.encoders._text_words` and
:mod:`models.encoders._text_head`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.atlases import Regions
from models.catalog import ModelCard
from models.encoders._device import device_words, exact_arithmetic, pick_device
from models.encoders._language_body import LanguageBody, Precision
from models.encoders._named_regions import text_regions
from models.encoders._precision import PROBE_LINES, PrecisionError, compare_precisions
from models.encoders._tensor_file import release_mapped
from models.encoders._text_head import (
    TextConfig,
    check_head,
    norm_offset,
    predict_parcels,
    read_config,
)
from models.encoders._text_words import assign_tokens, cut_windows, join_lines, window_words
from models.encoders.base import EncodingModel, Features, Preview
from models.errors import SelectionError, StimulusError, UnknownRegionError, WeightsError
from models.spaces import SCHAEFER1000, near_matches
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    Hemisphere,
    IntArray,
    Provenance,
    Report,
    Response,
    Selection,
    Settings,
    SettingValue,
    ignore_progress,
)
from models.weights.locations import find_hub_file, metadata_folder
from models.weights.pickles import read_numpy_dict, read_torch_state
from models.weights.records import known_sha256

__all__ = ["DEFAULT_VARIANT", "Text2FMRI"]

DEFAULT_VARIANT = "ShreyDixit/Text2fMRI-Qwen-2.5-0.5B"


class Text2FMRI(EncodingModel):
    """Response of 1,000 cortical parcels to a transcript.

    Parameters
    ----------
    card : ModelCard
        The row ``fmri-cneuromod_algo2025-text2fmri``.
    variant : str
        Hugging Face repository of the head; its ``config.json`` names the language model.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of a tree in BERG's layout; default the program's own.

    Raises
    ------
    WeightsError
        Files are missing or unusable.
    """

    def __init__(
        self,
        card: ModelCard,
        variant: str = DEFAULT_VARIANT,
        device: str = "auto",
        home: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(card)
        self.variant = variant
        self._home = home
        self._device = pick_device(device)
        self.config: TextConfig = read_config(self._hub_file(variant, "config.json"))
        self._head = _Head(self._hub_file(variant, "model.pt"), self.config, self._device)
        if self.config.num_subjects != len(card.subjects) or (
            self.config.num_rois != SCHAEFER1000.n_places
        ):
            raise WeightsError(
                f"{variant} is for {self.config.num_subjects} subjects and "
                f"{self.config.num_rois} parcels; this program knows {len(card.subjects)} and "
                f"{SCHAEFER1000.n_places}."
            )
        self._bodies: dict[Precision, LanguageBody] = {}
        self._tokenizer: Any = None
        self._probe: PrecisionError | None = None
        self._regions: dict[str, IntArray] | None = None
        self._sha256 = ""
        self._lock = threading.RLock()

    @property
    def n_backbone_runs(self) -> int:
        """How often a text went through the language model; for tests."""
        return sum(body.n_runs for body in self._bodies.values())

    def features(
        self,
        stimuli: Sequence[Stimulus],
        settings: Settings,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
    ) -> Features:
        """Hidden states of the language model, averaged over the words of each volume.

        Parameters
        ----------
        stimuli : sequence of one Stimulus
            A transcript.
        settings : Settings
            ``precision`` is used, where the card declares it.
        report : callable
            Called after each layer of the language model.
        subjects : sequence of str
            Ignored: all share the language model.

        Returns
        -------
        Features
            One array, (n_volumes, n_features) float32; 0 for a volume without a token.

        Raises
        ------
        StimulusError
            Not exactly one transcript.
        WeightsError
            Files are missing or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        if len(stimuli) != 1:
            raise StimulusError(f"Give one transcript at a time; got {len(stimuli)}.")
        lines, tr_s = stimuli[0].lines, stimuli[0].tr_s
        wanted = settings.as_dict().get("precision", "float32")
        with self._lock:
            precision, facts = self._checked_precision(wanted)
            report("loading the language model", 0, 1)
            values, cut = self._read(lines, precision, report)
        facts |= {
            "variant": self.variant,
            "language_model": self.config.extractor_LLM,
            "transcript": cut,
            "tr_s": tr_s,
            "trained_tr_s": self.config.tr,
            "device": device_words(self._device),
        }
        onsets = tuple(f"{number * tr_s:.2f}" for number in range(len(lines)))
        return Features((values,), onsets, settings, (), facts)

    def readout(
        self,
        features: Features,
        selection: Selection,
        settings: Settings,
        report: Report = ignore_progress,
    ) -> tuple[Response, ...]:
        """Responses of the selected parcels, one Response a subject.

        Parameters
        ----------
        features : Features
        selection : Selection
            Regions are the seven networks; indices are parcels of the atlas's order, from 0.
        settings : Settings
            None are used.
        report : callable
            Called before each subject.

        Returns
        -------
        tuple of Response
            A row a volume, always, even where there is one; columns are parcels, rising.

        Raises
        ------
        SelectionError
            Subject, network or index is not in this model, or nothing is left.
        """
        self.check_subjects(selection)
        parcels = self.select_parcels(selection)
        ids = [subject for subject, _ in self.card.subjects]
        responses = []
        for number, subject in enumerate(selection.subjects):
            report("reading out the parcels", number, len(selection.subjects))
            responses.append(
                Response(
                    values=self._head.predict(features.arrays[0], ids.index(subject), parcels),
                    space=SCHAEFER1000,
                    row_labels=features.row_labels,
                    units=self.card.units,
                    is_signed=self.card.is_signed,
                    provenance=self._provenance(subject, selection, settings, features),
                    columns=parcels,
                    row_kind="seconds",
                )
            )
        return tuple(responses)

    def preview(self, stimulus: Stimulus, settings: Settings) -> Preview:
        """Refuse: a transcript has no picture.

        Raises
        ------
        StimulusError
            Always.
        """
        raise StimulusError(f"“{stimulus.name}”: this model reads words and sees no picture.")

    def regions(self) -> Mapping[str, IntArray]:
        """Parcels of each network, from 0; the same for all subjects.

        Raises
        ------
        WeightsError
            The metadata file is missing or unusable.
        """
        with self._lock:
            if self._regions is None:
                path = metadata_folder(self.card, self._home) / "metadata.npy"
                self._regions = _read_networks(read_numpy_dict(path), path)
            return self._regions

    def regions_of(self, subject: str) -> Regions:
        """Return :meth:`regions` for pickers."""
        self.check_subjects(Selection((subject,)))
        return text_regions(self.regions(), "metadata.npy")

    def region_parcels(self, region: str) -> IntArray:
        """Parcels of one network; upper or lower case does not matter.

        Raises
        ------
        UnknownRegionError
            There is no such network; the message lists near matches.
        """
        known = self.regions()
        by_lower = {name.lower(): parcels for name, parcels in known.items()}
        if region.lower() not in by_lower:
            near = near_matches(region, known) or list(known)
            raise UnknownRegionError(
                f"There is no network {region!r}. Did you mean {', '.join(near)}?"
            )
        return by_lower[region.lower()]

    def select_parcels(self, selection: Selection) -> IntArray:
        """Parcels of a selection, rising, at least one.

        Raises
        ------
        UnknownRegionError
            There is no such network.
        SelectionError
            An index is not in the atlas, or nothing is left.
        """
        n_places = SCHAEFER1000.n_places
        is_selected = np.ones(n_places, bool)
        if selection.regions:
            is_selected[:] = False
            for region in selection.regions:
                is_selected[self.region_parcels(region)] = True
        if selection.hemisphere != "both":
            other: Hemisphere = "right" if selection.hemisphere == "left" else "left"
            is_selected[SCHAEFER1000.hemisphere_slice(other)] = False
        if selection.indices is not None:
            if selection.indices and selection.indices[-1] >= n_places:
                raise SelectionError(
                    f"There is no parcel {selection.indices[-1]}; there are {n_places}."
                )
            is_listed = np.zeros_like(is_selected)
            is_listed[list(selection.indices)] = True
            is_selected &= is_listed
        if not is_selected.any():
            raise SelectionError("No parcel is in this selection: pick more networks.")
        return np.flatnonzero(is_selected)

    def _hub_file(self, repo: str, name: str) -> Path:
        """Find a file of a Hugging Face repository on this computer."""
        path = find_hub_file(repo, name, self._home)
        if path is None:
            raise WeightsError(
                f"{name} of {repo} is not here: python -m models fetch {self.card.id}"
            )
        return path

    def _body(self, precision: Precision) -> LanguageBody:
        """Open the language model, once for each precision."""
        if precision not in self._bodies:
            folder = self._hub_file(self.config.extractor_LLM, "config.json").parent
            body = LanguageBody(folder, self._device, precision)
            if body.width != self.config.extractor_LLM_feature_size:
                raise WeightsError(
                    f"{self.variant} needs {self.config.extractor_LLM_feature_size} features; "
                    f"{self.config.extractor_LLM} gives {body.width}."
                )
            self._bodies[precision] = body
        return self._bodies[precision]

    def _tokens(self, text: str) -> tuple[torch.Tensor, IntArray]:
        """Token ids (n,), and each token's first letter and the one after its last (n, 2)."""
        if self._tokenizer is None:
            from transformers import AutoTokenizer

            folder = self._hub_file(self.config.extractor_LLM, "tokenizer.json").parent
            self._tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_fast=True
            )
        found = self._tokenizer(
            text, return_offsets_mapping=True, add_special_tokens=True, verbose=False
        )
        offsets = np.asarray(found["offset_mapping"], np.int64).reshape(-1, 2)
        return torch.tensor(found["input_ids"], dtype=torch.int64), offsets

    def _read(
        self, lines: Sequence[str], precision: Precision, report: Report
    ) -> tuple[FloatArray, str]:
        """Features of each volume, (n_volumes, n_features), and how the text was cut."""
        body = self._body(precision)
        text, ends = join_lines(lines)
        ids, offsets = self._tokens(text)
        volume = torch.from_numpy(assign_tokens(offsets, ends))
        total = torch.zeros(len(lines) + 1, body.width)  # the last row takes tokens of no volume
        windows = cut_windows(len(ids), body.context)
        with exact_arithmetic():
            for number, window in enumerate(windows):
                at = window.start
                words = f"reading the words (window {number + 1} of {len(windows)})"
                watch = _stage(report, words if len(windows) > 1 else "reading the words")
                n_last = self.config.extractor_LLM_num_last_hidden_states
                piece = ids[window.start : window.stop]
                for states in body.hidden_states(piece, n_last, watch):
                    skip = min(len(states), max(0, window.first_used - at))
                    total.index_add_(0, volume[at + skip : at + len(states)], states[skip:].cpu())
                    at += len(states)
        counts = torch.bincount(volume[volume >= 0], minlength=len(lines))
        values: FloatArray = (total[:-1] / counts.clamp_min(1)[:, None]).numpy()
        return values, window_words(windows, body.context)

    def _checked_precision(self, wanted: SettingValue) -> tuple[Precision, dict[str, SettingValue]]:
        """Precision to use and what provenance must say of it.

        The shorter type is only used after a fixed text gave the same answer in both.
        """
        if wanted != "bfloat16":
            return "float32", {"precision": "float32"}
        if self._probe is None:
            answers = []
            for precision in ("float32", "bfloat16"):
                values, _ = self._read(PROBE_LINES, precision, ignore_progress)
                answers.append(self._head.predict(values, 0))
            self._probe = compare_precisions(*answers)
        error = self._probe
        used: Precision = "bfloat16" if error.is_within_bound else "float32"
        return used, {"precision": used, "bfloat16_against_float32": error.words}

    def _provenance(
        self, subject: str, selection: Selection, settings: Settings, features: Features
    ) -> Provenance:
        """Where the numbers come from."""
        card = self.card
        facts = {"scale_norm_offset": self._head.offset, **features.facts}
        return Provenance(
            model_id=card.id,
            model_title=card.title,
            version=card.version,
            weights_sha256=self._weights_sha256(),
            subject=subject,
            caveat=card.caveat,
            badge=card.badge,
            citation=card.citation,
            licence=card.licence,
            selection=selection.as_dict(),
            settings={**settings.as_dict(), **facts},
        )

    def _weights_sha256(self) -> str:
        """One hash over the hashes of the head's and the language model's files."""
        with self._lock:
            if not self._sha256:
                folder = self._hub_file(self.config.extractor_LLM, "config.json").parent
                paths = [self._head.path, *sorted(folder.glob("*.safetensors"))]
                hashes = "".join(known_sha256(path, self._home) for path in paths)
                self._sha256 = hashlib.sha256(hashes.encode()).hexdigest()
            return self._sha256


class _Head:
    """The variant's own network; mapped, and read when it is used."""

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

    def predict(
        self, features: FloatArray, subject_row: int, parcels: IntArray | None = None
    ) -> FloatArray:
        """Responses of one subject, (n_volumes, n_parcels) float32."""
        with exact_arithmetic():
            values: FloatArray = (
                predict_parcels(
                    self._state,
                    torch.from_numpy(features).to(self._device),
                    subject_row,
                    self._config.num_transformer_heads,
                    self.offset,
                    parcels,
                )
                .cpu()
                .numpy()
            )
        release_mapped(self._mapped)
        return values


def _stage(report: Report, words: str) -> Callable[[int, int], None]:
    """Report of one stage."""

    def tell(done: int, total: int) -> None:
        report(words, done, total)

    return tell


def _read_networks(metadata: dict[str, Any], path: Path) -> dict[str, IntArray]:
    """Parcels of each network."""
    masks = metadata.get("roi_masks")
    if not isinstance(masks, dict) or not masks:
        raise WeightsError(f"{path.name} holds no masks of networks.")
    networks: dict[str, IntArray] = {}
    for name, mask in masks.items():
        values = np.asarray(mask)
        if values.shape != (SCHAEFER1000.n_places,) or not np.isin(values, (0, 1)).all():
            raise WeightsError(f"{path.name}: {name} is no mask of {SCHAEFER1000.n_places}.")
        networks[str(name)] = np.flatnonzero(values)
    return networks
