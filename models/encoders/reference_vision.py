"""R1, the embedded image model: early visual cortex from published equations, no weights.

picture -> oriented contrast energy (log-Gabor quadrature pairs, 8 orientations x 4 frequencies)
-> divisive normalisation -> preferred spatial frequency falling with eccentricity
-> Gaussian receptive fields, second-order contrast and compressive exponent per vertex.

The numbers and their sources are in :mod:`models.encoders._vision_parameters`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from difflib import get_close_matches
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from models.catalog import ModelCard
from models.encoders._vision_energy import (
    Canvas,
    Filter,
    filter_bank,
    normalised_energy,
    picture_size_deg,
    place,
)
from models.encoders._vision_parameters import MINIMUM_COVERAGE, parameters_sha256
from models.encoders._vision_pooling import (
    Gaze,
    coverage,
    pool,
    pooling_weights,
    receptive_field_size_deg,
)
from models.encoders.base import EncodingModel, Features, Preview
from models.errors import SelectionError, StimulusError, UnknownRegionError
from models.gallery import reference_pictures
from models.retinotopy import AREAS, load_receptive_fields
from models.spaces import FSAVERAGE5
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

__all__ = ["ReferenceVision", "receptive_field_sizes", "select_vertices"]

_BATCH = 16  # pictures between two reports; bounds the working memory
_N_THREADS = min(4, os.cpu_count() or 1)
_DIFFERENCE_UNITS = "difference from the average picture (model units)"

_V = TypeVar("_V")


class ReferenceVision(EncodingModel):
    """Relative response of V1, V2, V3 and hV4 of an average brain to pictures.

    Parameters
    ----------
    card : ModelCard
        The row ``reference-vision``.

    Notes
    -----
    Second-order contrast model of Kay et al. 2013 (PLoS Comput Biol) on the project's
    retinotopic template, with the spatial-frequency preference of Broderick et al. 2022.
    Settings: ``visual_angle_deg`` changes the features; ``fixation_x_deg``,
    ``fixation_y_deg``, ``second_order_contrast``, ``is_minus_average`` and
    ``receptive_field_size`` change the readout only.
    """

    has_independent_rows = True

    def __init__(self, card: ModelCard) -> None:
        super().__init__(card)
        self._sha256 = parameters_sha256()
        self._reference_features: _Recent[Features] = _Recent(1)
        self._averages: _Recent[FloatArray] = _Recent(8)

    def features(
        self,
        stimuli: Sequence[Stimulus],
        settings: Settings,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
    ) -> Features:
        """Contrast energy of each picture on the pooling grid.

        Parameters
        ----------
        stimuli : sequence of Stimulus
            Pictures, at least one.
        settings : Settings
            ``visual_angle_deg`` is used.
        report : callable
            Called before each batch of 16 pictures.
        subjects : sequence of str
            Ignored.

        Returns
        -------
        Features
            Two arrays, float32: energy (n_pictures, 4 bands, n_cells, n_cells), 0 to 1; and
            width and height of each picture in deg, (n_pictures, 2).

        Raises
        ------
        StimulusError
            No picture, or one that cannot be decoded.
        Cancelled
            ``report`` asked to stop.
        """
        if not stimuli:
            raise StimulusError("Add at least one picture.")
        angle = settings.number("visual_angle_deg")
        canvas, filters = Canvas(angle), filter_bank(angle)
        shape = (len(stimuli), len(filters), canvas.n_cells, canvas.n_cells)
        energy = np.empty(shape, np.float32)
        size_deg = np.empty((len(stimuli), 2), np.float32)

        def analyse(row: int) -> None:
            energy[row], size_deg[row] = _analyse(stimuli[row], canvas, filters)

        with _one_blas_thread(), ThreadPoolExecutor(_N_THREADS) as threads:
            for start in range(0, len(stimuli), _BATCH):
                report("measuring contrast", start, len(stimuli))
                rows = range(start, min(start + _BATCH, len(stimuli)))
                for _ in threads.map(analyse, rows):
                    pass
        report("measuring contrast", len(stimuli), len(stimuli))
        return Features((energy, size_deg), tuple(s.name for s in stimuli), settings)

    def readout(
        self,
        features: Features,
        selection: Selection,
        settings: Settings,
        report: Report = ignore_progress,
    ) -> tuple[Response, ...]:
        """Responses of the selected vertices.

        Parameters
        ----------
        features : Features
            Made with the same ``visual_angle_deg``.
        selection : Selection
            Subject ``"average"``; regions among V1, V2, V3, hV4.
        settings : Settings
        report : callable
            Called while the built-in reference pictures are analysed, once per visual angle.

        Returns
        -------
        tuple of one Response
            Columns: the modelled vertices of the selection, on fsaverage5. NaN where half or
            more of a receptive field lies outside the picture. At least 0, or signed where
            ``is_minus_average``.

        Raises
        ------
        SelectionError
            Subject, region or index is not in this model, or nothing is left.
        """
        self.check_subjects(selection)
        columns = select_vertices(selection)
        values = self._all_responses(features, settings)
        is_difference = bool(settings["is_minus_average"])
        in_force = dict(settings.as_dict())
        if is_difference:
            pictures = reference_pictures()
            values = values - self._average(pictures, settings, report)
            in_force["reference_pictures_sha256"] = _joint_digest(pictures)
        modelled = load_receptive_fields().modelled
        response = Response(
            values=values[:, np.searchsorted(modelled, columns)],
            space=FSAVERAGE5,
            row_labels=features.row_labels,
            units=_DIFFERENCE_UNITS if is_difference else self.card.units,
            is_signed=is_difference,
            provenance=self._provenance(selection, in_force),
            columns=columns,
        )
        return (response,)

    def features_sha256(self, subjects: Sequence[str] = ()) -> str:
        """Hash of the parameter table."""
        return self._sha256

    def preview(self, stimulus: Stimulus, settings: Settings) -> Preview:
        """Luminance picture on its mid-grey canvas, as it enters the filters.

        Parameters
        ----------
        stimulus : Stimulus
        settings : Settings
            ``visual_angle_deg`` and the fixation point are used.

        Returns
        -------
        Preview
            Margins included; extents in deg from the fixation point.

        Raises
        ------
        StimulusError
            The picture cannot be decoded.
        """
        canvas = Canvas(settings.number("visual_angle_deg"))
        pixels = stimulus.pixels()
        height, width = pixels.shape[:2]
        width_deg, height_deg = picture_size_deg(height, width, canvas.visual_angle_deg)
        x, y = settings.number("fixation_x_deg"), settings.number("fixation_y_deg")
        grey = np.rint(127.5 * (place(pixels, canvas) + 1)).astype(np.uint8)

        def extent(width: float, height: float) -> tuple[float, float, float, float]:
            return (-width / 2 - x, width / 2 - x, -height / 2 - y, height / 2 - y)

        return Preview(
            pixels=np.repeat(grey[:, :, None], 3, axis=2),
            extent_deg=extent(canvas.width_deg, canvas.width_deg),
            picture_deg=extent(width_deg, height_deg),
            note=(
                f"Luminance only, {width_deg:.1f}° wide and {height_deg:.1f}° high, at "
                f"{canvas.pixels_per_deg:.0f} pixels a degree, on a mid-grey ground."
            ),
        )

    def _all_responses(self, features: Features, settings: Settings) -> FloatArray:
        """Responses of all modelled vertices, (n_rows, n_modelled), NaN outside the picture."""
        energy, size_deg = features.arrays
        gaze = _gaze(settings)
        weights = pooling_weights(gaze)
        modelled = load_receptive_fields().modelled
        out = np.full((len(energy), len(modelled)), np.nan, np.float32)
        places = np.searchsorted(modelled, weights.vertices)
        is_inside = coverage(size_deg, Canvas(gaze.visual_angle_deg), weights) > MINIMUM_COVERAGE
        contrast_scale = settings.number("second_order_contrast")
        for start in range(0, len(energy), _BATCH):
            rows = slice(start, start + _BATCH)
            with _one_blas_thread():
                pooled = pool(energy[rows], weights, contrast_scale)
            out[rows, places] = np.where(is_inside[rows], pooled, np.nan)
        return out

    def _average(
        self, pictures: tuple[Stimulus, ...], settings: Settings, report: Report
    ) -> FloatArray:
        """Mean response to the reference pictures that reach a vertex, (n_modelled,)."""
        plain = settings.replace(is_minus_average=False)
        feature_key = (plain.key("features"), _joint_digest(pictures))

        def analyse() -> Features:
            return self.features(pictures, plain, report)

        def average() -> FloatArray:
            features = self._reference_features.get(feature_key, analyse)
            values = self._all_responses(features, plain)
            n_pictures = np.isfinite(values).sum(0)
            mean = np.nansum(values, axis=0) / np.maximum(n_pictures, 1)
            return np.where(n_pictures > 0, mean, np.nan).astype(np.float32)

        return self._averages.get((feature_key, plain.key("readout")), average)

    def _provenance(self, selection: Selection, settings: dict[str, SettingValue]) -> Provenance:
        """Where the numbers come from."""
        card = self.card
        return Provenance(
            model_id=card.id,
            model_title=card.title,
            version=card.version,
            weights_sha256=self._sha256,
            subject=selection.subjects[0],
            caveat=card.caveat,
            badge=card.badge,
            citation=card.citation,
            licence=card.licence,
            selection=selection.as_dict(),
            settings=settings,
        )


class _Recent(Generic[_V]):
    """The last few results of a computation; safe to share between threads."""

    def __init__(self, n_kept: int) -> None:
        self._n_kept = n_kept
        self._results: OrderedDict[Hashable, _V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _V]) -> _V:
        """Return the result of ``key``; make it if it is not there."""
        with self._lock:
            if key not in self._results:
                self._results[key] = make()
                while len(self._results) > self._n_kept:
                    self._results.popitem(last=False)
            self._results.move_to_end(key)
            return self._results[key]


def receptive_field_sizes(settings: Settings) -> FloatArray:
    """Look up the receptive-field size of every vertex under the chosen table.

    Returns
    -------
    ndarray of shape (20484,), float64
        Deg; NaN where not modelled. See ``_vision_pooling.receptive_field_size_deg``.
    """
    fields = load_receptive_fields()
    sizes = np.full(FSAVERAGE5.n_places, np.nan)
    modelled = fields.modelled
    sizes[modelled] = receptive_field_size_deg(
        fields.area[modelled],
        fields.eccentricity_deg[modelled],
        str(settings["receptive_field_size"]),
    )
    return sizes


def select_vertices(selection: Selection) -> IntArray:
    """Modelled vertices of a selection.

    Parameters
    ----------
    selection : Selection
        Regions, hemisphere and indices are used; they restrict each other.

    Returns
    -------
    ndarray of shape (n_selected,), int
        Rising vertex numbers on fsaverage5, left hemisphere first; at least one.

    Raises
    ------
    UnknownRegionError
        A region is not V1, V2, V3 or hV4; the message lists near matches.
    SelectionError
        An index is not on fsaverage5, or nothing is left.
    """
    fields = load_receptive_fields()
    is_selected = fields.area > 0
    if selection.regions:
        is_selected &= np.isin(fields.area, [_area_code(name) for name in selection.regions])
    if selection.hemisphere != "both":
        other: Hemisphere = "right" if selection.hemisphere == "left" else "left"
        is_selected[FSAVERAGE5.hemisphere_slice(other)] = False
    if selection.indices is not None:
        if selection.indices and selection.indices[-1] >= FSAVERAGE5.n_places:
            raise SelectionError(
                f"Vertex {selection.indices[-1]} is not on fsaverage5, which has "
                f"{FSAVERAGE5.n_places} vertices."
            )
        is_listed = np.zeros_like(is_selected)
        is_listed[list(selection.indices)] = True
        is_selected &= is_listed
    if not is_selected.any():
        raise SelectionError("No modelled vertex is in this selection: pick more regions.")
    return np.flatnonzero(is_selected)


def _area_code(name: str) -> int:
    """Code of one region name."""
    codes = {area: code for code, area in AREAS.items()}
    if name not in codes:
        near = get_close_matches(name, codes) or list(codes)
        raise UnknownRegionError(f"There is no region {name!r}. Did you mean {', '.join(near)}?")
    return codes[name]


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Handle on the matrix libraries of this process."""
    return ThreadpoolController()


def _one_blas_thread() -> AbstractContextManager[object]:
    """Keep matrix products on the calling thread.

    They are too small to share: idle BLAS threads spin, at five times the processor time.
    """
    limit: AbstractContextManager[object] = _blas().limit(limits=1, user_api="blas")
    return limit


def _joint_digest(pictures: tuple[Stimulus, ...]) -> str:
    """One hash of several pictures."""
    return hashlib.sha256("".join(picture.digest for picture in pictures).encode()).hexdigest()


def _gaze(settings: Settings) -> Gaze:
    """Part of the settings that shapes the pooling weights."""
    return Gaze(
        settings.number("visual_angle_deg"),
        settings.number("fixation_x_deg"),
        settings.number("fixation_y_deg"),
        str(settings["receptive_field_size"]),
    )


def _analyse(
    stimulus: Stimulus, canvas: Canvas, filters: tuple[Filter, ...]
) -> tuple[FloatArray, tuple[float, float]]:
    """Energy of one picture, and its width and height in deg."""
    if stimulus.kind != "image":
        raise StimulusError(f"This model looks at pictures; {stimulus.name} is not one.")
    pixels = stimulus.pixels()
    height, width = pixels.shape[:2]
    energy = normalised_energy(place(pixels, canvas), filters)
    return energy, picture_size_deg(height, width, canvas.visual_angle_deg)
