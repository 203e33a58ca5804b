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
from os import PathLike
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from models.atlases import Regions
from models.catalog import ModelCard
from models.encoders._device import device_words, held_by
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
from models.weights.records import known_sha256

__all__ = ["DEFAULT_VARIANT", "Text2FMRI"]

DEFAULT_VARIANT = "ShreyDixit/Text2fMRI-Qwen-2.5-0.5B"


class Text2FMRI(PublishedModel):
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
        super().__init__(card, device, home)
        self.variant = variant
        self.config: TextConfig = read_config(self._hub_file(variant, "config.json"))
        self._head = TextHead(self._hub_file(variant, "model.pt"), self.config, self.device)
        self._reader = TranscriptReader(self.config, self._language_file, self.device)
        self._encoded: WeakKeyDictionary[Features, dict[int, torch.Tensor]] = WeakKeyDictionary()
        if self.config.num_subjects != len(card.subjects) or (
            self.config.num_rois != SCHAEFER1000.n_places
        ):
            raise WeightsError(
                f"{variant} is for {self.config.num_subjects} subjects and "
                f"{self.config.num_rois} parcels; this program knows {len(card.subjects)} and "
                f"{SCHAEFER1000.n_places}."
            )

    @property
    def held(self) -> Bytes:
        """Memory of the head and of the opened language model."""
        return held_by(self._head, self._reader)

    def close(self) -> None:
        """Let go of the language model; the next call opens it again. The small head stays."""
        self._reader.close()
        super().close()

    def features_sha256(self, subjects: Sequence[str] = ()) -> str:
        """One hash over the files of the head and of the language model."""
        return self._weights_sha256()

    @property
    def n_backbone_runs(self) -> int:
        """How often a text went through the language model; for tests."""
        return self._reader.n_runs

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
        lines, tr_s = stimuli[0].lines, stimuli[0].tr_s
        report("loading the language model", 0, 1)
        wanted = settings.as_dict().get("precision", "float32")
        precision, facts = self._checked_precision(wanted, report)
        values, cut = self._reader.read(lines, precision, report)
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
