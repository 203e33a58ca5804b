"""NSD huze: a finetuned DINOv2 per person, every vertex of fsaverage (fmri-nsd_fsaverage-huze).

Each person's checkpoint has two parts, each a whole network of its own; part 1 predicts the
vertices it lists, part 2 the others. See :mod:`models.encoders._huze_conversion` for what is read
and folded, :mod:`models.encoders._huze_network` for the network, and
:mod:`models.encoders._huze_readout` for the readout.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.atlases import Regions
from models.encoders._maps import huze_overlays
from models.encoders._named_regions import huze_regions
from models.encoders._picture_model import Picture, PictureModel
from models.encoders._published_model import find_region, select_places
from models.encoders.base import Features, Overlay
from models.errors import SelectionError, WeightsError
from models.spaces import FSAVERAGE
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    Hemisphere,
    IntArray,
    Report,
    Response,
    Selection,
    Settings,
    ignore_progress,
)

if TYPE_CHECKING:
    from models.encoders._huze_network import HuzePart
    from models.encoders._huze_person import HuzePerson

__all__ = ["NsdHuze"]

_BATCH = 16  # pictures whose maps are convolved together
_PICTURE_BYTES = 45_000_000  # working memory of one, measured on a processor (16 against 4)
_SUBJECTS_KEPT = 2
_BOTH_PARTS = (0, 1)

#: The model's page says OVWFA, its metadata OWFA.
_OTHER_NAMES = {"OVWFA": "OWFA", "OWFA": "OVWFA"}


class NsdHuze(PictureModel):
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
    n_pictures_seen : int
        How many pictures went through a network, counting both parts.

    Notes
    -----
    Features are two arrays a subject (part 1, part 2), float32 (n_pictures, 18, 18, n_layers,
    width). No subject named means the first of the card. Allen et al. 2022 (data); the network is
    Huzheng Yang's.
    """

    # NSD's pictures were squares of 8.4 deg.
    seen_deg = 8.4
    preparation = (
        "Stretched to a square of 224 pixels; shown at the size pictures had in the experiment, "
        "8.4 deg."
    )

    def features_for(
        self,
        pictures: Sequence[Picture],
        selection: Selection,
        report: Report = ignore_progress,
    ) -> Features:
        """Run only what a selection needs: a part that predicts none of its vertices is left out.

        Parameters
        ----------
        pictures : sequence of Picture
            Stimuli, or arrays as :func:`models.encoders._pictures.as_pictures` gives them.
        selection : Selection
        report : callable
            Called before each batch.

        Returns
        -------
        Features
            The array of a part that was left out holds no picture; :meth:`readout` refuses
            vertices of that part.

        Raises
        ------
        StimulusError
            A picture cannot be decoded.
        SelectionError
            Subject, region or index is not in this model, or nothing is left.
        WeightsError
            A file is absent or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        self.check_subjects(selection)
        parts = {
            subject: self._person(subject).parts_of(self.select_vertices(subject, selection))
            for subject in selection.subjects
        }
        names = tuple(
            picture.name if isinstance(picture, Stimulus) else f"picture {number + 1}"
            for number, picture in enumerate(pictures)
        )
        arrays = self._maps(pictures, parts, report)
        return Features(tuple(arrays), names, self.card.default_settings(), selection.subjects)

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
            of other subjects or lack a part.
        WeightsError
            A file is absent or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        self.check_subjects(selection)
        responses = []
        for number, subject in enumerate(selection.subjects):
            report("reading out the vertices", number, len(selection.subjects))
            vertices = self.select_vertices(subject, selection)
            person = self._person(subject)
            facts = {**person.facts, **features.facts}
            response = Response(
                values=self.responses(features, subject, vertices),
                space=FSAVERAGE,
                row_labels=features.row_labels,
                units=self.card.units,
                is_signed=self.card.is_signed,
                provenance=self._provenance(subject, selection, settings, person.sha256, **facts),
                columns=vertices,
            )
            responses.append(response)
        return tuple(responses)

    def responses(self, features: Features, subject: str, vertices: IntArray) -> FloatArray:
        """Responses of some vertices of one subject; the others are not computed.

        Parameters
        ----------
        features : Features
        subject : str
        vertices : ndarray of shape (n_chosen,), int, rising
            Of fsaverage, left first.

        Returns
        -------
        ndarray of shape (n_pictures, n_chosen), float32

        Raises
        ------
        SelectionError
            The features are of other subjects, or lack a part.
        """
        from models.encoders._device import exact_arithmetic

        if subject not in features.subjects:
            raise SelectionError(
                f"Each subject of {self.card.title} has a network of its own; these features are "
                f"of {list(features.subjects)}, not of {subject!r}."
            )
        where = 2 * features.subjects.index(subject)
        maps, n_pictures = features.arrays[where : where + 2], len(features.row_labels)
        person = self._person(subject)
        lacking = [part for part in person.parts_of(vertices) if len(maps[part]) < n_pictures]
        if lacking:
            raise SelectionError(
                f"These features were made without part {lacking[0] + 1} of {subject}'s network, "
                "which predicts some of these vertices."
            )
        with exact_arithmetic():
            return person.read_out(maps, vertices)

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
        return self._once(("regions", subject), lambda: self._read_regions(subject))

    def regions_of(self, subject: str) -> Regions:
        """Return :meth:`regions` with headings and words; those without a vertex are left out."""
        return huze_regions(self.regions(subject), self._metadata_path(subject).name)

    def overlays(self, subject: str) -> tuple[Overlay, ...]:
        """Return held-out accuracy and noise ceilings of every vertex; read at each call."""
        from models.weights.pickles import read_numpy_dict

        self.check_subjects(Selection((subject,)))
        path = self._need(self._metadata_path(subject), subject)
        return huze_overlays(read_numpy_dict(path), path.name)

    def _metadata_path(self, subject: str) -> Path:
        """Where one subject's metadata lie."""
        from models.weights.locations import metadata_folder

        number = int(subject.rpartition("-")[2])
        return metadata_folder(self.card, self.home) / f"metadata_subject-{number:02d}.npy"

    def region_vertices(self, subject: str, region: str) -> IntArray:
        """Vertices of one region, in stored order; both OVWFA and OWFA name the same.

        Raises
        ------
        UnknownRegionError
            The subject has no such region; the message lists near matches.
        """
        known = self.regions(subject)
        name = region if region in known else _OTHER_NAMES.get(region, region)
        return find_region(known, name if name in known else region)

    def select_vertices(self, subject: str, selection: Selection) -> IntArray:
        """Vertices of a selection in one subject, rising, at least one.

        Raises
        ------
        UnknownRegionError
            The subject has no such region.
        SelectionError
            An index is not on fsaverage, or nothing is left.
        """

        def vertices_of(region: str) -> IntArray:
            return self.region_vertices(subject, region)

        return select_places(selection, FSAVERAGE, vertices_of, "vertex")

    def features_sha256(self, subjects: Sequence[str] = ()) -> str:
        """One hash over the files of some subjects."""
        chosen = tuple(subjects) or (self.card.subjects[0][0],)
        hashes = [self._person(subject).sha256 for subject in chosen]
        return hashlib.sha256(repr((chosen, hashes)).encode()).hexdigest()

    def _prepare(self, picture: NDArray[Any]) -> NDArray[Any]:
        from models.encoders._huze_network import stretch

        return stretch(picture)

    def _analyse(
        self,
        pictures: Sequence[Picture],
        names: tuple[str, ...],
        settings: Settings,
        report: Report,
        subjects: Sequence[str],
    ) -> Features:
        chosen = tuple(subjects) or (self.card.subjects[0][0],)
        self.check_subjects(Selection(chosen))
        arrays = self._maps(pictures, dict.fromkeys(chosen, _BOTH_PARTS), report)
        return Features(tuple(arrays), names, settings, chosen)

    def _maps(
        self,
        pictures: Sequence[Picture],
        parts: Mapping[str, Sequence[int]],
        report: Report,
    ) -> Iterator[FloatArray]:
        """Run the wanted parts of each subject; the others give maps of no picture."""
        for subject, wanted in parts.items():
            person = self._person(subject)
            for number, part in enumerate(person.parts):
                stage = f"looking at pictures (subject {subject}, part {number + 1} of 2)"
                some = pictures if number in wanted else ()
                yield self._maps_of_part(part, some, report, stage)

    def _maps_of_part(
        self, part: HuzePart, pictures: Sequence[Picture], report: Report, stage: str
    ) -> FloatArray:
        """Run one part on all pictures."""
        from models.encoders._device import exact_arithmetic, run_in_batches

        def run(some: Sequence[Picture]) -> FloatArray:
            with exact_arithmetic():
                return part.features(self._as_input(some))

        nothing = np.empty((0, *part.map_shape), np.float32)
        if not len(pictures):
            return nothing
        size = self._batch_size(_BATCH, _PICTURE_BYTES)
        batches = run_in_batches(pictures, run, size, report, stage, self.room_bytes)
        return np.concatenate([nothing, *batches])

    def _person(self, subject: str) -> HuzePerson:
        """One subject's network, converted and opened on first use; the latest two are kept."""
        from models.encoders._huze_conversion import convert_subject, source_paths
        from models.encoders._huze_person import HuzePerson
        from models.weights.locations import weights_folder

        with self._lock:
            kept: OrderedDict[str, HuzePerson] = self._once("people", OrderedDict)
            if subject not in kept:
                folder = weights_folder(self.card, self.home)
                for source in source_paths(folder, subject):
                    self._need(source, subject)
                kept[subject] = HuzePerson(convert_subject(folder, subject, self.home), self.device)
                while len(kept) > _SUBJECTS_KEPT:
                    kept.popitem(last=False)
            kept.move_to_end(subject)
            return kept[subject]

    def _read_regions(self, subject: str) -> dict[str, IntArray]:
        """Regions of both hemispheres as vertices of fsaverage, from one subject's metadata."""
        from models.weights.pickles import read_numpy_dict

        path = self._metadata_path(subject)
        return _regions_of(read_numpy_dict(self._need(path, subject)), path)


def _regions_of(metadata: Mapping[str, Any], path: Path) -> dict[str, IntArray]:
    """Regions in one subject's metadata."""
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
