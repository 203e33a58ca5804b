"""The three models of pictures: voxels of THINGS, vertices of MOSAIC and of huze."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from models._berg.base import BergModel
from models._berg.progress import Bar
from models._berg.selection import nothing_selected, read_names
from models.encoders.base import Features
from models.errors import StimulusError
from models.spaces import FSAVERAGE
from models.types import FloatArray, IntArray, Report, Selection

if TYPE_CHECKING:
    from models.encoders.mosaic_cnn8 import MosaicCnn8
    from models.encoders.nsd_huze import NsdHuze
    from models.encoders.things_vit import ThingsFeatures, ThingsViT

__all__ = ["Huze", "Mosaic", "PictureModel", "Things"]

#: Pictures whose features are in memory together.
_PICTURES_AT_ONCE = 64


class PictureModel(BergModel):
    """What the three share: some pictures at a time, features shared where they can be."""

    def generate_response(
        self, stimulus: Any, show_progress: bool = False, low_mem_use: bool = False
    ) -> Any:
        """Predict responses to pictures.

        Parameters
        ----------
        stimulus : array_like of shape (n_pictures, 3, height, width)
            Integers of 0 to 255, or floats of 0 to 1 or 0 to 255. There may be none in it.
        show_progress : bool
            Draw a bar on standard error.
        low_mem_use : bool
            Let go of the weights afterwards.

        Returns
        -------
        ndarray, tuple or dict
            The container of the model's page; float32, a row a picture.

        Raises
        ------
        StimulusError
            Shape, type or range are not those of pictures.
        WeightsError
            A file is absent or unusable.
        """
        pictures = _read_pictures(stimulus)
        answers = {subject: self._room(len(pictures), subject) for subject in self.subjects}
        groups = [self.subjects]
        if self._card.has_backbone_per_subject:
            groups = [(subject,) for subject in self.subjects]
        with Bar(len(pictures) * len(groups), "picture", show_progress) as bar:
            for group in groups:
                self._fill(answers, pictures, group, bar)
        if low_mem_use or self.low_mem_use:
            self.cleanup()
        return self._contain({name: self._join(parts) for name, parts in answers.items()})

    def _fill(
        self,
        answers: Mapping[str, tuple[FloatArray, ...]],
        pictures: NDArray[Any],
        group: tuple[str, ...],
        bar: Bar,
    ) -> None:
        """Answer for subjects that share features, some pictures at a time."""
        if not any(len(self._places[subject]) for subject in group):
            return  # an empty region: nothing to compute
        for start in range(0, len(pictures), _PICTURES_AT_ONCE):
            rows = slice(start, start + _PICTURES_AT_ONCE)
            features = self._features(pictures[rows], group, bar.report)
            for subject in group:
                values, first = self._read(features, subject), 0
                for part in answers[subject]:
                    part[rows] = values[:, first : first + part.shape[1]]
                    first += part.shape[1]
            bar.advance(len(pictures[rows]))

    def _features(self, pictures: NDArray[Any], group: tuple[str, ...], report: Report) -> Features:
        """Features of some pictures, from memory where they were computed before."""
        backbones = group if self._card.has_backbone_per_subject else ()
        key = (self.model_id, self.device, backbones, _digest(pictures))
        return self._shelf.features(
            key,
            lambda: self._analyse(pictures, backbones, report),
            pictures.nbytes,
            lambda features: self._is_enough(features, group),
        )

    @abstractmethod
    def _analyse(
        self, pictures: NDArray[Any], backbones: tuple[str, ...], report: Report
    ) -> Features:
        """Run the first stage."""

    def _is_enough(self, features: Features, subjects: Sequence[str]) -> bool:
        """Whether features serve these subjects."""
        return True

    @abstractmethod
    def _read(self, features: Features, subject: str) -> FloatArray:
        """Responses of the selected places, (n_pictures, n_selected)."""

    def _room(self, n_pictures: int, subject: str) -> tuple[FloatArray, ...]:
        """Arrays that the answers of one subject go into."""
        return (np.empty((n_pictures, len(self._places[subject])), np.float32),)

    def _join(self, parts: tuple[FloatArray, ...]) -> Any:
        """Container of one subject's arrays."""
        return parts[0]

    def _contain(self, answers: Mapping[str, Any]) -> Any:
        """Container of the model's page."""
        return self._one_or_several(answers)


class Things(PictureModel):
    """Voxels of THINGS fMRI; answers (n_pictures, n_selected) in the order of the selection."""

    selection_keys = ("roi", "voxel_index")

    def _select(self, subject: str, chosen: Mapping[str, Any]) -> IntArray:
        encoder = cast("ThingsViT", self.encoder)
        return encoder.voxels_of(subject, read_names(chosen, "roi"), chosen.get("voxel_index"))

    def _analyse(
        self, pictures: NDArray[Any], backbones: tuple[str, ...], report: Report
    ) -> Features:
        # Without subjects: the scores of all whose files are here, for they cost little.
        return cast("ThingsViT", self.encoder).features_of_array(pictures, report)

    def _is_enough(self, features: Features, subjects: Sequence[str]) -> bool:
        return set(subjects) <= set(cast("ThingsFeatures", features).scored)

    def _read(self, features: Features, subject: str) -> FloatArray:
        encoder = cast("ThingsViT", self.encoder)
        return encoder.responses(features, subject, self._places[subject])


class Mosaic(PictureModel):
    """Vertices of MOSAIC; answers ``{"NaturalScenesDataset": {"sub-01": array}}`` always."""

    selection_keys = ("roi", "glasser_group", "voxel_index")

    def _select(self, subject: str, chosen: Mapping[str, Any]) -> IntArray:
        places = cast("MosaicCnn8", self.encoder).places(subject)
        groups = chosen.get("glasser_group")
        if isinstance(groups, np.ndarray):
            groups = groups.tolist()
        return places.vertices_of(read_names(chosen, "roi"), groups, chosen.get("voxel_index"))

    def _analyse(
        self, pictures: NDArray[Any], backbones: tuple[str, ...], report: Report
    ) -> Features:
        return cast("MosaicCnn8", self.encoder).features_of_array(pictures, report)

    def _read(self, features: Features, subject: str) -> FloatArray:
        encoder = cast("MosaicCnn8", self.encoder)
        return encoder.responses(features, subject, self._places[subject])

    def _contain(self, answers: Mapping[str, Any]) -> Any:
        return {"NaturalScenesDataset": dict(answers)}


class Huze(PictureModel):
    """Vertices of fsaverage; answers ``(left, right)``, each (n_pictures, n_selected)."""

    selection_keys = ("roi", "lh_vertices", "rh_vertices")

    def _select(self, subject: str, chosen: Mapping[str, Any]) -> IntArray:
        names = read_names(chosen, "roi")
        if names is None:
            return _masked_vertices(chosen)
        if not names:
            raise nothing_selected("vertex", names)
        encoder = cast("NsdHuze", self.encoder)
        vertices = np.concatenate([encoder.region_vertices(subject, name) for name in names])
        if len(names) > 1:  # a union: each vertex once, where it is named first
            _, first = np.unique(vertices, return_index=True)
            vertices = vertices[np.sort(first)]
        is_left = vertices < FSAVERAGE.n_left
        return np.concatenate([vertices[is_left], vertices[~is_left]])

    def _analyse(
        self, pictures: NDArray[Any], backbones: tuple[str, ...], report: Report
    ) -> Features:
        return cast("NsdHuze", self.encoder).features_of_array(pictures, report, backbones)

    def _read(self, features: Features, subject: str) -> FloatArray:
        encoder, settings = cast("NsdHuze", self.encoder), self._card.default_settings()
        if self._is_whole(subject, FSAVERAGE.n_places):
            (response,) = encoder.readout(features, Selection((subject,)), settings)
            return response.values
        rising, where = np.unique(self._places[subject], return_inverse=True)
        selection = Selection((subject,), indices=tuple(rising.tolist()))
        (response,) = encoder.readout(features, selection, settings)
        return response.values[:, where]

    def _room(self, n_pictures: int, subject: str) -> tuple[FloatArray, ...]:
        n_left = np.count_nonzero(self._places[subject] < FSAVERAGE.n_left)
        widths = (n_left, len(self._places[subject]) - n_left)
        return tuple(np.empty((n_pictures, width), np.float32) for width in widths)

    def _join(self, parts: tuple[FloatArray, ...]) -> Any:
        return parts


def _masked_vertices(chosen: Mapping[str, Any]) -> IntArray:
    """Vertices of both masks, rising; a mask that is absent means its whole hemisphere."""
    from models.encoders._masks import mask_indices

    sides = []
    sizes = (("lh_vertices", FSAVERAGE.n_left), ("rh_vertices", FSAVERAGE.n_right))
    for key, n_vertices in sizes:
        mask = chosen.get(key)
        sides.append(np.arange(n_vertices) if mask is None else mask_indices(mask, n_vertices, key))
    return np.concatenate([sides[0], sides[1] + FSAVERAGE.n_left])


def _read_pictures(stimulus: Any) -> NDArray[Any]:
    """Check pictures; (n_pictures, 3, height, width), uint8 or float32 of 0 to 1."""
    from models.encoders._pictures import as_pictures

    try:
        array = np.asarray(stimulus)
    except (ValueError, TypeError, RuntimeError) as problem:
        # rows of different lengths, or a tensor on a GPU or with gradients
        raise StimulusError(
            "Pictures are one array of (n_pictures, 3, height, width) in ordinary memory."
        ) from problem
    return as_pictures(array)


def _digest(pictures: NDArray[Any]) -> str:
    """SHA-256 over type, shape and every pixel."""
    digest = hashlib.sha256(f"{pictures.dtype}{pictures.shape}".encode())
    digest.update(np.ascontiguousarray(pictures).data)
    return digest.hexdigest()
