"""The visual field in Chromium: pixels, the cross, and hover over the page's bus."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from components.field.wire import FieldOptions, pack_field
from models.drawing.colormaps import lut
from models.types import Space
from tests.browser.field_page import Fields, Seen, make_response, serve_field

pytestmark = pytest.mark.browser

SPACE = Space("tiny", "surface", 20, 20)
#: vertex -> (area, x_deg, y_deg); far enough apart to be told by their pixels.
PLACES = {
    3: (1, 2.0, 2.0),
    7: (2, 4.0, -3.0),
    21: (1, -3.0, 1.0),
    30: (4, -2.0, -4.0),
    35: (3, -5.0, 5.0),
}
SIZES = {3: 1.5}
#: The panel shows 6 degrees on either side of the picture's centre.
HALF_DEG = 6.0
WIDTH_PX = 400


def fields() -> Fields:
    area = np.zeros(40, np.int8)
    x, y = np.zeros(40), np.zeros(40)
    for vertex, (code, x_deg, y_deg) in PLACES.items():
        area[vertex], x[vertex], y[vertex] = code, x_deg, y_deg
    return Fields(area, x, y)


def values(frames: list[dict[int, float]]) -> np.ndarray:
    table = np.full((len(frames), 40), np.nan, np.float32)
    for row, frame in zip(table, frames, strict=True):
        for vertex, value in frame.items():
            row[vertex] = value
    return table


def seen(fixation: tuple[float, float] = (0.0, 0.0), colour: tuple[int, ...] = (90,) * 3) -> Seen:
    """Uniform picture of 8 x 8 degrees with 2 degrees of margin, seen from ``fixation``."""
    x, y = fixation
    return Seen(
        np.full((60, 60, 3), colour, np.uint8),
        (-6.0 - x, 6.0 - x, -6.0 - y, 6.0 - y),
        (-4.0 - x, 4.0 - x, -4.0 - y, 4.0 - y),
        "Shown 8 degrees wide.",
    )


# Vertex 35 has no value; 30 is among the lowest, 3 goes from 0 to 1.
FRAMES = [
    {3: 0.0, 7: 0.5, 21: 1.0, 30: 0.25},
    {3: 1.0, 7: 0.5, 21: 0.0, 30: 0.25},
]


def message(fixation: tuple[float, float] = (0.0, 0.0), **changes: object) -> bytes:
    sizes = np.full(40, np.nan)
    for vertex, size in SIZES.items():
        sizes[vertex] = size
    options = FieldOptions(view="brain", limit=1.0, is_movable=True, low_confidence=("hV4",))
    response = make_response(values(FRAMES), SPACE, is_signed=bool(changes.get("is_signed", False)))
    previews = changes.get("previews", [seen(fixation), seen(fixation, (200, 60, 60))])
    assert isinstance(previews, list)
    return pack_field(
        response,
        fields(),
        previews,
        [np.full((40, 80, 3), 30, np.uint8)] * 2 if previews else (),
        options=options,
        sizes_deg=sizes,
    )


@contextmanager
def opened(chromium, messages: dict[str, bytes], **look) -> Iterator[Page]:
    """Page with the panel drawn; fails at the end if the page reported an error."""
    errors: list[str] = []
    has_touch = look.pop("has_touch", False)
    ratio = look.pop("ratio", 1)
    with serve_field(messages, width=f"{WIDTH_PX}px", **look) as address:
        context = chromium.new_context(
            viewport={"width": 700, "height": 900},
            device_scale_factor=ratio,
            has_touch=has_touch,
        )
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_function("window.isReady")
        settle(page)
        yield page
        context.close()
    assert errors == []


def settle(page: Page) -> None:
    """Let pictures decode and what was asked be drawn."""
    page.wait_for_selector(".stage[aria-busy=false]")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def stage_box(page: Page) -> tuple[float, float, float]:
    """Left, top and edge of the square inside its border, CSS pixels."""
    box = page.locator(".stage").bounding_box()
    assert box is not None
    return box["x"] + 1, box["y"] + 1, box["width"] - 2


def at(page: Page, x_deg: float, y_deg: float) -> tuple[float, float]:
    """CSS pixels of a place in degrees from the picture's centre."""
    left, top, edge = stage_box(page)
    middle = edge / 2
    return (
        left + middle + x_deg / HALF_DEG * middle,
        top + middle - y_deg / HALF_DEG * middle,
    )


def pixel(page: Page, x_deg: float, y_deg: float) -> tuple[int, int, int]:
    """Colour on screen at a place."""
    x, y = at(page, x_deg, y_deg)
    image = Image.open(BytesIO(page.screenshot())).convert("RGB")
    colour = image.getpixel((round(x), round(y)))
    assert isinstance(colour, tuple)
    return colour


def show(page: Page, mode: str) -> None:
    page.click(f"button[data-mode={mode}]")
    page.mouse.move(690, 890)
    settle(page)


def readout(page: Page) -> str:
    return page.locator(".readout").inner_text()


def is_near(one: tuple[int, ...], other: tuple[int, ...], tolerance: int = 3) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def viridis(position: float) -> tuple[int, ...]:
    return tuple(int(part) for part in lut("viridis")[min(int(position * 256), 255)])


def test_each_dot_has_the_colour_of_its_value_where_its_field_looks(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        for vertex, value in FRAMES[0].items():
            _, x, y = PLACES[vertex]
            assert is_near(pixel(page, x, y), viridis(value)), vertex


def test_a_place_without_a_value_is_hollow_grey(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        _, x, y = PLACES[35]
        assert pixel(page, x, y) == (255, 255, 255)
        left, top = (round(part) - 5 for part in at(page, x, y))
        image = Image.open(BytesIO(page.screenshot())).convert("RGB")
        around = np.asarray(image.crop((left, top, left + 11, top + 11))).astype(int)
        assert (around.max(axis=2) - around.min(axis=2)).max() == 0  # no hue at all
        assert 100 < around.min() < 220


def test_frames_arrive_over_the_bus_and_mix_between(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        # After the last frame comes the first, as on the cortex.
        for frame, value in ((1.0, 1.0), (0.5, 0.5), (0.0, 0.0), (1.25, 0.75)):
            page.evaluate(f"emit('time', 'brain', {{ frame: {frame}, playing: false }})")
            settle(page)
            assert is_near(pixel(page, 2.0, 2.0), viridis(value), 6), frame


def test_frames_of_another_view_change_nothing(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        page.evaluate("emit('time', 'another', { frame: 1, playing: false })")
        settle(page)
        assert is_near(pixel(page, 2.0, 2.0), viridis(0.0))


def test_colours_follow_the_range_of_the_cortex(chromium):
    with opened(chromium, {"message.bin": message(is_signed=True)}) as page:
        show(page, "response")
        page.evaluate(
            """emit("range", "brain", { limit: 2, threshold: 0, isSigned: true,
              lut: Uint8Array.from({ length: 768 }, (_, k) => (k % 3 ? 0 : Math.floor(k / 3))) })"""
        )
        settle(page)
        # 1 of -2..2 is three quarters up: red 192 in this made-up table.
        assert is_near(pixel(page, -3.0, 1.0), (192, 0, 0))
        assert page.locator(".scale .low").inner_text() == "−2"
        assert page.locator(".scale .high").inner_text() == "2"


def test_below_the_threshold_a_dot_loses_its_colour(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        page.evaluate("""emit("range", "brain", { limit: 1, threshold: 0.4, isSigned: false })""")
        settle(page)
        assert is_near(pixel(page, *PLACES[7][1:]), viridis(0.5))
        assert not is_near(pixel(page, *PLACES[30][1:]), viridis(0.25), 20)


def test_the_picture_is_what_the_model_sees_and_changes_with_the_frame(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "picture")
        assert is_near(pixel(page, 3.0, 1.0), (90, 90, 90))
        page.evaluate("emit('time', 'brain', { frame: 1, playing: false })")
        settle(page)
        assert is_near(pixel(page, 3.0, 1.0), (200, 60, 60))
        assert page.locator(".original .name").inner_text() == "picture 2"
        assert page.locator(".original .note").inner_text() == "Shown 8 degrees wide."


def test_dragging_the_cross_reports_degrees_from_the_pictures_centre(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.mouse.move(*at(page, 0, 0))
        page.mouse.down()
        page.mouse.move(*at(page, 1.0, 0.5), steps=3)
        page.mouse.move(*at(page, 2.52, -1.31), steps=3)
        settle(page)
        assert "2.5° right of and 1.3° below" in readout(page)
        assert page.evaluate("triggers") == []  # only on release
        page.mouse.up()
        assert page.evaluate("triggers") == [["fixation", {"x_deg": 2.5, "y_deg": -1.3}]]


def test_receptive_fields_move_with_the_cross(chromium):
    moved = message((1.0, -1.0))
    with opened(chromium, {"message.bin": message(), "moved.bin": moved}) as page:
        show(page, "response")
        page.evaluate("show('moved.bin')")
        settle(page)
        assert is_near(pixel(page, 2.0 + 1.0, 2.0 - 1.0), viridis(0.0))
        # The picture stays: its frame's upper right corner is still 4 degrees out.
        assert pixel(page, 2.0, 2.0) == (255, 255, 255)
        page.mouse.move(*at(page, 1, -1))
        page.mouse.down()
        page.mouse.move(*at(page, 0, 0), steps=3)
        page.mouse.up()
        assert page.evaluate("triggers") == [["fixation", {"x_deg": 0, "y_deg": 0}]]


def test_letting_go_where_it_was_reports_nothing(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.mouse.move(*at(page, 0, 0))
        page.mouse.down()
        page.mouse.move(*at(page, 2, 2), steps=3)
        page.mouse.move(*at(page, 0.01, 0.01), steps=3)
        page.mouse.up()
        assert page.evaluate("triggers") == []
        settle(page)
        assert "Eyes rest" not in readout(page)


def test_arrow_keys_move_the_cross_and_it_settles_once(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.focus(".cross")
        for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp"):
            page.keyboard.press(key)
        page.wait_for_function("triggers.length > 0")
        settle(page)
        assert page.evaluate("triggers") == [["fixation", {"x_deg": 0.2, "y_deg": 1}]]
        label = page.locator(".cross").get_attribute("aria-label") or ""
        assert "0.2° right of and 1.0° above the picture's centre" in label


def test_escape_takes_the_cross_back(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.focus(".cross")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Escape")
        page.wait_for_timeout(600)  # longer than the cross takes to settle
        assert page.evaluate("triggers") == []


def test_the_cross_stays_inside_the_panel(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.mouse.move(*at(page, 0, 0))
        page.mouse.down()
        page.mouse.move(*at(page, 9.0, 0), steps=3)
        page.mouse.up()
        assert page.evaluate("triggers") == [["fixation", {"x_deg": 6, "y_deg": 0}]]


def test_a_finger_drags_the_cross(chromium):
    with opened(chromium, {"message.bin": message()}, has_touch=True) as page:
        (x0, y0), (x1, y1) = at(page, 0, 0), at(page, -2, 3)
        client = page.context.new_cdp_session(page)
        for kind, points in (
            ("touchStart", [{"x": x0, "y": y0}]),
            ("touchMove", [{"x": (x0 + x1) / 2, "y": (y0 + y1) / 2}]),
            ("touchMove", [{"x": x1, "y": y1}]),
            ("touchEnd", []),
        ):
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_function("triggers.length > 0")
        assert page.evaluate("triggers") == [["fixation", {"x_deg": -2, "y_deg": 3}]]


def test_hovering_a_dot_names_its_vertex_to_the_cortex(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        page.evaluate("hovers.length = 0")
        page.mouse.move(*at(page, 4.0, -3.0))
        settle(page)
        assert page.evaluate("hovers") == [7]
        # hypot(4, 3) = 5; atan2(-3, 4) = -37 degrees.
        assert readout(page) == "V2: ≈ 0.500. 5.0° from fixation at -37°, lower right."
        page.mouse.move(*at(page, 0.0, 5.0))
        settle(page)
        assert page.evaluate("hovers") == [7, None]


def test_the_reading_follows_the_frame(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        page.mouse.move(*at(page, -3.0, 1.0))
        settle(page)
        assert "V1: ≈ 1.000." in readout(page)
        page.evaluate("emit('time', 'brain', { frame: 1, playing: false })")
        settle(page)
        assert "V1: ≈ 0.000." in readout(page)
        # What is drawn in between was not predicted: the nearest frame is read.
        page.evaluate("emit('time', 'brain', { frame: 0.4, playing: true })")
        settle(page)
        assert "V1: ≈ 1.000." in readout(page)


def test_hovering_the_cortex_rings_the_dot_and_draws_its_size(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        edge = (2.0 + 1.5, 2.0)  # vertex 3's field ends here
        assert pixel(page, *edge) == (255, 255, 255)
        page.evaluate("emit('hover', 'brain', { vertex: 3 })")
        settle(page)
        assert pixel(page, *edge) != (255, 255, 255)
        assert readout(page).startswith("V1: ≈ 0.000.")
        assert "field radius 1.5°" in readout(page)
        page.evaluate("emit('hover', 'brain', { vertex: null })")
        settle(page)
        assert pixel(page, *edge) == (255, 255, 255)


def test_a_low_confidence_area_says_so(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.evaluate("emit('hover', 'brain', { vertex: 30 })")
        settle(page)
        assert readout(page).startswith("hV4 (low confidence): ≈ 0.252.")
        assert page.locator(".areas button").all_inner_texts() == [
            "V1",
            "V2",
            "V3",
            "hV4, low confidence",
        ]


def test_the_badge_and_the_unit_stand_in_the_panel(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        assert page.locator(".badge").inner_text() == "TEST"
        assert page.locator(".units").inner_text() == "relative response (model units)"


def test_area_chips_hide_dots_without_a_word_to_python(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        page.click(".areas button:has-text('V1')")
        page.mouse.move(690, 890)
        settle(page)
        assert pixel(page, 2.0, 2.0) == (255, 255, 255)
        assert is_near(pixel(page, 4.0, -3.0), viridis(0.5))
        page.mouse.move(*at(page, 2.0, 2.0))
        settle(page)
        assert page.evaluate("hovers.filter((vertex) => vertex === 3)") == []
        assert page.evaluate("triggers") == []


def test_arrow_keys_walk_from_dot_to_dot(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        page.focus(".dots")
        page.evaluate("hovers.length = 0")
        page.keyboard.press("ArrowUp")  # the dot nearest to fixation: vertex 3, 2.8 degrees out
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("hovers") == [3, 21]


def test_whole_field_enlarges_the_centre(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "whole")
        _, x, y = PLACES[3]
        # ln(1 + e / 0.75), the farthest field (5, 5) at the rim, 10 pixels inside the edge.
        inner, outer = np.hypot(x, y), np.hypot(5, 5)
        edge = stage_box(page)[2]
        radius = (edge / 2 - 10) * np.log1p(inner / 0.75) / np.log1p(outer / 0.75)
        degrees = radius / inner * HALF_DEG / (edge / 2)
        assert is_near(pixel(page, x * degrees, y * degrees), viridis(0.0))
        assert page.locator(".cross").is_disabled()


def test_without_pictures_only_the_response_is_offered(chromium):
    with opened(chromium, {"message.bin": message(previews=[])}) as page:
        modes = page.locator(".modes button:visible").all_inner_texts()
        assert modes == ["Response", "Whole field"]
        assert page.locator(".original").is_hidden()
        assert page.locator(".cross").is_disabled()


def test_a_screen_reader_hears_counts_and_means(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "response")
        label = page.locator(".dots").get_attribute("aria-label") or ""
        # V1: (0 + 1) / 2; 0.25 is coded as 64 of 254.
        assert label.startswith(
            "5 receptive fields, 4 with a value. Mean relative response (model units): "
            "V1 ≈ 0.500, V2 ≈ 0.500, hV4 ≈ 0.252."
        )


def test_a_visitors_name_is_text(chromium):
    previews = [seen(), seen()]
    previews[0] = Seen(
        previews[0].pixels, previews[0].extent_deg, previews[0].picture_deg, "<img src=x>"
    )
    with opened(chromium, {"message.bin": message(previews=previews)}) as page:
        assert page.locator(".note").inner_text() == "<img src=x>"
        assert page.locator(".note img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_square_has_the_themes_background(chromium, theme):
    with opened(chromium, {"message.bin": message()}, theme=theme) as page:
        show(page, "response")
        assert pixel(page, 0.5, 5.0) == {"light": (255, 255, 255), "dark": (16, 20, 26)}[theme]


def test_a_theme_changed_on_the_page_reaches_the_canvases(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "both")
        ring_x = 2.0 + (3.1 + 0.4) * HALF_DEG / (stage_box(page)[2] / 2)
        before = pixel(page, ring_x, 2.0)
        page.evaluate(
            """document.documentElement.style.cssText =
              "--st-text-color: #eee; --st-background-color: #101010" """
        )
        assert sum(before) > 500
        page.wait_for_function(
            """() => {
              const { shadowRoot } = document.getElementById("host");
              const canvas = shadowRoot.querySelector("canvas.dots");
              const edge = canvas.width;
              const { data } = canvas.getContext("2d").getImageData(0, 0, edge, edge);
              const isWhite = (_, k) => k % 4 === 3 && data[k] > 250 && data[k - 1] > 250
                && data[k - 2] > 250 && data[k - 3] > 250;
              return !data.some(isWhite);
            }"""
        )
        assert sum(pixel(page, ring_x, 2.0)) < 200


def test_nothing_is_left_after_the_end(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.evaluate("end()")
        page.evaluate("emit('time', 'brain', { frame: 1, playing: false })")
        page.evaluate("emit('hover', 'brain', { vertex: 3 })")
        settle(page)


def test_the_panel_can_be_mounted_again_where_it_was(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        page.evaluate("end()")
        page.evaluate("show('message.bin')")
        show(page, "response")
        assert is_near(pixel(page, *PLACES[21][1:]), viridis(1.0))
        page.mouse.move(*at(page, 0, 0))
        page.mouse.down()
        page.mouse.move(*at(page, 1, 1), steps=3)
        page.mouse.up()
        assert page.evaluate("triggers") == [["fixation", {"x_deg": 1, "y_deg": 1}]]


def test_an_unchanged_message_changes_nothing(chromium):
    with opened(chromium, {"message.bin": message()}) as page:
        show(page, "whole")
        page.click(".areas button:has-text('V1')")
        page.evaluate("show('message.bin')")
        settle(page)
        assert page.get_attribute("button[data-mode=whole]", "aria-pressed") == "true"
        assert page.get_attribute(".areas button:has-text('V1')", "aria-pressed") == "false"


def test_a_new_message_keeps_mode_and_areas(chromium):
    moved = message((1.0, -1.0))
    with opened(chromium, {"message.bin": message(), "moved.bin": moved}) as page:
        show(page, "whole")
        page.click(".areas button:has-text('V2')")
        page.evaluate("show('moved.bin')")
        settle(page)
        assert page.get_attribute("button[data-mode=whole]", "aria-pressed") == "true"
        assert page.get_attribute(".areas button:has-text('V2')", "aria-pressed") == "false"


def test_a_tap_on_a_dot_stays_to_be_read(chromium):
    with opened(chromium, {"message.bin": message()}, has_touch=True) as page:
        show(page, "response")
        page.touchscreen.tap(*at(page, 4.0, -3.0))
        settle(page)
        assert readout(page).startswith("V2: ≈ 0.500.")


def test_dots_are_pale_until_the_answer_for_the_new_fixation_is_here(chromium):
    moved = message((1.0, 1.0))
    with opened(chromium, {"message.bin": message(), "moved.bin": moved}) as page:
        page.mouse.move(*at(page, 0, 0))
        page.mouse.down()
        page.mouse.move(*at(page, 1, 1), steps=3)
        page.mouse.up()
        settle(page)
        assert page.locator(".dots").evaluate("dots => getComputedStyle(dots).opacity") == "0.35"
        assert readout(page).endswith("Predicting …")
        page.evaluate("show('moved.bin')")
        settle(page)
        assert page.locator(".dots").evaluate("dots => getComputedStyle(dots).opacity") == "1"


def test_sharp_screens_have_the_same_places(chromium):
    with opened(chromium, {"message.bin": message()}, ratio=2) as page:
        show(page, "response")
        x, y = at(page, *PLACES[21][1:])
        image = Image.open(BytesIO(page.screenshot())).convert("RGB")
        colour = image.getpixel((round(2 * x), round(2 * y)))
        assert isinstance(colour, tuple)
        assert is_near(colour, viridis(1.0))
        page.mouse.move(x, y)
        settle(page)
        assert page.evaluate("hovers").pop() == 21
