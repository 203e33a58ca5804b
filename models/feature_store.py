"""Features that were computed once: picture by picture where pictures do not depend on others."""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from models.encoders.base import EncodingModel, Features
from models.feature_files import FeatureFiles
from models.memory import ByteCache
from models.stimulus import Stimulus
from models.types import Report

if TYPE_CHECKING:
    from models.engine import Request

__all__ = ["FeatureStore"]


class FeatureStore:
    """Features by picture, in memory and, if wanted, on disk; safe to share between threads.

    Parameters
    ----------
    budget_bytes : int
        In memory.
    files : FeatureFiles, optional

    Attributes
    ----------
    n_run, n_reused : int
        Stimuli that went through a model, and that did not have to.
    """

    def __init__(self, budget_bytes: int, files: FeatureFiles | None = None) -> None:
        self.n_run = 0
        self.n_reused = 0
        self._memory: ByteCache[Features] = ByteCache(budget_bytes)
        self._files = files
        self._lock = threading.Lock()

    @property
    def n_bytes(self) -> int:
        """Bytes remembered in memory."""
        return self._memory.n_bytes

    def features(self, model: EncodingModel, request: Request, report: Report) -> Features:
        """Features of a request; the model runs only for what is not known.

        Raises
        ------
        BoldcastError
            The model's, or ``Cancelled`` by ``report``.
        """
        keys = _Keys(model, request, self._files is not None)
        if model.has_independent_rows:
            return self._by_picture(model, request, report, keys)
        features = self._find(model, request, keys, request.stimuli)
        if features is None:
            features = self._run(model, request, request.stimuli, report)
            self._keep(keys, request.stimuli, features)
        else:
            self._count(n_reused=len(request.stimuli))
        return features

    def forget(self, model_id: str) -> None:
        """Drop what is in memory of one model."""
        self._memory.drop(lambda key: isinstance(key, tuple) and key[0] == model_id)

    def drop(self) -> None:
        """Drop all that is in memory."""
        self._memory.drop()

    def counters(self) -> dict[str, int]:
        """Numbers for whoever watches."""
        files = self._files
        return {
            "features_bytes": self.n_bytes,
            "features_run": self.n_run,
            "features_reused": self.n_reused,
            "features_files_read": 0 if files is None else files.n_read,
            "features_files_written": 0 if files is None else files.n_written,
        }

    def _by_picture(
        self, model: EncodingModel, request: Request, report: Report, keys: _Keys
    ) -> Features:
        """Rows of known pictures, and a run for the others, in the order asked."""
        pictures = tuple(dict.fromkeys(request.stimuli))  # one that stands there twice runs once
        rows = self._known_rows(model, request, keys, pictures)
        missing = [picture for picture in pictures if picture.digest not in rows]
        if pictures and not missing:
            self._count(n_reused=len(request.stimuli))
            return Features.joined(_in_order(rows, request), request.stimuli, request.settings)
        fresh = self._run(model, request, missing, report)
        if not all(row.fits(fresh) for row in rows.values()):
            # Made under other circumstances (a subject's files came): not to stand side by side.
            rows, missing = {}, list(pictures)
            fresh = self._run(model, request, missing, report)
        is_reused = len(missing) < len(request.stimuli)
        self._count(n_reused=len(request.stimuli) - len(missing))
        rows |= self._split(keys, missing, fresh)
        if not is_reused:
            return fresh
        return Features.joined(_in_order(rows, request), request.stimuli, request.settings)

    def _known_rows(
        self, model: EncodingModel, request: Request, keys: _Keys, pictures: Sequence[Stimulus]
    ) -> dict[str, Features]:
        """Rows by digest; none where those that are known do not fit each other."""
        found = {
            picture.digest: self._find(model, request, keys, (picture,)) for picture in pictures
        }
        rows = {digest: row for digest, row in found.items() if row is not None}
        return rows if all(row.fits(other) for row, other in pairwise(rows.values())) else {}

    def _split(
        self, keys: _Keys, pictures: Sequence[Stimulus], features: Features
    ) -> dict[str, Features]:
        """Remember each row by itself."""
        rows = {}
        for number, picture in enumerate(pictures):
            rows[picture.digest] = features.row(number)
            self._keep(keys, (picture,), rows[picture.digest])
        return rows

    def _run(
        self, model: EncodingModel, request: Request, stimuli: Sequence[Stimulus], report: Report
    ) -> Features:
        """Let the model look."""
        self._count(n_run=len(stimuli))
        return model.features(stimuli, request.settings, report, request.backbone_subjects)

    def _find(
        self, model: EncodingModel, request: Request, keys: _Keys, stimuli: Sequence[Stimulus]
    ) -> Features | None:
        """Look in memory, then on disk."""
        features = self._memory.get(keys.in_memory(stimuli))
        name = keys.on_disk(stimuli)
        if features is not None or self._files is None or not name:
            return features
        features = self._files.read(name, model.features_type, request.settings)
        if features is not None:
            self._memory.put(keys.in_memory(stimuli), features)
        return features

    def _keep(self, keys: _Keys, stimuli: Sequence[Stimulus], features: Features) -> None:
        """Put into memory and on disk."""
        self._memory.put(keys.in_memory(stimuli), features)
        name = keys.on_disk(stimuli)
        if self._files is not None and name:
            self._files.write(name, features)

    def _count(self, n_run: int = 0, n_reused: int = 0) -> None:
        with self._lock:
            self.n_run += n_run
            self.n_reused += n_reused


class _Keys:
    """Names of what one request needs, in memory and on disk."""

    def __init__(self, model: EncodingModel, request: Request, is_on_disk: bool) -> None:
        self._request = request
        self._has_rows = model.has_independent_rows
        whose = request.backbone_subjects
        sha256 = model.sha256_under(request.settings, whose) if is_on_disk else ""
        self._common = {
            "model": request.model_id,
            "version": model.card.version,
            "weights_sha256": sha256,
            "settings": request.settings.key("features"),
            "subjects": request.backbone_subjects,
            "device": model.device_name,
        }
        self._is_on_disk = bool(sha256)

    def in_memory(self, stimuli: Sequence[Stimulus]) -> Hashable:
        """Key of one picture, or of all together with their names."""
        if not self._has_rows:
            return (self._request.model_id, self._request.features_key)
        return (self._request.model_id, tuple(self._common.values()), stimuli[0].digest)

    def on_disk(self, stimuli: Sequence[Stimulus]) -> str:
        """Everything the features depend on, in words; empty where they are not kept on disk."""
        if not self._is_on_disk:
            return ""
        names = () if self._has_rows else tuple(stimulus.name for stimulus in stimuli)
        own = {"digests": [stimulus.digest for stimulus in stimuli], "names": names}
        return json.dumps({**self._common, **own}, sort_keys=True)


def _in_order(rows: Mapping[str, Features], request: Request) -> list[Features]:
    """List a row for each stimulus, as often as it is asked for."""
    return [rows[stimulus.digest] for stimulus in request.stimuli]
