"""Core values: what is asked (Selection, Settings) and what is answered (Response).

Every type here is frozen and valid from birth; none knows torch or Streamlit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import SelectionError, SettingError, SpaceMismatchError

__all__ = [
    "BoolArray",
    "FloatArray",
    "Hemisphere",
    "IntArray",
    "Provenance",
    "Report",
    "Response",
    "Selection",
    "Setting",
    "SettingValue",
    "Settings",
    "Space",
    "UInt8Array",
    "ignore_progress",
]

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]
UInt8Array = NDArray[np.uint8]

Hemisphere = Literal["left", "right"]
SettingValue = bool | int | float | str

#: Names of things that settings without choices may name, such as a repository.
_NAME = re.compile(r"[\w./-]{1,96}", re.ASCII)

#: ``report(stage, done, total)``; may raise ``Cancelled`` to stop the work.
Report = Callable[[str, int, int], None]


def ignore_progress(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Space:
    """Where the columns of a response live.

    Parameters
    ----------
    name : str
        Unique name, e.g. ``"fsaverage5"``.
    kind : {"surface", "parcels", "volume"}
        How it is drawn.
    n_left, n_right : int
        Places per hemisphere; left comes first. For a volume, all places count as left.
    description : str
        One line for a person.
    """

    name: str
    kind: Literal["surface", "parcels", "volume"]
    n_left: int
    n_right: int
    description: str = ""

    @property
    def n_places(self) -> int:
        """Vertices, parcels or voxels in both hemispheres."""
        return self.n_left + self.n_right

    def hemisphere_slice(self, hemisphere: Hemisphere) -> slice:
        """Columns of one hemisphere in the left-then-right order."""
        if hemisphere == "left":
            return slice(0, self.n_left)
        return slice(self.n_left, self.n_places)


@dataclass(frozen=True)
class Setting:
    """One knob of a model, declared on its catalog row.

    Parameters
    ----------
    name : str
        Identifier; also the URL parameter.
    label, help : str
        Words for a person.
    default : bool, int, float or str
        Value in force when nothing is said; its type is the setting's type.
    unit : str
        Empty for none.
    minimum, maximum, step : float, optional
        Range of a number, both ends allowed.
    choices : tuple of (value, label), optional
        Allowed values of a text setting, with their words. A text setting without choices names
        something that is looked for elsewhere: any short name will do here.
    changes : {"features", "readout"}
        What must be computed anew when it changes.
    """

    name: str
    label: str
    default: SettingValue
    changes: Literal["features", "readout"]
    help: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[tuple[str, str], ...] = ()

    def check(self, value: SettingValue) -> SettingValue:
        """Return ``value`` in the setting's own type.

        Raises
        ------
        SettingError
            Wrong type, not finite, out of range, not among the choices, or no short name.
        """
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise SettingError(f"{self.label} is either on or off; got {value!r}.")
            return value
        if isinstance(self.default, str):
            allowed = [name for name, _ in self.choices]
            if not allowed and isinstance(value, str) and _NAME.fullmatch(value):
                return value
            if value not in allowed:
                one = f"one of {allowed}" if allowed else "a short name"
                raise SettingError(f"{self.label} must be {one}; got {str(value)[:100]!r}.")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise SettingError(f"{self.label} must be a number; got {value!r}.")
        low = -np.inf if self.minimum is None else self.minimum
        high = np.inf if self.maximum is None else self.maximum
        if not low <= value <= high:
            raise SettingError(f"{self.label} must be {self._range()}; got {value:g}.")
        if isinstance(self.default, int) and value != int(value):
            raise SettingError(f"{self.label} must be a whole number; got {value:g}.")
        return type(self.default)(value)

    def _range(self) -> str:
        """Words for the allowed range."""
        if self.maximum is None:
            words = f"at least {self.minimum:g}"
        elif self.minimum is None:
            words = f"at most {self.maximum:g}"
        else:
            words = f"between {self.minimum:g} and {self.maximum:g}"
        return f"{words} {self.unit}".rstrip()


@dataclass(frozen=True)
class Settings:
    """All knobs of one model, checked against their declarations; hashable.

    Build it with :meth:`of`, which fills in the defaults.
    """

    declared: tuple[Setting, ...] = ()
    values: tuple[SettingValue, ...] = ()

    @classmethod
    def of(cls, declared: Sequence[Setting], /, **values: SettingValue) -> Settings:
        """Check ``values`` against ``declared`` and fill in the defaults.

        Raises
        ------
        SettingError
            A name is not declared, or a value is not allowed.
        """
        unknown = sorted(set(values) - {setting.name for setting in declared})
        if unknown:
            known = [setting.name for setting in declared]
            raise SettingError(f"Unknown setting {unknown[0]!r}; this model has {known}.")
        return cls(
            tuple(declared),
            tuple(setting.check(values.get(setting.name, setting.default)) for setting in declared),
        )

    def __getitem__(self, name: str) -> SettingValue:
        for setting, value in zip(self.declared, self.values, strict=True):
            if setting.name == name:
                return value
        raise SettingError(f"Unknown setting {name!r}.")

    def number(self, name: str) -> float:
        """Value of a numeric setting."""
        return float(self[name])

    def as_dict(self) -> dict[str, SettingValue]:
        """Name -> value, in the order of declaration."""
        return {s.name: v for s, v in zip(self.declared, self.values, strict=True)}

    def replace(self, **values: SettingValue) -> Settings:
        """Return a copy with some values changed."""
        return Settings.of(self.declared, **{**self.as_dict(), **values})

    def key(self, changes: Literal["features", "readout"]) -> tuple[tuple[str, SettingValue], ...]:
        """Names and values of the settings that change this stage; for cache keys."""
        return tuple(
            (s.name, v)
            for s, v in zip(self.declared, self.values, strict=True)
            if s.changes == changes
        )


@dataclass(frozen=True)
class Selection:
    """Whose brain and which places; normalised and hashable.

    Parameters
    ----------
    subjects : tuple of str
        At least one, no repeats.
    regions : tuple of str
        Region names of the model's atlas; empty means every modelled place.
    hemisphere : {"both", "left", "right"}
        Restriction to one side.
    indices : tuple of int, optional
        Explicit columns of the space; combined with ``regions`` by intersection.
    """

    subjects: tuple[str, ...]
    regions: tuple[str, ...] = ()
    hemisphere: Literal["both", "left", "right"] = "both"
    indices: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not self.subjects:
            raise SelectionError("Pick at least one subject.")
        if len(set(self.subjects)) != len(self.subjects):
            raise SelectionError(f"A subject is named twice: {list(self.subjects)}.")
        if self.hemisphere not in ("both", "left", "right"):
            raise SelectionError(
                f"Hemisphere must be both, left or right; got {self.hemisphere!r}."
            )
        object.__setattr__(self, "regions", tuple(dict.fromkeys(self.regions)))
        if self.indices is not None:
            if any(index < 0 for index in self.indices):
                raise SelectionError("Column indices start at 0; a negative one was given.")
            object.__setattr__(self, "indices", tuple(sorted(set(self.indices))))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for provenance and files."""
        return {
            "subjects": list(self.subjects),
            "regions": list(self.regions),
            "hemisphere": self.hemisphere,
            "indices": None if self.indices is None else list(self.indices),
        }


@dataclass(frozen=True)
class Provenance:
    """Where a response comes from; travels with every file and picture.

    Parameters
    ----------
    model_id, model_title, version : str
        Catalog id, words for a person, version of weights or parameter table.
    weights_sha256 : str
        Hash of the weights, or of the parameter table where there are none.
    subject : str
        Whose brain.
    selection, settings : Mapping
        Plain values in force.
    caveat : str
        The sentence that must be read with the numbers.
    badge : str
        Short form of the caveat, for a figure.
    citation, licence : str
        Source of the model and its terms.
    """

    model_id: str
    model_title: str
    version: str
    weights_sha256: str
    subject: str
    caveat: str
    badge: str
    citation: str = ""
    licence: str = ""
    selection: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "model_id": self.model_id,
            "model_title": self.model_title,
            "version": self.version,
            "weights_sha256": self.weights_sha256,
            "subject": self.subject,
            "selection": dict(self.selection),
            "settings": dict(self.settings),
            "caveat": self.caveat,
            "badge": self.badge,
            "citation": self.citation,
            "licence": self.licence,
            "measured": False,
        }

    def as_json(self) -> str:
        """One line of JSON, keys sorted."""
        return json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, eq=False)
class Response:
    """Predicted activity: rows are pictures or volumes, columns are places.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float32
        In ``units``; NaN means "not modelled" and is never 0. Kept as a read-only copy.
    space : Space
        Where the columns live.
    columns : ndarray of shape (n_columns,), int, optional
        Index of each column in ``space``, strictly rising; default all places.
    row_labels : tuple of str
        One a row: the picture's name, or the onset in seconds.
    row_kind : {"picture", "seconds"}
        What the labels are.
    units : str
        E.g. ``"relative response (model units)"``.
    is_signed : bool
        True: zero is a meaningful middle and colours diverge. False: values start at 0.
    provenance : Provenance

    Raises
    ------
    SpaceMismatchError
        Shape, labels and columns do not fit each other or the space.
    """

    values: FloatArray
    space: Space
    row_labels: tuple[str, ...]
    units: str
    is_signed: bool
    provenance: Provenance
    columns: IntArray | None = None
    row_kind: Literal["picture", "seconds"] = "picture"

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float32)
        if values.ndim != 2:
            raise SpaceMismatchError(f"Values must be (n_rows, n_columns); got {values.shape}.")
        columns = np.arange(self.space.n_places) if self.columns is None else self.columns
        columns = np.array(columns, dtype=np.int64)
        if columns.shape != (values.shape[1],):
            raise SpaceMismatchError(
                f"{values.shape[1]} columns of values, but {columns.size} column indices "
                f"in {self.space.name} ({self.space.n_places} places)."
            )
        if columns.size and (
            columns[0] < 0 or columns[-1] >= self.space.n_places or np.any(np.diff(columns) <= 0)
        ):
            raise SpaceMismatchError(
                f"Column indices must rise strictly inside 0..{self.space.n_places - 1}."
            )
        if len(self.row_labels) != len(values):
            raise SpaceMismatchError(f"{len(values)} rows, but {len(self.row_labels)} row labels.")
        values.flags.writeable = False
        columns.flags.writeable = False
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "columns", columns)

    @property
    def n_rows(self) -> int:
        """Pictures or volumes."""
        return int(self.values.shape[0])

    @property
    def column_indices(self) -> IntArray:
        """Index of each column in the space, int64, read-only."""
        assert self.columns is not None  # set in __post_init__
        return self.columns

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        return int(self.values.nbytes + self.column_indices.nbytes)

    def dense(self) -> FloatArray:
        """Values at every place of the space.

        Returns
        -------
        ndarray of shape (n_rows, n_places), float32
            NaN where the response has no column.
        """
        out = np.full((self.n_rows, self.space.n_places), np.nan, np.float32)
        out[:, self.column_indices] = self.values
        return out
