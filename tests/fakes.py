"""Stand-ins for tests: a model without torch or weights, whose answers depend on every input."""

import threading
from collections import Counter

import numpy as np

from models.catalog import get_card
from models.encoders.base import EncodingModel, Features, Preview
from models.encoders.reference_vision import select_vertices
from models.errors import StimulusError
from models.retinotopy import load_receptive_fields
from models.spaces import FSAVERAGE5
from models.types import Provenance, Response, ignore_progress

N_FEATURES = 16


class FakeEncodingModel(EncodingModel):
    """A seeded random encoding model on the vertices of V1-V3 and hV4.

    Parameters
    ----------
    card : ModelCard, optional
        The row it poses as; default ``reference-vision``.
    seed : int
        Another seed, another model.

    Attributes
    ----------
    calls : Counter
        How often ``features`` and ``readout`` ran, and ``pictures`` were looked at.
    subjects_asked : list of tuple
        The ``subjects`` of each call of ``features``.
    gate : threading.Event
        ``features`` waits for it before each picture; set from birth.
    before_picture : callable
        Called with the number of each picture, after the gate.
    error : BaseException or None
        Raised by ``features`` when set.
    """

    def __init__(self, card=None, seed=0):
        super().__init__(card or get_card("reference-vision"))
        self.seed = seed
        self.calls = Counter()
        self.subjects_asked = []
        self.gate = threading.Event()
        self.gate.set()
        self.before_picture = lambda number: None
        self.error = None

    def features(self, stimuli, settings, report=ignore_progress, subjects=()):
        self.calls["features"] += 1
        self.subjects_asked.append(tuple(subjects))
        if self.error is not None:
            raise self.error
        rows = []
        for number, stimulus in enumerate(stimuli):
            self.gate.wait()
            self.before_picture(number)
            report("looking at pictures", number, len(stimuli))
            if stimulus.kind != "image":
                raise StimulusError(f"This model looks at pictures; {stimulus.name} is not one.")
            self.calls["pictures"] += 1
            key = [self.seed, int(stimulus.digest[:16], 16), _number(settings.key("features"))]
            rows.append(np.random.default_rng(key).random(N_FEATURES, np.float32))
        return Features((np.array(rows),), tuple(s.name for s in stimuli), settings)

    def readout(self, features, selection, settings, report=ignore_progress):
        self.calls["readout"] += 1
        self.check_subjects(selection)
        columns = select_vertices(selection)
        modelled = load_receptive_fields().modelled
        key = [self.seed, _number(settings.key("readout"))]
        weights = np.random.default_rng(key).random((N_FEATURES, len(modelled)), np.float32)
        values = np.stack([row @ weights for row in features.arrays[0]]) / N_FEATURES
        is_signed = bool(settings.as_dict().get("is_minus_average", False))
        return tuple(
            Response(
                values=values[:, np.searchsorted(modelled, columns)] - 0.25 * is_signed,
                space=FSAVERAGE5,
                row_labels=features.row_labels,
                units=self.card.units,
                is_signed=is_signed,
                provenance=self._provenance(subject, selection, settings),
                columns=columns,
            )
            for subject in selection.subjects
        )

    def preview(self, stimulus, settings):
        angle = settings.number("visual_angle_deg")
        pixels = np.full((8, 8, 3), int(stimulus.digest[:2], 16), np.uint8)
        half = angle / 2
        return Preview(pixels, (-half, half, -half, half), (-half, half, -half, half), "A fake.")

    def _provenance(self, subject, selection, settings):
        return Provenance(
            model_id=self.card.id,
            model_title=self.card.title,
            version=f"fake {self.seed}",
            weights_sha256="0" * 64,
            subject=subject,
            caveat=self.card.caveat,
            badge=self.card.badge,
            selection=selection.as_dict(),
            settings=settings.as_dict(),
        )


def _number(key):
    """A non-negative integer from a key of settings, the same in every process."""
    return int.from_bytes(repr(key).encode(), "little")
