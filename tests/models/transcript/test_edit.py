"""Rows that are edited, against cases made by hand."""

import numpy as np
import pytest

from models.errors import StimulusError
from models.stimulus import Stimulus
from models.transcript.edit import (
    Grid,
    History,
    Row,
    change_tr,
    grid_words,
    insert_rows,
    merge_rows,
    move_word,
    remove_rows,
    set_text,
    shift_rows,
    shift_time,
    split_row,
)
from models.transcript.words import Word, place_words


@pytest.fixture
def grid():
    """a 0.5 b 1.5 | silence | c 4.25, volumes of 2 s."""
    words = [Word("a", 0.5, 0.2), Word("b", 1.5, 0.2), Word("c", 4.25, 0.2)]
    return Grid.of(place_words(words, 2.0))


def texts(grid):
    return [row.text for row in grid.rows]


def onsets(grid):
    return [word.onset_s for word in grid_words(grid)]


def test_a_grid_gives_back_what_it_was_made_of(grid):
    stimulus = grid.stimulus("t")
    assert stimulus.lines == ("a b", "", "c")
    assert stimulus.word_onsets_s == (0.5, 1.5, 4.25)
    assert Grid.of(stimulus) == grid


def test_without_times_none_are_given():
    grid = Grid.of(Stimulus.from_lines(["a b", "", "c"], "t", 2.0))
    assert not grid.has_times
    assert grid.place().word_onsets_s == ()


def test_words_typed_beside_timed_ones_share_their_row(grid):
    grown = set_text(grid, 1, " one   banana ")
    assert texts(grown) == ["a b", "one banana", "c"]
    assert grown.place().word_onsets_s == (0.5, 1.5, 2.0, 2.5, 4.25)  # 1 + 3 syllables in 2 s


def test_text_of_the_same_length_keeps_its_times(grid):
    assert onsets(set_text(grid, 0, "x y")) == [0.5, 1.5, 4.25]
    assert onsets(set_text(grid, 0, "x")) == [0.0, 4.25]
    assert onsets(set_text(grid, 2, "")) == [0.5, 1.5]


def test_words_that_stay_keep_their_times_when_others_come_or_go(grid):
    """a 0.5, b 1.5 in 2 s; every word here has one syllable but banana, which has three."""
    assert onsets(set_text(grid, 0, "a x b")) == [0.5, 1.0, 1.5, 4.25]  # x shares 0.5..1.5 with a
    assert onsets(set_text(grid, 0, "x a b")) == [0.0, 0.5, 1.5, 4.25]
    assert onsets(set_text(grid, 0, "a b x")) == [0.5, 1.5, 1.75, 4.25]  # and 1.5..2.0 with b
    assert onsets(set_text(grid, 0, "a banana x b")) == [0.5, 0.7, 1.3, 1.5, 4.25]
    assert onsets(set_text(grid, 0, "b")) == [1.5, 4.25]
    assert onsets(set_text(grid, 0, "a")) == [0.5, 4.25]
    assert onsets(set_text(set_text(grid, 0, "a b a"), 0, "a")) == [0.5, 4.25]


def test_rows_are_inserted_and_removed(grid):
    assert texts(insert_rows(grid, 1, 2)) == ["a b", "", "", "", "c"]
    assert onsets(insert_rows(grid, 1, 2)) == [0.5, 1.5, 8.25]
    assert texts(insert_rows(grid, 3)) == ["a b", "", "c", ""]
    assert onsets(remove_rows(grid, 1)) == [0.5, 1.5, 2.25]
    assert texts(remove_rows(grid, 0, 3)) == [""]


def test_a_row_is_split_into_two_volumes(grid):
    split = split_row(grid, 0, 1)
    assert texts(split) == ["a", "b", "", "c"]
    assert onsets(split) == [0.5, 2.0, 6.25]


def test_two_volumes_are_merged_into_one(grid):
    assert onsets(merge_rows(grid, 1)) == [0.5, 1.5, 2.25]
    both = merge_rows(set_text(grid, 1, "d"), 0)
    assert texts(both) == ["a b d", "c"]
    np.testing.assert_allclose(onsets(both), [0, 2 / 3, 4 / 3, 2.25])


def test_rows_shift_by_volumes(grid):
    assert texts(shift_rows(grid, 2)) == ["", "", "a b", "", "c"]
    assert texts(shift_rows(grid, 1, first=2)) == ["a b", "", "", "c"]
    assert texts(shift_rows(grid, -1, first=2)) == ["a b", "c"]
    assert texts(shift_rows(shift_rows(grid, 3), -3)) == texts(grid)


def test_words_are_never_shifted_away(grid):
    with pytest.raises(StimulusError, match="words in the way"):
        shift_rows(grid, -1)
    with pytest.raises(StimulusError, match="words in the way"):
        shift_rows(grid, -2, first=2)
    with pytest.raises(StimulusError, match="before the first"):
        shift_time(grid, -0.6)


def test_words_shift_by_seconds_and_change_rows(grid):
    later = shift_time(grid, 0.6)
    assert texts(later) == ["a", "b", "c"]
    np.testing.assert_allclose(onsets(later), [1.1, 2.1, 4.85])
    assert texts(shift_time(grid, 2.0)) == ["", "a b", "", "c"]


def test_another_repetition_time_leaves_words_at_their_times(grid):
    """6 s: volumes of 1.49 s start at 0, 1.49, 2.98, 4.47, 5.96; a last one covers the rest."""
    cut = change_tr(grid, 1.49)
    assert texts(cut) == ["a", "b", "c", "", ""]
    np.testing.assert_allclose(onsets(cut), onsets(grid))
    assert texts(change_tr(cut, 2.0)) == ["a b", "", "c", ""]
    assert len(change_tr(Grid.empty(10, 2.0), 0.5).rows) == 40
    assert len(change_tr(Grid.empty(300, 1.49), 2.0).rows) == 224  # 447 s / 2 s = 223.5
    with pytest.raises(StimulusError, match="above 0"):
        change_tr(grid, 0.0)


def test_a_word_is_dragged(grid):
    moved = move_word(grid, 0, 2.5)
    assert texts(moved) == ["b", "a", "c"]
    assert onsets(moved) == [1.5, 2.5, 4.25]
    assert texts(move_word(grid, 2, 9.0)) == ["a b", "", "", "", "c"]
    with pytest.raises(StimulusError, match="no word 3"):
        move_word(grid, 3, 1.0)


@pytest.mark.parametrize("row", [-1, 3])
def test_rows_that_are_not_there_are_refused(grid, row):
    for edit in (
        lambda: set_text(grid, row, "x"),
        lambda: remove_rows(grid, row),
        lambda: split_row(grid, row, 0),
        lambda: merge_rows(grid, row),
    ):
        with pytest.raises(StimulusError, match="no row"):
            edit()
    with pytest.raises(StimulusError, match="no row"):
        merge_rows(grid, 2)
    with pytest.raises(StimulusError, match="cannot be split"):
        split_row(grid, 0, 3)
    with pytest.raises(StimulusError, match="no place"):
        insert_rows(grid, 4)


def test_grids_that_cannot_be_are_refused():
    with pytest.raises(StimulusError, match="would have 0"):
        Grid((), 2.0)
    with pytest.raises(StimulusError, match="20,001"):
        insert_rows(Grid.empty(20_000, 1.0), 0)
    with pytest.raises(StimulusError, match="20,000 rows"):
        move_word(Grid((Row("a"),), 1.0), 0, 1e9)
    with pytest.raises(StimulusError, match="2 words in a row, but 1"):
        Row("a b", (0.5,))


def test_steps_are_undone_and_done_again(grid):
    history = History(grid)
    assert not history.can_undo
    assert history.undo() is history
    second, third = insert_rows(grid, 0), insert_rows(grid, 0, 2)
    history = history.push(second).push(third).push(third)
    assert (len(history.past), history.grid) == (2, third)
    back = history.undo()
    assert back.grid == second
    assert back.can_redo
    assert back.redo() == history
    assert back.undo().grid == grid
    assert not back.push(third).can_redo
    assert history.redo() is history


def test_only_the_last_hundred_steps_are_kept(grid):
    history = History(grid)
    for number in range(150):
        history = history.push(set_text(grid, 1, str(number)))
    assert len(history.past) == 100
