"""NSD huze: a finetuned DINOv2 per person, every vertex of fsaverage (fmri-nsd_fsaverage-huze).

Each person's checkpoint has two parts, each a whole network of its own; part 1 predicts the
vertices it lists, part 2 the others. See :mod:`models.encoders._huze_parts` for what is read and
folded, :mod:`models.encoders._huze_network` for the network, and
:mod:`models.encoders._huze_readout` for the readout.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.atlases import Regions
from models.catalog import ModelCard
from models.encoders._device import device_words, exact_arithmetic, pick_device, run_in_batches
from models.encoders._huze_network import PICTURE_SIDE, HuzePart, normalise
from models.encoders._huze_parts import (
    N_VERTICES,
    HuzeConstants,
    part_layout,
    part_tensors,
    read_shape,
)
from models.encoders._maps import huze_overlays
from models.encoders._named_regions import huze_regions
from models.encoders._tensor_file import TensorFile, release_mapped, write_tensors
from models.encoders.base import EncodingModel, Features, Overlay, Preview
from models.errors import SelectionError, StimulusError, UnknownRegionError, WeightsError
from models.spaces import FSAVERAGE, near_matches
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
    UInt8Array,
    ignore_progress,
)
from models.weights.convert import converted, sources_sha256
from models.weights.locations import metadata_folder, weights_folder
from models.weights.pickles import read_index_file, read_numpy_dict, read_torch_state

__all__ = ["NsdHuze", "read_constants", "write_huze"]

_BATCH = 16  # pictures whose maps are convolved together
_SUBJECTS_KEPT = 2
_PICTURE_WIDTH_DEG = 8.4  # of the pictures of the Natural Scenes Dataset
_INDEX_FILE = "part1_voxel_indices.pt"
_PART_FILES = ("part1.safetensors", "part2.safetensors")
_CONVERTER_VERSION = 1
_CONSTANTS_FILES = ("config.json", "huze_config.json", "config.yaml", "config.yml")

#: The model's page says OVWFA, its metadata OWFA.
_OTHER_NAMES = {"OVWFA": "OWFA", "OWFA": "OVWFA"}


class NsdHuze(EncodingModel):
    """Response of every fsaverage vertex of one person to pictures, z-scored per session.

    Parameters
    ----------
    card : ModelCard
        The row ``fmri-nsd_fsaverage-huze``.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of a tree in BERG's layout; default the program's own.

    Attributes
    ----------
    n_backbone_runs : int
        How many pictures went through a network, counting both parts; for tests.
    """

    def __init__(
        self, card: ModelCard, device: str = "auto", home: str | PathLike[str] | None = None
    ) -> None:
        super().__init__(card)
        self._device = pick_device(device)
        self._home = home
        self._subjects: OrderedDict[str, _Subject] = OrderedDict()
        self._regions: dict[str, dict[str, IntArray]] = {}
        self._lock = threading.Lock()
        self.n_backbone_runs = 0

    def features(
        self,
        stimuli: Sequence[Stimulus],
        settings: Settings,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
    ) -> Features:
        """Run both parts of each subject's network.

        Parameters
        ----------
        stimuli : sequence of Stimulus
            Pictures, at least one.
        settings : Settings
            None are used.
        report : callable
            Called before each batch.
        subjects : sequence of str
            Whose networks run; default the first of the card.

        Returns
        -------
        Features
            Two arrays a subject (part 1, part 2), float32 (n_pictures, 18, 18, n_layers, width).

        Raises
        ------
        StimulusError
            No picture, or one that cannot be decoded.
        SelectionError
            A subject is not on the card.
        WeightsError
            Files are missing or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        if not stimuli:
            raise StimulusError("Add at least one picture.")
        pictures = [_pixels(stimulus) for stimulus in stimuli]
        names = tuple(stimulus.name for stimulus in stimuli)
        return self.features_of_pictures(pictures, settings, report, subjects, names)

    def features_of_pictures(
        self,
        pictures: Sequence[UInt8Array],
        settings: Settings,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> Features:
        """Do the same for pictures that are arrays: each (3, height, width), 0 to 255."""
        chosen = tuple(subjects) or (self.card.subjects[0][0],)
        self.check_subjects(Selection(chosen))
        labels = tuple(names) or tuple(str(number) for number in range(len(pictures)))
        arrays = []
        for subject in chosen:
            person = self._subject(subject)
            for number, part in enumerate(person.parts):
                stage = f"looking at pictures (subject {subject}, part {number + 1} of 2)"
                arrays.append(self._maps(part, pictures, report, stage))
                part.release()
        facts = {"device": device_words(self._device)}
        return Features(tuple(arrays), labels, settings, chosen, facts)

    def readout(
        self,
        features: Features,
        selection: Selection,
        settings: Settings,
        report: Report = ignore_progress,
    ) -> tuple[Response, ...]:
        """Responses of the selected vertices, one Response a subject.

        Parameters
        ----------
        features : Features
            Made with all of the selection's subjects.
        selection : Selection
            Regions of the subject's own metadata; indices are vertices of fsaverage, left first.
        settings : Settings
            None are used.
        report : callable
            Called before each subject.

        Returns
        -------
        tuple of Response
            Columns: the selected vertices, rising; z per session.

        Raises
        ------
        SelectionError
            Subject, region or index is not in this model, nothing is left, or the features are
            of other subjects.
        WeightsError
            Files are missing or unusable.
        """
        self.check_subjects(selection)
        missing = [name for name in selection.subjects if name not in features.subjects]
        if missing:
            raise SelectionError(
                f"Each subject of {self.card.title} has a network of its own; these features are "
                f"of {list(features.subjects)}, not of {missing[0]!r}."
            )
        responses = []
        for number, subject in enumerate(selection.subjects):
            report("reading out the vertices", number, len(selection.subjects))
            where = 2 * features.subjects.index(subject)
            maps = features.arrays[where : where + 2]
            columns = self.select_vertices(subject, selection)
            person = self._subject(subject)
            responses.append(
                Response(
                    values=person.read_out(maps, columns),
                    space=FSAVERAGE,
                    row_labels=features.row_labels,
                    units=self.card.units,
                    is_signed=self.card.is_signed,
                    provenance=self._provenance(subject, person, selection, settings, features),
                    columns=columns,
                )
            )
        return tuple(responses)

    def preview(self, stimulus: Stimulus, settings: Settings) -> Preview:
        """Picture as the network takes it: stretched to 224 x 224.

        Raises
        ------
        StimulusError
            The picture cannot be decoded.
        """
        seen = normalise(_pixels(stimulus)[None]).numpy()[0]
        deviation, mean = (0.229, 0.224, 0.225), (0.485, 0.456, 0.406)
        grey = seen * np.reshape(deviation, (3, 1, 1)) + np.reshape(mean, (3, 1, 1))
        half = _PICTURE_WIDTH_DEG / 2
        extent = (-half, half, -half, half)
        return Preview(
            pixels=np.rint(255 * grey.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0),
            extent_deg=extent,
            picture_deg=extent,
            note=(
                f"Stretched to a square of {PICTURE_SIDE} pixels; in the experiment pictures were "
                f"{_PICTURE_WIDTH_DEG}° wide."
            ),
        )

    def regions(self, subject: str) -> Mapping[str, IntArray]:
        """Regions of one subject.

        Returns
        -------
        mapping of str to ndarray of int
            Vertices of fsaverage, left hemisphere (0 to 163,841) before right; within a
            hemisphere in the order of the metadata file. May be empty.

        Raises
        ------
        WeightsError
            The subject's metadata file is missing or unusable.
        """
        self.check_subjects(Selection((subject,)))
        with self._lock:
            if subject not in self._regions:
                path = self._metadata_path(subject)
                self._regions[subject] = _read_regions(read_numpy_dict(path), path)
            return self._regions[subject]

    def regions_of(self, subject: str) -> Regions:
        """Return :meth:`regions` with headings and words; those without a vertex are left out."""
        return huze_regions(self.regions(subject), self._metadata_path(subject).name)

    def overlays(self, subject: str) -> tuple[Overlay, ...]:
        """Return held-out accuracy and noise ceilings of every vertex; read at each call."""
        self.check_subjects(Selection((subject,)))
        path = self._metadata_path(subject)
        return huze_overlays(read_numpy_dict(path), path.name)

    def _metadata_path(self, subject: str) -> Path:
        """Where one subject's metadata lie."""
        folder = metadata_folder(self.card, self._home)
        return folder / f"metadata_subject-{_number(subject):02d}.npy"

    def region_vertices(self, subject: str, region: str) -> IntArray:
        """Vertices of one region, in stored order; both OVWFA and OWFA name the same.

        Raises
        ------
        UnknownRegionError
            The subject has no such region; the message lists near matches.
        """
        known = self.regions(subject)
        name = region if region in known else _OTHER_NAMES.get(region, region)
        if name not in known:
            near = near_matches(region, known) or list(known)
            raise UnknownRegionError(
                f"There is no region {region!r}. Did you mean {', '.join(near)}?"
            )
        return known[name]

    def select_vertices(self, subject: str, selection: Selection) -> IntArray:
        """Vertices of a selection in one subject, rising, at least one.

        Raises
        ------
        UnknownRegionError
            The subject has no such region.
        SelectionError
            An index is not on fsaverage, or nothing is left.
        """
        is_selected = np.ones(N_VERTICES, bool)
        if selection.regions:
            is_selected[:] = False
            for region in selection.regions:
                is_selected[self.region_vertices(subject, region)] = True
        if selection.hemisphere != "both":
            other: Hemisphere = "right" if selection.hemisphere == "left" else "left"
            is_selected[FSAVERAGE.hemisphere_slice(other)] = False
        if selection.indices is not None:
            if selection.indices and selection.indices[-1] >= N_VERTICES:
                raise SelectionError(
                    f"Vertex {selection.indices[-1]} is not on fsaverage, which has "
                    f"{N_VERTICES:,} vertices."
                )
            is_listed = np.zeros_like(is_selected)
            is_listed[list(selection.indices)] = True
            is_selected &= is_listed
        if not is_selected.any():
            what = " and ".join(selection.regions) or "the selection"
            raise SelectionError(f"Subject {subject} has no vertex in {what}: pick more.")
        return np.flatnonzero(is_selected)

    def _subject(self, subject: str) -> _Subject:
        """One subject's network, opened on first use; the latest two are kept."""
        with self._lock:
            if subject not in self._subjects:
                folder = weights_folder(self.card, self._home)
                self._subjects[subject] = _open_subject(
                    folder, _number(subject), self._device, self._home
                )
                while len(self._subjects) > _SUBJECTS_KEPT:
                    self._subjects.popitem(last=False)
            self._subjects.move_to_end(subject)
            return self._subjects[subject]

    def _maps(
        self, part: HuzePart, pictures: Sequence[UInt8Array], report: Report, stage: str
    ) -> FloatArray:
        """Run one part on all pictures."""

        def run(some: Sequence[UInt8Array]) -> FloatArray:
            self.n_backbone_runs += len(some)
            with exact_arithmetic():
                return part.features(torch.cat([normalise(picture[None]) for picture in some]))

        return np.concatenate(run_in_batches(pictures, run, _BATCH, report, stage))

    def _provenance(
        self,
        subject: str,
        person: _Subject,
        selection: Selection,
        settings: Settings,
        features: Features,
    ) -> Provenance:
        """Where the numbers come from."""
        card = self.card
        return Provenance(
            model_id=card.id,
            model_title=card.title,
            version=card.version,
            weights_sha256=person.sha256,
            subject=subject,
            caveat=card.caveat,
            badge=card.badge,
            citation=card.citation,
            licence=card.licence,
            selection=selection.as_dict(),
            settings={**settings.as_dict(), **person.facts, **features.facts},
        )


class _Subject:
    """Both parts of one subject's network, and which vertex is in which row."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        files = [TensorFile(folder / name) for name in _PART_FILES]
        self.parts = tuple(HuzePart(file, device) for file in files)
        facts = files[0].facts
        self.sha256 = sources_sha256(folder)
        self.facts: dict[str, SettingValue] = {
            "lora_scale": float(facts["lora_scale"]),
            "retina_sigma": float(facts["sigma"]),
            "constants_from": facts["constants_from"],
            "part_2_holds": facts["layout"],
        }
        self._row_of_vertex = np.full(N_VERTICES, -1, np.int32)
        self._n_first = len(self.parts[0].places)
        for part, first_row in zip(self.parts, (0, self._n_first), strict=True):
            rows = np.arange(first_row, first_row + len(part.places), dtype=np.int32)
            self._row_of_vertex[part.places] = rows
        if (self._row_of_vertex < 0).any():
            raise WeightsError(f"The converted files in {folder} are damaged: remove the folder.")

    def read_out(self, maps: Sequence[FloatArray], columns: IntArray) -> FloatArray:
        """Responses of some vertices, (n_pictures, n_columns) float32."""
        values = np.empty((len(maps[0]), len(columns)), np.float32)
        if len(columns) == N_VERTICES:
            for part, part_maps in zip(self.parts, maps, strict=True):
                values[:, part.places] = part.read_out(part_maps)
                part.release()
            return values
        rows = self._row_of_vertex[columns]
        order = np.argsort(rows)
        split = int(np.searchsorted(rows[order], self._n_first))
        pieces = ((order[:split], 0), (order[split:], self._n_first))
        for part, part_maps, (place, first) in zip(self.parts, maps, pieces, strict=True):
            if len(place):
                values[:, place] = part.read_out(part_maps, rows[place] - first)
        return values


def read_constants(folder: Path) -> HuzeConstants:
    """LoRA scale and sigma from a config beside the weights, else the upstream defaults.

    Parameters
    ----------
    folder : Path
        Of the weights; ``config.json``, ``huze_config.json``, ``config.yaml`` or ``config.yml``
        is looked for. Understood are ``lora_scale`` and ``sigma``, and upstream's
        ``LORA: {SCALE}`` and ``CONSTANT_SIGMA`` at any depth, in any case.

    Raises
    ------
    WeightsError
        The config cannot be read, or holds no such number.
    """
    path = next((folder / name for name in _CONSTANTS_FILES if (folder / name).is_file()), None)
    default = HuzeConstants()
    if path is None:
        return default
    found = dict(_flat_numbers(_read_config(path)))
    scale = found.get("lora_scale", found.get("lora.scale"))
    sigma = found.get("constant_sigma", found.get("sigma"))
    return HuzeConstants(
        default.lora_scale if scale is None else scale,
        default.sigma if sigma is None else sigma,
        path.name if None not in (scale, sigma) else f"{path.name}, the rest upstream defaults",
    )


def _read_config(path: Path) -> Any:
    """Content of a config file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise WeightsError(f"{path.name} beside huze's weights is no JSON.") from error
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WeightsError(f"{path.name} beside huze's weights is no YAML.") from error


def _flat_numbers(config: Any, parent: str = "") -> Iterable[tuple[str, float]]:
    """Numbers of a nested mapping: by their own name, and by ``parent.name``."""
    if not isinstance(config, dict):
        return
    for key, value in config.items():
        name = str(key).lower()
        if isinstance(value, dict):
            yield from _flat_numbers(value, name)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)
            yield f"{parent}.{name}", float(value)


def _open_subject(
    folder: Path, number: int, device: torch.device, home: str | PathLike[str] | None
) -> _Subject:
    """Convert on first use, and open."""
    key = f"subj{number:02d}"
    sources = [folder / f"{key}_part1.pth", folder / f"{key}_part2.pth", folder / _INDEX_FILE]
    constants = read_constants(folder)
    name = f"huze-{constants.lora_scale:g}-{constants.sigma:g}"

    def build(target: Path) -> None:
        write_huze(folder, key, constants, target)

    return _Subject(converted(sources, name, _CONVERTER_VERSION, build, home=home), device)


def write_huze(folder: Path, subject: str, constants: HuzeConstants, target: Path) -> None:
    """Write both folded parts of one subject.

    Parameters
    ----------
    folder : Path
        BERG's weights.
    subject : str
        ``"subj01"`` to ``"subj08"``.
    constants : HuzeConstants
    target : Path
        Folder that gets ``part1.safetensors`` and ``part2.safetensors``.

    Raises
    ------
    WeightsError
        A file is missing or unusable, or the parts do not fit each other.
    """
    index_path = folder / _INDEX_FILE
    indices = read_index_file(index_path)
    if subject not in indices:
        raise WeightsError(f"{_INDEX_FILE} has no {subject}, only {sorted(indices)}.")
    first = indices[subject]
    paths = [folder / f"{subject}_part{number}.pth" for number in (1, 2)]
    states = [read_torch_state(path) for path in paths]
    shapes = [read_shape(state, subject) for state in states]
    layout = part_layout(shapes[0].n_voxels, shapes[1].n_voxels)
    is_first = np.zeros(N_VERTICES, bool)
    if first.size and (first.min() < 0 or first.max() >= N_VERTICES):
        raise WeightsError(f"{_INDEX_FILE}: {subject} names a vertex that is not on fsaverage.")
    is_first[first] = True
    if len(first) != shapes[0].n_voxels or is_first.sum() != len(first):
        raise WeightsError(
            f"{_INDEX_FILE} lists {is_first.sum():,} vertices for {subject}; part 1 has "
            f"{shapes[0].n_voxels:,} rows."
        )
    others = np.flatnonzero(~is_first)
    vertices = (first, np.arange(N_VERTICES) if layout == "whole" else others)
    kept = (None, ~is_first if layout == "whole" else None)
    facts = {
        "layout": "every vertex" if layout == "whole" else "the vertices that part 1 has not",
        "lora_scale": repr(constants.lora_scale),
        "sigma": repr(constants.sigma),
        "constants_from": constants.source,
    }
    for number, name in enumerate(_PART_FILES):
        shape = shapes[number]
        own = {"layers": ",".join(map(str, shape.layers)), "n_heads": str(shape.n_heads)}
        tensors = part_tensors(states[number], subject, vertices[number], constants, kept[number])
        write_tensors(
            target / name, tensors, {**facts, **own}, _releaser(paths[number], states[number])
        )


def _releaser(path: Path, state: Mapping[str, torch.Tensor]) -> Callable[[], None]:
    """Give the pages of a checkpoint back; nothing where torch could not map the file."""
    with path.open("rb") as file:
        is_mapped = file.read(2) == b"PK"  # torch's zip form; the older one is read whole
    return partial(release_mapped, list(state.values()) if is_mapped else [])


def _read_regions(metadata: dict[str, Any], path: Path) -> dict[str, IntArray]:
    """Regions of both hemispheres as vertices of fsaverage."""
    fmri = metadata.get("fmri")
    regions: dict[str, list[NDArray[Any]]] = {}
    sides: tuple[Hemisphere, Hemisphere] = ("left", "right")
    for side in sides:
        held = fmri.get(f"{side[0]}h_fsaverage_rois") if isinstance(fmri, dict) else None
        if not isinstance(held, dict):
            raise WeightsError(f"{path.name} has no regions of the {side} hemisphere.")
        for name, vertices in held.items():
            own = np.asarray(vertices, np.int64).ravel()
            if own.size and (own.min() < 0 or own.max() >= FSAVERAGE.n_left):
                raise WeightsError(f"{path.name}: {name} has a vertex outside the hemisphere.")
            start = FSAVERAGE.hemisphere_slice(side).start
            regions.setdefault(str(name), []).append(own + start)
    return {name: np.concatenate(parts) for name, parts in regions.items()}


def _number(subject: str) -> int:
    """Take the number out of a subject's id such as ``"sub-01"``."""
    return int(subject.rpartition("-")[2])


def _pixels(stimulus: Stimulus) -> UInt8Array:
    """Decode one picture, (3, height, width) uint8."""
    if stimulus.kind != "image":
        raise StimulusError(f"This model looks at pictures; {stimulus.name} is not one.")
    return stimulus.pixels().transpose(2, 0, 1)
