"""Text2fMRI: parcels of four people from what is said (fmri-cneuromod_algo2025-text2fmri).

A language model reads the transcript; the mean of its last hidden states over the words of each
volume goes into a small transformer over volumes with one output table a person. See
:mod:`models.encoders._text_reading`, :mod:`models.encoders._text_words` and
:mod:`models.encoders._text_head`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from models.atlases import Regions
from models.catalog import ModelCard
from models.encoders._device import device_words, free_unused_memory, held_by
from models.encoders._language_body import Precision
from models.encoders._named_regions import text_regions
from models.encoders._precision import (
    PROBE_LINES,
    PrecisionError,
    compare_precisions,
    measured_once,
    shorter_types,
)
from models.encoders._published_model import PublishedModel, find_region, select_places
from models.encoders._text_head import TextConfig, TextHead, read_config
from models.encoders._text_reading import TranscriptReader
from models.encoders.base import Features, Preview
from models.errors import StimulusError, WeightsError
from models.memory import Bytes
from models.spaces import SCHAEFER1000
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    IntArray,
    Report,
    Response,
    Selection,
    Settings,
    SettingValue,
    ignore_progress,
)
from models.weights.locations import berg_home, find_hub_file, metadata_folder
from models.weights.pickles import read_numpy_dict
from models.weights.plans import DEFAULT_TEXT_VARIANT, check_repo
from models.weights.records import known_sha256

__all__ = ["Text2FMRI"]


class Text2FMRI(PublishedModel):
    """Response of 1,000 cortical parcels to a transcript.

    Parameters
    ----------
    card : ModelCard
        The row ``fmri-cneuromod_algo2025-text2fmri``.
    variant : str
        Hugging Face repository of the head; its ``config.json`` names the language model. Empty:
        the one that the settings of each call name, read when it is first asked for.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of a tree in BERG's layout; default the program's own.

    Raises
    ------
    WeightsError
        A variant is named, and its files are missing or unusable.
    """

    def __init__(
        self,
        card: ModelCard,
        variant: str = "",
        device: str = "auto",
        home: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(card, device, home)
        self.variant = variant or DEFAULT_TEXT_VARIANT
        self._is_fixed = bool(variant)
        self._others: dict[str, Text2FMRI] = {}
        self._encoded: WeakKeyDictionary[Features, dict[int, torch.Tensor]] = WeakKeyDictionary()
        if self._is_fixed:
            self._reader, self._head  # noqa: B018 - opens them, or says what is missing

    @cached_property
    def config(self) -> TextConfig:
        """Sizes of the variant."""
        return read_config(self._hub_file(self.variant, "config.json"))

    @cached_property
    def _head(self) -> TextHead:
        config, n_subjects = self.config, len(self.card.subjects)
        head = TextHead(self._hub_file(self.variant, "model.pt"), config, self.device)
        if (config.num_subjects, config.num_rois) != (n_subjects, SCHAEFER1000.n_places):
            raise WeightsError(
                f"{self.variant} is for {config.num_subjects} subjects and {config.num_rois} "
                f"parcels; this program knows {n_subjects} and {SCHAEFER1000.n_places}."
            )
        return head

    @cached_property
    def _reader(self) -> TranscriptReader:
        return TranscriptReader(self.config, self._language_file, self.device)

    def _for(self, settings: Settings) -> Text2FMRI:
        """Return the model of the variant that the settings name; this one where it is fixed."""
        named = str(settings.as_dict().get("variant", "")) or self.variant
        if self._is_fixed or named == self.variant:
            return self
        with self._lock:
            if named not in self._others:
                check_repo(named)
                self._others[named] = Text2FMRI(self.card, named, self._device_name, self.home)
            return self._others[named]

    @property
    def held(self) -> Bytes:
        """Memory of the opened heads and language models, of all variants."""
        opened = [vars(self)[name] for name in ("_head", "_reader") if name in vars(self)]
        return held_by(opened, list(self._others.values()))

    def close(self) -> None:
        """Let go of the language models and of other variants; the next call opens them again.

        The small head of the first variant stays.
        """
        with self._lock:
            others = list(self._others.values())
            self._others.clear()
        for other in others:
            other.close()
        if "_reader" in vars(self):
            self._reader.close()
        super().close()

    def features_sha256(self, subjects: Sequence[str] = ()) -> str:
        """One hash over the files of the head and of the language model."""
        return self._weights_sha256()

    def sha256_under(self, settings: Settings, subjects: Sequence[str] = ()) -> str:
        """Return that hash of the variant that the settings name."""
        return self._for(settings).features_sha256(subjects)

    @property
    def n_backbone_runs(self) -> int:
        """How often a text went through the language model; for tests."""
        own = self._reader.n_runs if "_reader" in vars(self) else 0
        return own + sum(one.n_backbone_runs for one in self._others.values())

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
            ``variant``, ``precision`` and ``is_frugal`` are used, where the card declares them.
        report : callable
            Called after each layer of the language model.
        subjects : sequence of str
            Ignored: all share the language model.

        Returns
        -------
        Features
            One array, (n_volumes, n_features) float32; 0 for a volume without a token. The facts
            state the precision that was used and how a long transcript was cut.

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
        if (other := self._for(settings)) is not self:
            return other.features(stimuli, settings, report, subjects)
        lines, tr_s = stimuli[0].lines, stimuli[0].tr_s
        report("loading the language model", 0, 1)
        wanted = settings.as_dict().get("precision", "float32")
        precision, facts = self._checked_precision(wanted, report)
        values, cut = self._reader.read(lines, precision, report)
        self._save_memory(settings)
        facts |= {
            "variant": self.variant,
            "language_model": self.config.extractor_LLM,
            "transcript": cut,
            "tr_s": tr_s,
            "trained_tr_s": self.config.tr,
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
            ``variant`` and ``is_frugal`` are used, where the card declares them.
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
        if (other := self._for(settings)) is not self:
            return other.readout(features, selection, settings, report)
        self.check_subjects(selection)
        self._save_memory(settings)
        parcels = self.select_parcels(selection)
        ids = [subject for subject, _ in self.card.subjects]
        facts = {"scale_norm_offset": self._head.offset, **features.facts}
        responses = []
        for number, subject in enumerate(selection.subjects):
            report("reading out the parcels", number, len(selection.subjects))
            responses.append(
                Response(
                    values=self._responses(features, ids.index(subject), parcels),
                    space=SCHAEFER1000,
                    row_labels=features.row_labels,
                    units=self.card.units,
                    is_signed=self.card.is_signed,
                    provenance=self._provenance(
                        subject, selection, settings, self._weights_sha256(), **facts
                    ),
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
        return self._once("regions", self._read_networks)

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
        own = {name.lower(): name for name in known}
        return find_region(known, own.get(region.lower(), region), "network")

    def select_parcels(self, selection: Selection) -> IntArray:
        """Parcels of a selection, rising, at least one.

        Raises
        ------
        UnknownRegionError
            There is no such network.
        SelectionError
            An index is not in the atlas, or nothing is left.
        """
        return select_places(selection, SCHAEFER1000, self.region_parcels, "parcel")

    def _save_memory(self, settings: Settings) -> None:
        """Let go of the language model, where the settings ask for it."""
        if settings.as_dict().get("is_frugal") and "_reader" in vars(self):
            self._reader.close()
            free_unused_memory()

    def _responses(self, features: Features, row: int, parcels: IntArray) -> FloatArray:
        """Responses of one subject; what its parcels share is kept as long as the features."""
        encoded = self._encoded.setdefault(features, {})
        if row not in encoded:
            encoded[row] = self._head.encode(features.arrays[0], row)
        return self._head.read_out(encoded[row], row, parcels)

    def _hub_file(self, repo: str, name: str) -> Path:
        """Find a file of a Hugging Face repository on this computer."""
        path = find_hub_file(repo, name, self.home)
        if path is None:
            raise WeightsError(
                f"{name} of {repo} is not here: python -m models fetch {self.card.id}"
            )
        return path

    def _language_file(self, name: str) -> Path:
        """Find a file of the language model."""
        return self._hub_file(self.config.extractor_LLM, name)

    def _checked_precision(
        self, wanted: SettingValue, report: Report
    ) -> tuple[Precision, dict[str, SettingValue]]:
        """Precision to use and what provenance must say of it.

        A shorter type is only used after a fixed text gave the same answer in both, sooner.
        """
        if wanted == "float32":
            return "float32", {"precision": "float32"}
        facts: dict[str, SettingValue] = {}
        for short in shorter_types(self.device):
            error = self._error_of(short, report)
            facts[f"{short}_against_float32"] = error.words
            if error.is_acceptable:
                return short, {"precision": short, **facts}
        return "float32", {"precision": "float32", **facts}

    def _error_of(self, short: Precision, report: Report) -> PrecisionError:
        """Error of a shorter type on a fixed text: measured once for these files and device."""
        processor = torch.cpu.get_capabilities().get("cpu_name", "")
        key = {
            "weights": self._weights_sha256(),
            "probe": hashlib.sha256("\n".join(PROBE_LINES).encode()).hexdigest(),
            "type": short,
            "device": f"{device_words(self.device)}, {processor}",
            "torch": torch.__version__,
        }
        folder = berg_home(self.home) / "records" / "precision"

        def measure() -> PrecisionError:
            exact, exact_s = self._probe("float32", report)
            shorter, shorter_s = self._probe(short, report)
            return compare_precisions(exact, shorter, speedup=exact_s / shorter_s)

        return self._once(("error", short), lambda: measured_once(folder, key, measure))

    def _probe(self, precision: Precision, report: Report) -> tuple[FloatArray, float]:
        """Responses to the fixed text, and the seconds of a second reading, once files are warm."""

        def read_twice() -> tuple[FloatArray, float]:
            for done in (0, 1):
                report(f"trying {precision} on a fixed text", done, 2)
                start = time.perf_counter()
                values, _ = self._reader.read(PROBE_LINES, precision, ignore_progress)
                spent_s = time.perf_counter() - start
            return self._head.predict(values, 0), spent_s

        return self._once(("probe", precision), read_twice)

    def _weights_sha256(self) -> str:
        """One hash over the hashes of the head's and the language model's files."""

        def digest() -> str:
            folder = self._language_file("config.json").parent
            paths = [self._head.path, *sorted(folder.glob("*.safetensors"))]
            hashes = "".join(known_sha256(path, self.home) for path in paths)
            return hashlib.sha256(hashes.encode()).hexdigest()

        return self._once("sha256", digest)

    def _read_networks(self) -> dict[str, IntArray]:
        """Parcels of each network, from the metadata."""
        path = metadata_folder(self.card, self.home) / "metadata.npy"
        return _networks_of(read_numpy_dict(path), path)


def _networks_of(metadata: dict[str, Any], path: Path) -> dict[str, IntArray]:
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
