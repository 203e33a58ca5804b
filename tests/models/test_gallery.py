"""Built-in pictures: where they fall in the visual field, hand-computed."""

import pytest

from models.gallery import get_set

SIDE = 384
GREY = [128, 128, 128]


def is_drawn(set_id, index):
    """Where a picture differs from grey: (384, 384) bool."""
    return (get_set(set_id).stimuli()[index].pixels() != GREY).any(axis=2)


@pytest.mark.parametrize(
    ("frame", "row", "column"),
    [(0, 192, 300), (6, 84, 192), (12, 192, 84), (18, 300, 192), (3, 116, 268), (21, 268, 268)],
)
def test_wedge_lies_counter_clockwise_from_the_right(frame, row, column):
    # 0, 90, 180, 270, 45 and 315 degrees; row 0 is the top
    drawn = is_drawn("wedge", frame)
    assert drawn[row, column]
    assert not drawn[SIDE - 1 - row, SIDE - 1 - column]
