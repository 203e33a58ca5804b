"""The table of left-out words, cell by cell."""

import csv
import io

import numpy as np

from models.analysis.word_table import effects_csv
from models.analysis.words import LeftOut
from models.types import Provenance, Response, Space

RESPONSE = Response(
    np.zeros((3, 3)),
    Space("tiny", "parcels", 2, 1),
    ("0.00", "2.00", "4.00"),
    "z",
    True,
    Provenance("m", "Model", "7", "0" * 64, "sub-01", "Predicted only.", "BADGE"),
    row_kind="seconds",
)
FOUND = LeftOut(
    unit="word",
    names=("=SUM(A1)", "b, c"),
    numbers=np.array([0, 3]),
    onsets_s=np.array([0.5, 2.25]),
    changes=np.array([[0, 0.5, -0.75], [0.25, 0.125, 0]]),
    baseline=np.array([[0.1, 0.2], [0.3, 0.4]]),
    units="z",
)


def test_a_line_a_word_with_its_effect_its_peak_and_every_order():
    text = effects_csv(RESPONSE, FOUND, "V1 left", tr_s=2.0).decode()
    lines = text.split("\r\n")
    facts = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    assert facts["what"] == "Boldcast: prediction, not measured"
    assert (facts["model"], facts["version"], facts["unit"]) == ("Model [m]", "7", "z")
    assert (facts["tr"], facts["region"], facts["left_out"]) == ("2 s", "V1 left", "word")
    assert "minus without them" in facts["meaning"]
    rows = list(csv.DictReader(io.StringIO("\n".join(x for x in lines if x[:1] != "#"))))
    assert [row["text"] for row in rows] == ["'=SUM(A1)", "b, c"]
    assert [float(row["effect"]) for row in rows] == [-0.75, 0.25]
    assert [float(row["peak_seconds"]) for row in rows] == [4.0, 0.0]
    assert [(row["number"], row["seconds"]) for row in rows] == [("1", "0.5"), ("4", "2.25")]
    assert [(row["baseline_1"], row["baseline_2"]) for row in rows] == [
        ("0.1", "0.2"),
        ("0.3", "0.4"),
    ]
