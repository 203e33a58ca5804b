"""Which words did it, as a table for spreadsheets and scripts."""

from __future__ import annotations

import numpy as np

from models.analysis.words import LeftOut
from models.export import provenance_lines
from models.export_text import comment, csv_line
from models.types import Response

__all__ = ["effects_csv"]

_MEANING = (
    "effect = largest change of the region's mean response, at any time, with the words minus "
    "without them; baseline = the same of the same words after all words changed places at random"
)


def effects_csv(
    response: Response, found: LeftOut, region: str, *, tr_s: float | None = None
) -> bytes:
    r"""Table of what leaving each word, or each volume's words, out changes.

    Parameters
    ----------
    response : Response
        The prediction with all words; its provenance goes into the file.
    found : LeftOut
    region : str
        Whose response was watched.
    tr_s : float, optional
        Time from one volume to the next, in s.

    Returns
    -------
    bytes
        UTF-8 text, lines end in ``\r\n``: ``# key: value`` lines, a header, then a line a unit.
        Columns: ``number`` (of the word or the volume, from 1), ``seconds`` (its onset),
        ``text``, ``effect`` and ``peak_seconds`` (the volume in which it is reached), then
        ``baseline_1``, ``baseline_2`` ... one a random order. Effects are in the response's
        units; cells are written as in :func:`models.export.region_csv`.
    """
    facts = (
        *provenance_lines(response, tr_s=tr_s),
        ("region", region),
        ("left_out", found.unit),
        ("meaning", _MEANING),
    )
    n_shuffles = found.baseline.shape[1]
    lines = [comment(key, value) for key, value in facts]
    shuffles = [f"baseline_{number + 1}" for number in range(n_shuffles)]
    lines.append(csv_line(["number", "seconds", "text", "effect", "peak_seconds", *shuffles]))
    peaks = np.abs(found.changes).argmax(axis=1)
    for index, name in enumerate(found.names):
        seconds = float(response.row_labels[int(peaks[index])])
        where = (int(found.numbers[index]) + 1, float(found.onsets_s[index]), name)
        effect = (float(found.effects[index]), seconds)
        lines.append(csv_line([*where, *effect, *found.baseline[index].tolist()]))
    return "".join(line + "\r\n" for line in lines).encode()
