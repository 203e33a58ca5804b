"""The editor's message and what comes back from it."""

import numpy as np
import pytest

from components.message import decode_message
from components.words import RowEdit, pack_words, read_edits, transcript_editor


def test_rows_and_times_come_out_as_they_went_in():
    texts = ["שלום עולם", "", "你好 world"]
    message = pack_words(texts, [(0.5, 1.25), (), (0.0, 1.0)], tr_s=1.49, revision="grid:3")
    header, payload = decode_message(message)
    assert header["texts"] == texts
    assert header["n_words"] == [2, 0, 2]
    assert np.frombuffer(payload, "<f4").tolist() == [0.5, 1.25, 0.0, 1.0]
    assert (header["tr_s"], header["revision"], header["n_taken"]) == (1.49, "grid:3", 0)
    assert (header["can_undo"], header["can_redo"]) == (False, False)


def test_the_same_rows_are_the_same_message_and_others_are_not():
    def packed(**more):
        return pack_words(["a"], [(0.0,)], **{"tr_s": 2.0, "revision": "1", **more})

    assert packed() == packed()
    others = [packed(tr_s=1.0), packed(revision="2"), packed(n_taken=1), packed(can_undo=True)]
    assert len({packed(), *others}) == 5


def test_every_word_needs_a_time():
    with pytest.raises(ValueError, match="1 times for 2 words"):
        pack_words(["a b"], [(0.0,)], tr_s=2.0, revision="1")
    with pytest.raises(ValueError, match="Times of 1 rows"):
        pack_words(["a", "b"], [(0.0,)], tr_s=2.0, revision="1")


def test_edits_are_read():
    sent = {
        "revision": "grid:1",
        "edits": [
            {"number": 1, "step": "text", "row": 3, "text": "מה"},
            {"number": 2, "step": "split", "row": 3, "word": 1},
            {"number": 3, "step": "word", "word": 8, "onset_s": 2},
            {"number": 5, "step": "undo", "row": 0},
        ],
    }
    assert read_edits(sent) == (
        "grid:1",
        (
            RowEdit(1, "text", 3, text="מה"),
            RowEdit(2, "split", 3, word=1),
            RowEdit(3, "word", word=8, onset_s=2.0),
            RowEdit(5, "undo"),
        ),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        7,
        {"number": 2, "step": "drop tables"},
        {"number": "2", "step": "undo"},
        {"number": True, "step": "undo"},
        {"step": "undo"},
        {"number": 1, "step": "undo"},  # came before
        {"number": 2, "step": "insert", "row": -1},
        {"number": 2, "step": "insert", "row": 1.5},
        {"number": 2, "step": "text", "row": 1, "text": None},
        {"number": 2, "step": "text", "row": 1, "text": "a" * 100_001},
        {"number": 2, "step": "word", "word": 1, "onset_s": float("nan")},
        {"number": 2, "step": "word", "word": 1, "onset_s": -1.0},
    ],
)
def test_nothing_is_done_from_the_first_malformed_edit_on(wrong):
    good = {"number": 1, "step": "insert", "row": 0}
    later = {"number": 9, "step": "remove", "row": 0}
    sent = {"revision": "grid:1", "edits": [good, wrong, later]}
    assert read_edits(sent) == ("grid:1", (RowEdit(1, "insert"),))


@pytest.mark.parametrize("wrong", [None, [], "x", {"edits": []}, {"revision": "1", "edits": {}}])
def test_what_holds_no_edits_is_none(wrong):
    assert read_edits(wrong) == ("", ())


@pytest.mark.parametrize("keys", [("wo rds", "view"), ("words", 'v"'), ("", "view")])
def test_keys_that_would_break_the_page_are_refused(keys):
    message = pack_words(["a"], [(0.0,)], tr_s=2.0, revision="1")
    with pytest.raises(ValueError, match="letters, digits"):
        transcript_editor(message, key=keys[0], view_key=keys[1], on_edits=print)
