"""What the model sees, and the visual field over it: a panel linked to the cortex.

Canvas2D in the browser; frames, hover, colour range and areas cost no rerun. See ``wire.py`` for
the message and ``frontend/`` for the drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st

from components.field.wire import (
    AREA_NAMES,
    FieldOptions,
    PreviewLike,
    ReceptiveFieldsLike,
    pack_field,
)
from components.static import entry_url
from models.types import FloatArray, Response, UInt8Array

__all__ = [
    "AREA_NAMES",
    "FieldOptions",
    "PreviewLike",
    "ReceptiveFieldsLike",
    "pack_field",
    "visual_field",
]

_FRONTEND = Path(__file__).parent / "frontend"

#: Inline code is loaded from a blob, where imports only work with a full address.
_ENTRY = """
export default function (component) {
  let end = null;
  let isGone = false;
  import(new URL("%s", document.baseURI)).then((field) => {
    if (!isGone) end = field.mount(component);
  });
  return () => {
    isGone = true;
    if (end) end();
  };
}
"""


@dataclass(frozen=True, eq=False)
class _Packed:
    """A message and what it was made from."""

    objects: tuple[object, ...]
    options: FieldOptions
    message: bytes


#: Last message of each living response.
_packed: WeakKeyDictionary[Response, _Packed] = WeakKeyDictionary()


def visual_field(
    response: Response,
    receptive_fields: ReceptiveFieldsLike,
    previews: Sequence[PreviewLike] = (),
    originals: Sequence[UInt8Array] = (),
    *,
    key: str,
    view_key: str,
    sizes_deg: FloatArray | None = None,
    is_movable: bool = True,
    on_fixation: Callable[[float, float], None] | None = None,
    low_confidence: Sequence[str] = (),
    colormap: str | None = None,
    limit: float | None = None,
    fixation_limit_deg: float = 15.0,
    fixation_step_deg: float = 0.1,
) -> tuple[float, float] | None:
    """Show what the model sees of each picture, and each modelled place where it looks.

    Parameters
    ----------
    response : Response
        One row a frame. Pass the same object at each rerun: its message is packed once.
    receptive_fields : ReceptiveFieldsLike
        Of every place of the response's space.
    previews : sequence of PreviewLike
        What the model sees, one a row; without any, only the response is shown.
    originals : sequence of ndarray of shape (height, width, 3), uint8
        Untouched pictures for the small image beside the note, one a row, or none.
    key : str
        Identity of this panel; needed so that a rerun does not build it anew.
    view_key : str
        Key of the brain view it is linked with.
    sizes_deg : ndarray of shape (n_places,), optional
        Radius of each receptive field in degrees, drawn around a dot under the pointer.
    is_movable : bool
        Whether the fixation cross can be dragged and moved with the arrow keys.
    on_fixation : callable, optional
        Called with x and y in degrees from the picture's centre, right and up positive, when the
        cross has been let go; runs before the script.
    low_confidence : sequence of str
        Areas to mark.
    colormap, limit
        Until the cortex says otherwise; by default those of the response's sign and values.
    fixation_limit_deg, fixation_step_deg : float
        Range on either side of the picture's centre, and grid, of the fixation point.

    Returns
    -------
    tuple of float or None
        x and y in degrees of a fixation point chosen since the last run.

    Raises
    ------
    SpaceMismatchError
        Receptive fields, pictures and response do not fit each other.
    """
    options = FieldOptions(
        view=view_key,
        colormap=colormap,
        limit=limit,
        low_confidence=tuple(low_confidence),
        is_movable=is_movable,
        fixation_limit_deg=fixation_limit_deg,
        fixation_step_deg=fixation_step_deg,
    )
    message = _pack_once(response, receptive_fields, previews, originals, options, sizes_deg)

    def report_fixation() -> None:
        chosen = _as_point(st.session_state[key].get("fixation"), fixation_limit_deg)
        if on_fixation is not None and chosen is not None:
            on_fixation(*chosen)

    result = _component()(data=message, key=key, on_fixation_change=report_fixation)
    return _as_point(result.get("fixation"), fixation_limit_deg)


@lru_cache(maxsize=1)
def _component() -> Any:
    """Register the browser side once a process."""
    return st.components.v2.component(
        "boldcast_field",
        html=(_FRONTEND / "field.html").read_text(encoding="utf-8"),
        css=(_FRONTEND / "field.css").read_text(encoding="utf-8"),
        js=_ENTRY % entry_url("field"),
    )


def _pack_once(
    response: Response,
    receptive_fields: ReceptiveFieldsLike,
    previews: Sequence[PreviewLike],
    originals: Sequence[UInt8Array],
    options: FieldOptions,
    sizes_deg: FloatArray | None,
) -> bytes:
    """Message of these very objects, packed again only when one of them is another."""
    # Arrays are compared as objects: comparing their numbers would cost what packing costs.
    objects = (receptive_fields, sizes_deg, *previews, None, *originals)
    kept = _packed.get(response)
    if (
        kept is not None
        and kept.options == options
        and len(kept.objects) == len(objects)
        and all(now is then for now, then in zip(objects, kept.objects, strict=True))
    ):
        return kept.message
    message = pack_field(
        response, receptive_fields, previews, originals, options=options, sizes_deg=sizes_deg
    )
    _packed[response] = _Packed(objects, options, message)
    return message


def _as_point(value: object, limit_deg: float) -> tuple[float, float] | None:
    """Point sent by the browser, which is not to be trusted; None for anything else."""
    if not isinstance(value, Mapping):
        return None
    x, y = value.get("x_deg"), value.get("y_deg")
    for degrees in (x, y):
        if isinstance(degrees, bool) or not isinstance(degrees, int | float):
            return None
        if not abs(degrees) <= limit_deg:
            return None
    assert isinstance(x, int | float)
    assert isinstance(y, int | float)
    return float(x), float(y)
