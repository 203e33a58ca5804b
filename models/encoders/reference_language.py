"""R2, the embedded language model: word features, five systems, a haemodynamic response.

words with times -> six named features on a grid of 0.1 s -> SPM's canonical response -> the middle
of each volume -> strengths of five systems over MMP 1.0 areas. No weight was trained on a brain.

Features are in :mod:`models.encoders._word_features`, systems with their sources in
:mod:`models.encoders._language_systems`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.atlases import Regions
from models.catalog import ModelCard
from models.encoders._language_systems import (
    language_regions,
    loadings,
    modelled_parcels,
    systems_sha256,
)
from models.encoders._word_features import (
    feature_courses,
    frequency_source,
    haemodynamic_response,
    sample_volumes,
)
from models.encoders.base import EncodingModel, Features, Preview
from models.errors import SelectionError, StimulusError
from models.spaces import MMP360
from models.stimulus import Stimulus
from models.transcript.words import words_of
from models.types import (
    Hemisphere,
    IntArray,
    Provenance,
    Report,
    Response,
    Selection,
    Settings,
    ignore_progress,
)

__all__ = ["ReferenceLanguage", "select_parcels"]


class ReferenceLanguage(EncodingModel):
    """Relative response of five speech and language systems of an average brain to a transcript.

    Parameters
    ----------
    card : ModelCard
        The row ``reference-language``.

    Notes
    -----
    ``hrf_peak_s``, ``saturation_wpm`` and ``discourse_memory_s`` change the features;
    ``structure_strength`` and ``right_share`` change the readout only. Words count as heard, in
    English.
    """

    def __init__(self, card: ModelCard) -> None:
        super().__init__(card)
        self._sha256 = systems_sha256()

    def features(
        self,
        stimuli: Sequence[Stimulus],
        settings: Settings,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
    ) -> Features:
        """Word features, seen through the haemodynamic response.

        Parameters
        ----------
        stimuli : sequence of one Stimulus
            A transcript; word onsets are used where it has them, else the words of a volume share
            it by syllables.
        settings : Settings
        report : callable
            Called before each of two stages.
        subjects : sequence of str
            Ignored.

        Returns
        -------
        Features
            One array, (n_volumes, 6) float32.

        Raises
        ------
        StimulusError
            Not exactly one transcript.
        Cancelled
            ``report`` asked to stop.
        """
        if len(stimuli) != 1:
            raise StimulusError(f"Give one transcript at a time; got {len(stimuli)}.")
        stimulus = stimuli[0]
        n_rows, tr_s = len(stimulus.lines), stimulus.tr_s
        report("reading the words", 0, 2)
        words = words_of(stimulus)
        courses = feature_courses(
            words,
            n_rows * tr_s,
            settings.number("saturation_wpm"),
            settings.number("discourse_memory_s"),
        )
        report("following the blood", 1, 2)
        response = haemodynamic_response(settings.number("hrf_peak_s"))
        values = sample_volumes(courses, response, n_rows, tr_s).astype(np.float32)
        facts = {
            "tr_s": tr_s,
            "n_words": len(words),
            "word_onsets": "given" if stimulus.word_onsets_s else "shared by syllables",
            "word_frequencies": frequency_source(),
        }
        onsets = tuple(f"{number * tr_s:.2f}" for number in range(n_rows))
        return Features((values,), onsets, settings, (), facts)

    def readout(
        self,
        features: Features,
        selection: Selection,
        settings: Settings,
        report: Report = ignore_progress,
    ) -> tuple[Response, ...]:
        """Responses of the selected parcels.

        Parameters
        ----------
        features : Features
        selection : Selection
            Subject ``"average"``; regions are the five systems and their MMP areas.
        settings : Settings
        report : callable
            Not called: it is one small product.

        Returns
        -------
        tuple of one Response
            A row a volume; columns are the modelled parcels of the selection, on ``mmp360``. All
            other parcels are not modelled, which is not 0.

        Raises
        ------
        SelectionError
            Subject, region or index is not in this model, or nothing is left.
        """
        self.check_subjects(selection)
        columns = select_parcels(selection)
        table = loadings(settings.number("structure_strength"), settings.number("right_share"))
        chosen = np.searchsorted(modelled_parcels(), columns)
        # column by column, so that a selection is a slice of the whole to the last bit
        values = np.einsum("tf,fp->tp", features.arrays[0].astype(float), table)[:, chosen]
        card = self.card
        response = Response(
            values=values,
            space=MMP360,
            row_labels=features.row_labels,
            units=card.units,
            is_signed=card.is_signed,
            provenance=Provenance(
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
                settings={**settings.as_dict(), **features.facts},
            ),
            columns=columns,
            row_kind="seconds",
        )
        return (response,)

    def preview(self, stimulus: Stimulus, settings: Settings) -> Preview:
        """Refuse: a transcript has no picture.

        Raises
        ------
        StimulusError
            Always.
        """
        raise StimulusError(f"“{stimulus.name}”: this model hears words and sees no picture.")

    def regions_of(self, subject: str) -> Regions:
        """Five systems and their MMP areas."""
        self.check_subjects(Selection((subject,)))
        return language_regions()


def select_parcels(selection: Selection) -> IntArray:
    """Modelled parcels of a selection.

    Parameters
    ----------
    selection : Selection
        Regions, hemisphere and indices are used; they restrict each other.

    Returns
    -------
    ndarray of shape (n_selected,), int
        Rising parcel numbers of ``mmp360``, left hemisphere first; at least one.

    Raises
    ------
    UnknownRegionError
        A region is no system and none of their areas; the message lists near matches.
    SelectionError
        An index is not in the parcellation, or nothing is left.
    """
    n_places = MMP360.n_places
    is_selected = np.zeros(n_places, bool)
    is_selected[modelled_parcels()] = True
    if selection.regions:
        masks = [language_regions().mask(region) for region in selection.regions]
        is_selected &= np.any(masks, axis=0)
    if selection.hemisphere != "both":
        other: Hemisphere = "right" if selection.hemisphere == "left" else "left"
        is_selected[MMP360.hemisphere_slice(other)] = False
    if selection.indices is not None:
        if selection.indices and selection.indices[-1] >= n_places:
            raise SelectionError(
                f"There is no parcel {selection.indices[-1]}; there are {n_places}, from 0."
            )
        is_listed = np.zeros(n_places, bool)
        is_listed[list(selection.indices)] = True
        is_selected &= is_listed
    if not is_selected.any():
        raise SelectionError("No modelled parcel is in this selection: pick more regions.")
    return np.flatnonzero(is_selected)
