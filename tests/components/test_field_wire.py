"""The message of the visual field, decoded by hand from its documented layout."""

import json
import struct
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from components.field.wire import AREA_NAMES, FieldOptions, colour_limit, pack_field, quantise
from models.drawing.colormaps import lut
from models.errors import SpaceMismatchError
from models.retinotopy import AREAS, load_receptive_fields
from models.types import Response, Space
from tests.browser.field_page import Fields, Seen, make_response

SPACE = Space("tiny", "surface", 4, 3)
# Places 1, 2 (left), 4 and 6 (right) have an area.
FIELDS = Fields(
    area=np.array([0, 1, 2, 0, 4, 0, 3], np.int8),
    x_deg=np.array([0, 1.5, 2.0, 0, -3.0, 0, -0.25]),
    y_deg=np.array([0, 0.5, -2.0, 0, 1.0, 0, 4.0]),
)
VALUES = np.array(
    [
        [np.nan, 0.0, 1.0, np.nan, np.nan, np.nan, 0.5],
        [np.nan, 0.25, 2.0, np.nan, np.nan, np.nan, 2.54],
    ],
    np.float32,
)
OPTIONS = FieldOptions(view="brain")


def split(message):
    assert message[:4] == b"BCF1"
    (length,) = struct.unpack("<I", message[4:8])
    assert (8 + length) % 4 == 0
    return json.loads(message[8 : 8 + length]), message[8 + length :]


def picture(payload, place):
    return Image.open(BytesIO(payload[place["offset"] : place["offset"] + place["length"]]))


def flat(height, width, colour=(200, 40, 90)):
    return np.full((height, width, 3), colour, np.uint8)


def seen(height=40, width=40):
    return Seen(flat(height, width), (-5.0, 7.0, -6.0, 6.0), (-3.0, 5.0, -4.0, 4.0), "As it is.")


def test_drawn_places_keep_their_vertex_area_and_centre():
    header, payload = split(pack_field(make_response(VALUES, SPACE), FIELDS, options=OPTIONS))
    at = header["sections"]
    assert header["n_fields"] == 4
    assert np.frombuffer(payload, "<u4", 4, at["vertex"]).tolist() == [1, 2, 4, 6]
    assert np.frombuffer(payload, "<f4", 4, at["x_deg"]).tolist() == [1.5, 2.0, -3.0, -0.25]
    assert np.frombuffer(payload, "<f4", 4, at["y_deg"]).tolist() == [0.5, -2.0, 1.0, 4.0]
    area = np.frombuffer(payload, "u1", 4, at["area"])
    assert [header["area_names"][code] for code in area] == ["V1", "V2", "hV4", "V3"]


def test_values_are_scaled_to_254_steps_and_nan_is_255():
    header, payload = split(pack_field(make_response(VALUES, SPACE), FIELDS, options=OPTIONS))
    codes = np.frombuffer(payload, "u1", 8, header["sections"]["values"]).reshape(2, 4)
    # Range 0 to 2.54, so that one step is 0.01.
    assert header["minimum"] == 0
    assert header["maximum"] == pytest.approx(2.54)
    assert codes.tolist() == [[0, 100, 255, 50], [25, 200, 255, 254]]


def test_only_columns_of_the_response_are_drawn():
    whole = make_response(VALUES, SPACE)
    part = Response(
        values=VALUES[:, [2, 5, 6]],
        columns=np.array([2, 5, 6]),
        space=SPACE,
        row_labels=whole.row_labels,
        units=whole.units,
        is_signed=False,
        provenance=whole.provenance,
    )
    header, payload = split(pack_field(part, FIELDS, options=OPTIONS))
    vertices = np.frombuffer(payload, "<u4", header["n_fields"], header["sections"]["vertex"])
    assert vertices.tolist() == [2, 6]


def test_sections_start_at_multiples_of_four():
    header, _ = split(
        pack_field(
            make_response(VALUES, SPACE),
            FIELDS,
            [seen(), seen()],
            [flat(9, 5), flat(5, 9)],
            options=OPTIONS,
            sizes_deg=np.ones(7),
        )
    )
    places = [*header["sections"].values(), header["lut"]]
    places += [jpeg["offset"] for jpeg in header["previews"] + header["originals"]]
    assert all(offset % 4 == 0 for offset in places)
    assert len(set(places)) == len(places)


def test_previews_keep_their_degrees_note_and_colour():
    header, payload = split(
        pack_field(make_response(VALUES, SPACE), FIELDS, [seen(), seen()], options=OPTIONS)
    )
    preview = header["previews"][1]
    assert preview["extent_deg"] == [-5, 7, -6, 6]
    assert preview["picture_deg"] == [-3, 5, -4, 4]
    assert preview["note"] == "As it is."
    pixels = np.asarray(picture(payload, preview))
    assert pixels.shape == (40, 40, 3)
    assert np.abs(pixels.astype(int) - (200, 40, 90)).max() <= 3  # JPEG


def test_many_previews_are_made_smaller_together():
    values = np.repeat(VALUES[:1], 64, axis=0)
    header, payload = split(
        pack_field(make_response(values, SPACE), FIELDS, [seen(500, 500)] * 64, options=OPTIONS)
    )
    sizes = [picture(payload, preview).size for preview in header["previews"]]
    assert sum(width * height for width, height in sizes) <= 2_500_000
    assert min(sizes[0]) > 180


def test_one_preview_keeps_its_detail():
    header, payload = split(
        pack_field(make_response(VALUES[:1], SPACE), FIELDS, [seen(600, 600)], options=OPTIONS)
    )
    assert picture(payload, header["previews"][0]).size == (600, 600)


def test_originals_keep_their_shape():
    header, payload = split(
        pack_field(
            make_response(VALUES, SPACE),
            FIELDS,
            (),
            [flat(300, 600), flat(50, 20)],
            options=OPTIONS,
        )
    )
    assert picture(payload, header["originals"][0]).size == (192, 96)
    assert picture(payload, header["originals"][1]).size == (20, 50)


def test_colours_are_those_of_the_sign():
    for is_signed, name in ((True, "RdBu_r"), (False, "viridis")):
        response = make_response(VALUES, SPACE, is_signed=is_signed)
        header, payload = split(pack_field(response, FIELDS, options=OPTIONS))
        table = np.frombuffer(payload, "u1", 768, header["lut"]).reshape(256, 3)
        assert header["is_signed"] is is_signed
        assert (table == lut(name)).all()


def test_limit_is_the_99th_percentile_of_absolute_values():
    # 0, 1, … 100: the 99th percentile of 101 evenly spaced numbers is 99.
    assert colour_limit(-np.arange(101.0)) == 99
    assert colour_limit(np.array([np.nan, 2.0])) == 2
    assert colour_limit(np.array([np.nan])) == 1
    assert colour_limit(np.zeros(3)) == 1


def test_a_limit_can_be_given():
    options = replace(OPTIONS, limit=3.5)
    header, _ = split(pack_field(make_response(VALUES, SPACE), FIELDS, options=options))
    assert header["limit"] == 3.5


def test_header_says_what_a_reader_needs():
    options = FieldOptions(view="brain", is_movable=True, low_confidence=("hV4",))
    header, _ = split(pack_field(make_response(VALUES, SPACE), FIELDS, options=options))
    assert header["view"] == "brain"
    assert header["units"] == "relative response (model units)"
    assert header["row_labels"] == ["picture 1", "picture 2"]
    assert header["low_confidence"] == ["hV4"]
    assert header["is_movable"] is True
    assert header["badge"] == "TEST"


def test_id_changes_with_anything_that_is_shown():
    response = make_response(VALUES, SPACE)
    louder = make_response(VALUES * 2, SPACE)
    messages = [
        pack_field(response, FIELDS, options=OPTIONS),
        pack_field(louder, FIELDS, options=OPTIONS),
        pack_field(response, FIELDS, [seen(), seen()], options=OPTIONS),
        pack_field(response, FIELDS, options=replace(OPTIONS, is_movable=True)),
        pack_field(response, FIELDS, options=OPTIONS, sizes_deg=np.ones(7)),
    ]
    assert len({split(message)[0]["id"] for message in messages}) == len(messages)
    assert messages[0] == pack_field(response, FIELDS, options=OPTIONS)


@pytest.mark.parametrize("values", [np.full(3, np.nan), np.full(3, 7.0)])
def test_quantise_survives_nothing_and_one_value(values):
    codes, minimum, maximum = quantise(values)
    assert maximum > minimum
    assert codes.tolist() == ([255] * 3 if np.isnan(values).all() else [0] * 3)


def test_quantise_is_off_by_half_a_step_at_most():
    values = np.linspace(-3, 5, 10_001)
    codes, minimum, maximum = quantise(values)
    back = minimum + codes * (maximum - minimum) / 254
    assert np.abs(back - values).max() <= (maximum - minimum) / 508 + 1e-9


def test_arrays_of_another_space_are_refused():
    response = make_response(np.zeros((1, 9), np.float32), Space("other", "surface", 5, 4))
    with pytest.raises(SpaceMismatchError, match="9 places"):
        pack_field(response, FIELDS, options=OPTIONS)


@pytest.mark.parametrize("name", ["previews", "originals"])
def test_pictures_of_another_sequence_are_refused(name):
    pictures = [seen()] if name == "previews" else [flat(4, 4)]
    with pytest.raises(SpaceMismatchError, match=f"2 rows of values, but 1 {name}"):
        pack_field(make_response(VALUES, SPACE), FIELDS, options=OPTIONS, **{name: pictures})


def test_area_names_are_those_of_the_template():
    assert dict(AREA_NAMES) == AREAS


def test_every_modelled_vertex_of_the_template_is_drawn():
    fields = load_receptive_fields()
    space = Space("fsaverage5", "surface", 10242, 10242)
    response = make_response(np.zeros((1, 20484), np.float32), space)
    header, payload = split(pack_field(response, fields, options=OPTIONS))
    n = header["n_fields"]
    vertices = np.frombuffer(payload, "<u4", n, header["sections"]["vertex"])
    assert vertices.tolist() == fields.modelled.tolist()
