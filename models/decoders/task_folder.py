"""A folder of one's own trials: responses, pictures and a table that says which belong together."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from models.decoders.samples import Samples
from models.errors import ParameterError, StimulusError
from models.stimulus import Stimulus
from models.types import FloatArray, IntArray, Report, ignore_progress

__all__ = ["FEATURES", "Parts", "TaskFolder", "read_folder"]

#: Features that can be worked out from the pictures.
FEATURES = ("filter-bank", "dinov2-small", "dinov2-base", "dinov2-large", "dinov2-giant")
#: NeuralBench's: share of the runs that become validation, and the seed that picks them.
_VALIDATION_SHARE, _VALIDATION_SEED = 0.2, 33
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True, eq=False)
class Parts:
    """Trials of the three parts, and what must be known about the split.

    Parameters
    ----------
    training, validation, test : Samples
    notes : tuple of str
        Sentences for the report.
    """

    training: Samples
    validation: Samples
    test: Samples
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TaskFolder:
    """What :func:`read_folder` found; every tuple has one entry a trial.

    Parameters
    ----------
    folder : Path
    responses : ndarray of shape (n, n_places) or (n, n_places, n_trs)
        Mapped from the file; in the order of the table.
    images, splits, subjects, runs : tuple of str
        A run is empty where the table has none.
    """

    folder: Path
    responses: FloatArray
    images: tuple[str, ...]
    splits: tuple[str, ...]
    subjects: tuple[str, ...]
    runs: tuple[str, ...]

    @cached_property
    def image_names(self) -> tuple[str, ...]:
        """Distinct pictures in order of appearance."""
        return tuple(dict.fromkeys(self.images))

    def targets(
        self,
        features: str | None,
        report: Report = ignore_progress,
        *,
        device: str = "auto",
        home: str | Path | None = None,
    ) -> tuple[FloatArray, str]:
        """Features of the picture of each trial.

        Parameters
        ----------
        features : str, optional
            One of :data:`FEATURES`. Without it ``targets.npy`` where there is one, else the
            filter bank.
        report : callable
            May raise ``Cancelled``.
        device, home
            Where DINOv2 runs, and below which folder its weights are looked for.

        Returns
        -------
        targets : ndarray of shape (n, d), float32
        name : str
            What they are.

        Raises
        ------
        ParameterError, StimulusError
            The file does not fit the table, or a picture is absent or unusable.
        WeightsError
            DINOv2's weights are not here.
        """
        from models.decoders.image_features import FILTER_BANK_NAME

        path = self.folder / "targets.npy"
        rows = np.array([self.image_names.index(name) for name in self.images])
        if features is None and path.exists():
            given = _load(path)
            if given.ndim != 2 or len(given) not in (len(rows), len(self.image_names)):
                raise ParameterError(
                    f"targets.npy must have a row for each of {len(rows)} trials or of "
                    f"{len(self.image_names)} pictures in order of appearance; got {given.shape}."
                )
            found = given if len(given) == len(rows) else given[rows]
            return np.asarray(found, np.float32), "targets.npy"
        name = features or "filter-bank"
        if name not in FEATURES:
            raise ParameterError(f"Features are one of {list(FEATURES)}; got {name!r}.")
        found = _features(name, self._stimuli(), report, device, home)
        return found[rows], FILTER_BANK_NAME if name == "filter-bank" else name

    def _stimuli(self) -> list[Stimulus]:
        """Read the distinct pictures."""
        found = []
        for name in self.image_names:
            path = self._picture(name)
            try:
                found.append(Stimulus.from_bytes(path.read_bytes(), path.name)[0])
            except OSError as problem:
                raise StimulusError(f"images/{name} cannot be read: {problem}") from problem
        return found

    def _picture(self, name: str) -> Path:
        """Where a picture lies; never outside the folder."""
        top = (self.folder / "images").resolve()
        path = (top / name).resolve()
        if not path.is_relative_to(top):
            raise StimulusError(f"trials.csv names a picture outside images: {name}.")
        return path

    def parts(self, targets: FloatArray) -> Parts:
        """Trials of training, validation and test.

        Without validation trials in the table a fifth of the runs that hold training trials
        becomes validation (NeuralBench's way); without runs a fifth of the training pictures.

        Raises
        ------
        ParameterError
            A part is empty, or a test picture is also one of training.
        """
        splits, notes = self._with_validation()
        rows = {part: np.flatnonzero(splits == part) for part in ("train", "val", "test")}
        for part, own in rows.items():
            if not len(own):
                raise ParameterError(f"trials.csv leaves no trial for the part {part!r}.")
        shown = {part: {self.images[row] for row in own} for part, own in rows.items()}
        self._refuse_leak(shown["train"] | shown["val"], shown["test"])
        if shown["train"] & shown["val"]:
            notes.append(
                f"{len(shown['train'] & shown['val'])} validation pictures are also shown in "
                "training: early stopping and penalties are chosen on pictures partly known."
            )
        responses = np.asarray(self.responses)
        pick = {part: self._samples(responses, targets, own) for part, own in rows.items()}
        return Parts(pick["train"], pick["val"], pick["test"], tuple(notes))

    def _samples(self, responses: FloatArray, targets: FloatArray, rows: IntArray) -> Samples:
        return Samples(
            responses[rows],
            targets[rows],
            tuple(self.images[row] for row in rows),
            tuple(self.subjects[row] for row in rows),
        )

    def _with_validation(self) -> tuple[np.ndarray, list[str]]:
        """Split of each trial, with validation taken from training where the table has none."""
        splits = np.array(self.splits)
        if "val" in self.splits:
            return splits, []
        is_training = splits == "train"
        has_runs = all(run for run, own in zip(self.runs, is_training, strict=True) if own)
        names = np.array(self.runs if has_runs else self.images)
        # A run is one person's: the same number of two people is two runs.
        units = (
            np.char.add(np.char.add(np.array(self.subjects), "\n"), names) if has_runs else names
        )
        known = np.unique(units[is_training])
        n_taken = max(1, round(_VALIDATION_SHARE * len(known)))
        mixed = np.random.default_rng(_VALIDATION_SEED).permutation(known)
        splits[is_training & np.isin(units, mixed[:n_taken])] = "val"
        what = "runs" if has_runs else "pictures"
        return splits, [f"{n_taken} of {len(known)} training {what} were taken for validation."]

    def _refuse_leak(self, known: set[str], test: set[str]) -> None:
        """Refuse test pictures that training has seen, by name or by content."""
        if known & test:
            raise ParameterError(
                f"{len(known & test)} test pictures are also shown in training, for example "
                f"{min(known & test)}: all trials of a picture belong to one side."
            )
        seen = {digest: name for name in sorted(known) if (digest := self._digest(name))}
        for name in sorted(test):
            if (digest := self._digest(name)) in seen:
                raise ParameterError(
                    f"The test picture {name} is the same file as {seen[digest]}, which training "
                    "shows: all trials of a picture belong to one side."
                )

    def _digest(self, name: str) -> str:
        """Hash of a picture's file; empty where there is none (targets came ready-made)."""
        path = self._picture(name)
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _features(
    name: str,
    stimuli: Sequence[Stimulus],
    report: Report,
    device: str,
    home: str | Path | None,
) -> FloatArray:
    """Features of pictures, by one of the names in :data:`FEATURES`."""
    from models.decoders import image_features

    if name == "filter-bank":
        return image_features.filter_bank_features(stimuli, report)
    size: Any = name.removeprefix("dinov2-")
    return image_features.dinov2_features(stimuli, size, report, device=device, home=home)


def read_folder(folder: Path) -> TaskFolder:
    """Read ``trials.csv`` and open ``responses.npy``.

    Parameters
    ----------
    folder : Path
        See docs/decoding.md for its layout.

    Raises
    ------
    ParameterError
        A file is absent or does not fit the other.
    """
    table = folder / "trials.csv"
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ParameterError(f"{table} cannot be read: {problem}") from problem
    if not lines or not {"image", "split"} <= set(lines[0]):
        raise ParameterError("trials.csv needs the columns image and split, and a line a trial.")
    columns = {
        name: tuple((line.get(name) or "").strip() for line in lines)
        for name in ("image", "split", "subject", "run", "row")
    }
    unknown = sorted({split for split in columns["split"] if split.lower() not in _SPLITS})
    if unknown or not all(columns["image"]):
        raise ParameterError(
            f"Every line of trials.csv needs an image, and a split among train, val and test; "
            f"got {unknown or 'a line without image'}."
        )
    responses = _load(folder / "responses.npy")
    if responses.ndim not in (2, 3):
        raise ParameterError(
            "responses.npy must be (trials, places) or (trials, places, volumes); "
            f"got {responses.shape}."
        )
    if any(columns["row"]):
        responses = responses[_rows(columns["row"], len(responses))]
    if len(responses) != len(lines):
        raise ParameterError(
            f"responses.npy has {len(responses)} trials, trials.csv {len(lines)} lines."
        )
    splits = tuple(_SPLITS[split.lower()] for split in columns["split"])
    return TaskFolder(
        folder, responses, columns["image"], splits, columns["subject"], columns["run"]
    )


def _load(path: Path) -> FloatArray:
    """Map an array of numbers."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise ParameterError(f"{path} is no array that can be read: {problem}") from problem
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu" or not found.size:
        raise ParameterError(f"{path.name} must hold real numbers.")
    return found


def _rows(words: Sequence[str], n: int) -> IntArray:
    """Rows of ``responses.npy`` that the table names, from 0."""
    if not all(word.isdecimal() and int(word) < n for word in words):
        raise ParameterError(f"The column row of trials.csv must hold numbers in 0..{n - 1}.")
    return np.array([int(word) for word in words])
