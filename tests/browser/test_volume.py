"""What a person sees and does in the volume viewer, with pixels checked in Chromium."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.browser.volume_page import SIZE, Brain, VolumePage, volume_server

pytestmark = pytest.mark.browser

#: Axes as they are, and two brains whose indices are in another order and turned.
ORDERS = {
    "ras": ((0, 1, 2), ()),
    "las": ((0, 1, 2), (0,)),
    "ipr": ((2, 1, 0), (1, 2)),
}
BRAIN = Brain()


@pytest.fixture(scope="module")
def server():
    running = volume_server()
    yield running
    running.close()


@pytest.fixture
def open_viewer(chromium, server):
    """Open a page with a message; its errors fail the test."""
    contexts, pages = [], []

    def start(data, query="", size=(1100, 820), **context_options):
        server.add("first.bin", data)
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, **context_options
        )
        contexts.append(context)
        pages.append(VolumePage(context.new_page()))
        return pages[-1].open(server.url + query)

    yield start
    for context in contexts:
        context.close()
    for page in pages:
        assert page.errors == []


def is_bright(pixels):
    """Viridis' upper end."""
    return (pixels[..., 0] > 200) & (pixels[..., 1] > 200) & (pixels[..., 2] < 100)


def is_dark_purple(pixels):
    """Viridis' lower end: 68, 1, 84."""
    return abs(pixels[..., :3] - (68, 1, 84)).max(axis=-1) <= 3


def is_slate(pixels):
    """What is not modelled."""
    return abs(pixels[..., :3] - (121, 129, 142)).max(axis=-1) <= 2


def is_pale(pixels):
    """What the threshold hides."""
    return abs(pixels[..., :3] - (178, 176, 172)).max(axis=-1) <= 2


#: Plane -> anatomical axis that is fixed, across and upwards.
AXES = {"sagittal": (0, 1, 2), "coronal": (1, 0, 2), "axial": (2, 0, 1)}


def shown_cells(panel, pixels):
    """Anatomical (across, up) of the middle of each picture element, and its colour."""
    _, across, up = AXES[panel["plane"]]
    image, scale = panel["image"], panel["scale"]
    x = np.arange(SIZE[across])
    y = np.arange(SIZE[up])
    columns = np.floor(image["left"] + (x + 0.5) * scale).astype(int)
    rows = np.floor(image["top"] + (SIZE[up] - 1 - y + 0.5) * scale).astype(int)
    return pixels[np.ix_(rows, columns)]  # [up, across]


def expected_cells(brain, chosen, panel, cross):
    """Where the chosen voxels must appear: [up, across] booleans."""
    fixed, across, up = AXES[panel["plane"]]
    voxels = brain.anatomy[chosen]
    if panel["kind"] == "slice":
        voxels = voxels[voxels[:, fixed] == cross[fixed]]
    shown = np.zeros((SIZE[up], SIZE[across]), bool)
    shown[voxels[:, up], voxels[:, across]] = True
    return shown


@pytest.mark.parametrize("name", ORDERS)
def test_voxels_appear_in_their_place_of_every_plane_and_are_not_mirrored(open_viewer, name):
    brain = Brain(*ORDERS[name])
    low = brain.regions.places["low"]
    viewer = open_viewer(brain.message(brain.blob(), layout="both"))
    pixels = viewer.bare_stage()
    cross = brain.anatomy[low[0]]  # where it starts: the first of the largest values
    panels = viewer.panels()
    assert len(panels) == 6
    for panel in panels:
        shown = shown_cells(panel, pixels)
        expected = expected_cells(brain, low, panel, cross)
        assert 0 < expected.sum() < 100
        np.testing.assert_array_equal(is_bright(shown), expected, f"{panel['plane']}")
        brainy = expected_cells(brain, np.arange(len(brain.anatomy)), panel, cross)
        np.testing.assert_array_equal(shown[..., 3], np.where(brainy, 255, 0))


@pytest.mark.parametrize("name", ORDERS)
def test_letters_stand_on_the_side_that_they_name(open_viewer, name):
    brain = Brain(*ORDERS[name])
    values = np.zeros((1, len(brain.anatomy)), "f4")
    values[0, brain.anatomy[:, 0] < SIZE[0] / 2] = 1  # the left half
    viewer = open_viewer(brain.message(values))
    viewer.run("viewer.setCross(viewer.header.start)")
    letters = viewer.run(
        """[...document.querySelectorAll("[data-part=labels] span")].map((node) => {
          const box = node.querySelector("b").getBoundingClientRect();
          return [node.textContent, box.left - viewer.parts.stage.getBoundingClientRect().left];
        })"""
    )
    pixels = viewer.bare_stage()
    for panel in viewer.panels():
        if panel["plane"] == "sagittal":
            continue
        (at_left,) = (x for text, x in letters if text.startswith("L") and panel["plane"] in text)
        at_right = min(x for text, x in letters if text == "R" and x > at_left)
        middle = panel["image"]["left"] + panel["image"]["width"] / 2
        assert at_left < middle < at_right
        _, columns = np.nonzero(is_bright(shown_cells(panel, pixels)))
        assert columns.size > 20
        assert columns.max() < SIZE[0] / 2
    assert [text[0] for text, _ in letters].count("P") == 1
    assert "directions inferred" in viewer.text("claim")
    assert "left and right from the centroids of 4 pairs" in viewer.text("note")


def test_without_directions_no_side_is_named(open_viewer):
    brain = Brain(is_known=False)
    viewer = open_viewer(brain.message(brain.blob()))
    words = viewer.text("labels")
    assert "i across, j up · k" in words
    assert viewer.page.locator("[data-part=labels] b").all_text_contents() == ["", "", ""]
    assert "directions unknown" in viewer.text("claim")


def test_nothing_of_a_common_space_is_claimed(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    text = viewer.page.locator(".bc").text_content()
    assert "no common space" in text
    assert "MNI" not in text


def test_outside_not_modelled_hidden_and_zero_look_different(open_viewer):
    values = BRAIN.blob()
    values[:, BRAIN.regions.places["V1"]] = np.nan
    viewer = open_viewer(BRAIN.message(values, layout="projections"))
    viewer.run("viewer.setLayout('slices'); viewer.setCross([19, 7, 16])")
    pixels = viewer.bare_stage()
    at = [17, 5, 14]  # anatomical: indices less the margin of 2
    for panel in viewer.panels():
        shown = shown_cells(panel, pixels)
        v1 = expected_cells(BRAIN, BRAIN.regions.places["V1"], panel, at)
        assert v1.sum() > 10
        np.testing.assert_array_equal(is_slate(shown), v1)
        inside = expected_cells(BRAIN, np.arange(len(BRAIN.anatomy)), panel, at)
        np.testing.assert_array_equal(shown[..., 3], np.where(inside, 255, 0))
        np.testing.assert_array_equal(is_dark_purple(shown), inside & ~v1)
    viewer.page.locator("[data-part=threshold]").fill("0.5")
    pixels = viewer.bare_stage()
    for panel in viewer.panels():
        shown = shown_cells(panel, pixels)
        v1 = expected_cells(BRAIN, BRAIN.regions.places["V1"], panel, at)
        inside = expected_cells(BRAIN, np.arange(len(BRAIN.anatomy)), panel, at)
        np.testing.assert_array_equal(is_slate(shown), v1)
        np.testing.assert_array_equal(is_pale(shown), inside & ~v1)


def test_a_selection_shows_the_rest_of_the_brain_as_not_modelled(open_viewer):
    low = BRAIN.regions.places["low"]
    viewer = open_viewer(BRAIN.message(np.ones((1, len(low))), low, layout="both"))
    pixels = viewer.bare_stage()
    cross = BRAIN.anatomy[low[0]]
    for panel in viewer.panels():
        shown = shown_cells(panel, pixels)
        expected = expected_cells(BRAIN, low, panel, cross)
        inside = expected_cells(BRAIN, np.arange(len(BRAIN.anatomy)), panel, cross)
        np.testing.assert_array_equal(is_bright(shown), expected)
        np.testing.assert_array_equal(is_slate(shown), inside & ~expected)


def stage_point(panel, brain, place):
    """Middle of a voxel in a panel, in stage pixels."""
    _, across, up = AXES[panel["plane"]]
    cell, image, scale = brain.anatomy[place], panel["image"], panel["scale"]
    x = image["left"] + (cell[across] + 0.5) * scale
    return x, image["top"] + (SIZE[up] - 1 - cell[up] + 0.5) * scale


@pytest.mark.parametrize("name", ORDERS)
def test_a_click_picks_the_voxel_under_it_in_every_plane(open_viewer, name):
    brain = Brain(*ORDERS[name])
    viewer = open_viewer(brain.message(brain.blob()))
    rng = np.random.default_rng(4)
    for panel in viewer.panels():
        fixed = AXES[panel["plane"]][0]
        for _ in range(3):
            at = np.flatnonzero(
                brain.anatomy[:, fixed]
                == brain.anatomy[viewer.run("viewer.grid.placeOf(viewer.state.cross)")][fixed]
            )
            place = int(rng.choice(at))
            viewer.click_stage(*stage_point(panel, brain, place))
            assert viewer.run("picks.at(-1)") == {"place": place, "frame": 0}
            assert viewer.cross() == brain.indices[place].tolist()
    assert viewer.run("picks.length") == 9
    pin = viewer.text("pinText")
    i, j, k = viewer.cross()
    assert f"i {i} j {j} k {k}" in pin
    assert "≈ 0.000 z" in pin


def test_a_click_on_a_projection_picks_the_voxel_that_is_shown(open_viewer):
    values = BRAIN.blob() * 0
    deep = BRAIN.place_at(12, 20, 9)
    values[0, deep] = -3.0
    viewer = open_viewer(BRAIN.message(values, is_signed=True, layout="projections"))
    for panel in viewer.panels():
        viewer.run("viewer.setCross([2, 2, 2])")
        viewer.click_stage(*stage_point(panel, BRAIN, deep))
        assert viewer.run("picks.at(-1).place") == deep
        assert viewer.cross() == BRAIN.indices[deep].tolist()
    assert "−3.00 z" in viewer.text("pinText")


def test_a_click_beside_the_brain_moves_the_crosshair_and_picks_nothing(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    axial = viewer.panels()[2]
    image, scale = axial["image"], axial["scale"]
    viewer.click_stage(image["left"] + scale / 2, image["top"] + scale / 2)
    assert viewer.cross()[:2] == [2, 45]
    assert viewer.run("picks.length") == 0
    viewer.click_stage(axial["left"] + 2, axial["top"] + 40)
    assert viewer.run("picks.length") == 0


def test_unpinning_is_told(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    panel = viewer.panels()[0]
    viewer.click_stage(*stage_point(panel, BRAIN, BRAIN.regions.places["low"][0]))
    viewer.page.locator("[data-part=unpin]").click()
    assert viewer.run("[unpins, viewer.pointing.pinned]") == [1, -1]
    assert not viewer.page.locator("[data-part=pin]").is_visible()


def test_dragging_moves_the_crosshair_inside_its_slice_and_picks_nothing(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    before = viewer.cross()
    panel = viewer.panels()[1]
    image, scale = panel["image"], panel["scale"]
    viewer.move_on_stage(image["left"] + 10 * scale, image["top"] + 10 * scale)
    viewer.page.mouse.down()
    viewer.move_on_stage(image["left"] + 20.5 * scale, image["top"] + 12.5 * scale)
    assert viewer.cross() == [22, before[1], 2 + 29 - 12]
    viewer.move_on_stage(5, image["top"] + 12.5 * scale)  # into the neighbour: clamped
    assert viewer.cross() == [2, before[1], 19]
    viewer.page.mouse.up()
    assert viewer.run("picks.length") == 0


def test_sliders_wheel_and_keys_move_through_slices(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    viewer.run("viewer.setCross([15, 20, 12])")
    sliders = viewer.page.locator("[data-part=sliders] input")
    assert [sliders.nth(n).input_value() for n in range(3)] == ["15", "20", "12"]
    sliders.nth(1).fill("25")
    assert viewer.cross() == [15, 25, 12]
    assert "j 25" in viewer.text("labels")
    assert sliders.nth(1).get_attribute("aria-valuetext") == "j 25"
    axial = viewer.panels()[2]
    x, y = axial["image"]["left"] + 40, axial["image"]["top"] + 40
    viewer.move_on_stage(x, y)
    viewer.page.mouse.wheel(0, 80)
    assert viewer.cross() == [15, 25, 12]  # the page's wheel until the picture has the focus
    viewer.page.locator("[data-part=canvas]").focus()
    viewer.page.mouse.wheel(0, 80)
    viewer.page.wait_for_function("viewer.state.cross[2] === 10")
    for key, cross in [
        ("PageUp", [15, 25, 11]),
        ("Shift+ArrowRight", [16, 25, 11]),
        ("Shift+ArrowUp", [16, 26, 11]),
        ("Shift+ArrowDown", [16, 25, 11]),
        ("PageDown", [16, 25, 10]),
    ]:
        viewer.page.keyboard.press(key)
        assert viewer.cross() == cross, key
    viewer.page.keyboard.press("Enter")
    place = BRAIN.place_at(14, 23, 8)
    assert viewer.run("picks") == [{"place": place, "frame": 0}]
    viewer.page.keyboard.press("0")
    assert viewer.cross() == viewer.run("viewer.header.start")


def test_keys_follow_what_is_seen_where_an_index_is_turned(open_viewer):
    brain = Brain((0, 1, 2), (0,))
    viewer = open_viewer(brain.message(brain.blob()))
    viewer.run("viewer.setCross([15, 20, 12])")
    coronal = viewer.panels()[1]
    viewer.move_on_stage(coronal["image"]["left"] + 40, coronal["image"]["top"] + 40)
    viewer.page.locator("[data-part=canvas]").focus()
    viewer.page.keyboard.press("Shift+ArrowRight")
    assert viewer.cross() == [14, 20, 12]


def test_hover_names_regions_indices_and_the_value_of_the_current_frame(open_viewer):
    values = np.zeros((3, len(BRAIN.anatomy)), "f4")
    place = int(BRAIN.regions.places["V1"][30])
    values[:, place] = [0.0, 1.5, 3.0]
    viewer = open_viewer(BRAIN.message(values, low_confidence=["V1"]))
    viewer.run("(cross) => viewer.setCross(cross)", BRAIN.indices[place].tolist())
    x, y = stage_point(viewer.panels()[0], BRAIN, place)
    texts = []
    for frame in range(3):
        viewer.run("(frame) => viewer.goTo(frame)", frame)
        viewer.move_on_stage(x + frame / 10, y)
        tip = viewer.page.locator("[data-part=tip]")
        tip.wait_for(state="visible")
        texts.append(tip.inner_text())
    i, j, k = BRAIN.indices[place]
    assert all(f"V1 · i {i} j {j} k {k} · low confidence" in text for text in texts)
    assert [text.split("≈ ")[1].split()[0] for text in texts] == ["0.00", "1.50", "3.00"]
    assert "picture 3" in texts[2]


def test_hover_time_and_range_are_told_to_linked_views(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(3)))
    viewer.run(
        """() => { globalThis.heard = [];
        for (const type of ["time", "hover", "range"])
          addEventListener(`boldcast:${type}`, (event) => heard.push([type, event.detail])); }"""
    )
    viewer.run("viewer.goTo(2)")
    place = int(BRAIN.regions.places["low"][0])
    viewer.move_on_stage(*stage_point(viewer.panels()[1], BRAIN, place))
    viewer.page.locator("[data-part=threshold]").fill("0.25")
    viewer.page.wait_for_function("heard.some(([type]) => type === 'time')")
    heard = viewer.run(
        "heard.map(([type, {view, frame, vertex, threshold}]) => "
        "[type, view, frame ?? vertex ?? threshold])"
    )
    assert ["time", "test", 2] in heard
    assert ["hover", "test", place] in heard
    assert ["range", "test", 0.25] in heard
    viewer.run(
        """() => dispatchEvent(new CustomEvent("boldcast:hover",
        {detail: {view: "test", vertex: 1030, source: "field"}}))"""
    )
    assert viewer.run("viewer.pointing.hovered") == 1030


def test_changing_frame_changes_pixels_and_takes_no_message(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(3)))
    assert is_bright(viewer.bare_stage()).sum() > 100
    viewer.page.locator("[data-part=canvas]").focus()
    viewer.page.keyboard.press("ArrowRight")
    assert is_bright(viewer.bare_stage()).sum() == 0
    viewer.page.keyboard.press("ArrowLeft")
    assert is_bright(viewer.bare_stage()).sum() > 100
    assert viewer.run("[viewer.stats.calls, viewer.stats.valueUploads]") == [1, 1]


def test_between_frames_colours_are_mixed_and_marked_as_drawn(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(3), limit=1.0))
    viewer.run("viewer.goTo(0.5)")
    pixels = viewer.bare_stage()
    panel = viewer.panels()[0]
    low = BRAIN.regions.places["low"]
    expected = expected_cells(BRAIN, low, panel, BRAIN.anatomy[low[0]])
    mixed = shown_cells(panel, pixels)[expected]
    assert (abs(mixed[:, :3] - (33, 145, 140)).max(axis=1) <= 4).all()  # viridis' middle
    assert "drawn, not predicted" in viewer.text("whenNote")


@pytest.mark.parametrize("layout", ["slices", "projections"])
def test_halves_look_like_bytes(open_viewer, layout):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(1, len(BRAIN.anatomy))).astype("f4")
    values[:, ::7] = np.nan
    pictures = [
        open_viewer(
            BRAIN.message(values, is_signed=True, encoding=encoding, layout=layout)
        ).bare_stage()
        for encoding in ("u8", "f16")
    ]
    difference = np.abs(pictures[0] - pictures[1]).max(axis=2)
    # where two voxels on a line of sight are as large to a byte, either is shown
    assert (difference > 12).mean() < (0.002 if layout == "slices" else 0.06)


def test_regions_are_outlined_where_their_voxels_are(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob() * 0, outlined=["rFFA"]))
    places = BRAIN.regions.places["rFFA"]
    place = int(places[len(places) // 2])
    viewer.run("(cross) => viewer.setCross(cross)", BRAIN.indices[place].tolist())
    without = viewer.bare_stage()
    viewer.run("viewer.set({outlines: true})")
    viewer.rest()
    with_lines = viewer.canvas()
    for panel in viewer.panels():
        drawn = np.abs(with_lines - without).max(axis=2) > 60
        drawn &= without[..., 3] == 255
        rows, columns = np.nonzero(drawn)
        image, scale = panel["image"], panel["scale"]
        here = (columns > panel["left"]) & (columns < panel["left"] + panel["width"])
        expected = expected_cells(BRAIN, BRAIN.regions.places["rFFA"], panel, BRAIN.anatomy[place])
        ups, acrosses = np.nonzero(expected)
        height = len(expected)
        left, right = acrosses.min() * scale, (acrosses.max() + 1) * scale
        top, bottom = (height - 1 - ups.max()) * scale, (height - ups.min()) * scale
        assert abs(columns[here].min() - image["left"] - left) <= 3
        assert abs(columns[here].max() - image["left"] - right) <= 3
        assert abs(rows[here].min() - image["top"] - top) <= 3
        assert abs(rows[here].max() - image["top"] - bottom) <= 3


def test_same_data_again_is_not_looked_at_and_new_data_keep_crosshair_and_time(open_viewer, server):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(3)))
    viewer.run("viewer.goTo(1); viewer.setCross([9, 10, 11]); viewer.setLayout('both')")
    viewer.run("async () => mounted.update(await take('first.bin'))")
    assert viewer.run("viewer.stats.valueUploads") == 1
    server.add("second.bin", BRAIN.message(BRAIN.blob(3) * 2))
    viewer.run("async () => mounted.update(await take('second.bin'))")
    viewer.rest()
    assert viewer.run("viewer.stats.valueUploads") == 2
    assert viewer.cross() == [9, 10, 11]
    assert viewer.run("[viewer.player.clock, viewer.state.layout]") == [1, "both"]


def test_a_locked_range_stays_over_new_data(open_viewer, server):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(), limit=1.0))
    server.add("second.bin", BRAIN.message(BRAIN.blob() * 5, limit=5.0))
    viewer.run("viewer.set({isLocked: true})")
    viewer.run("async () => mounted.update(await take('second.bin'))")
    assert viewer.run("viewer.state.limit") == 1
    assert viewer.page.locator("[data-part=clipHigh]").is_visible()
    viewer.run("viewer.set({isLocked: false})")
    server.add("third.bin", BRAIN.message(BRAIN.blob() * 4, limit=4.0))
    viewer.run("async () => mounted.update(await take('third.bin'))")
    assert viewer.run("viewer.state.limit") == 4


def test_another_brain_starts_at_its_own_crosshair_without_the_pin(open_viewer, server):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    viewer.run("viewer.setCross([9, 10, 11]); viewer.pointing.setPin(5)")
    other = Brain((2, 1, 0))
    server.add("second.bin", other.message(other.blob()))
    viewer.run("async () => mounted.update(await take('second.bin'))")
    viewer.rest()
    low = other.regions.places["low"]
    assert viewer.cross() == other.indices[low[0]].tolist()
    assert viewer.run("viewer.pointing.pinned") == -1


def test_nothing_runs_while_nothing_changes(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    before = viewer.run("viewer.stats.draws")
    viewer.page.wait_for_timeout(700)
    assert viewer.run("viewer.stats.draws") == before


def test_space_plays_and_pauses(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(4)))
    viewer.page.locator("[data-part=canvas]").focus()
    viewer.page.keyboard.press("Space")
    assert viewer.run("viewer.player.playing") is True
    viewer.page.keyboard.press("Space")
    assert viewer.run("viewer.player.playing") is False


def test_every_control_is_reached_by_tabbing(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(4)))
    viewer.page.locator("[data-part=display] summary").click()
    wanted = viewer.run(
        """() => [...document.querySelectorAll(".bc :is(button, input, select, summary, canvas)")]
        .filter((node) => node.tabIndex >= 0 && node.checkVisibility()).length"""
    )
    viewer.run("document.querySelector('.bc button').focus()")
    reached = set()
    for _ in range(wanted + 2):
        reached.add(
            viewer.run("[...document.querySelectorAll('.bc *')].indexOf(document.activeElement)")
        )
        viewer.page.keyboard.press("Tab")
    assert len(reached - {-1}) >= wanted
    assert wanted > 18


def test_a_tap_picks(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()), size=(390, 844), has_touch=True)
    place = int(BRAIN.regions.places["low"][0])
    x, y = stage_point(viewer.panels()[0], BRAIN, place)
    box = viewer.page.locator("[data-part=canvas]").bounding_box()
    viewer.page.touchscreen.tap(box["x"] + x, box["y"] + y)
    viewer.page.wait_for_function("picks.length === 1")
    assert viewer.run("picks[0].place") == place


def test_plays_by_itself_where_asked_but_not_for_people_who_want_no_motion(open_viewer):
    data = BRAIN.message(BRAIN.blob(4), is_autoplaying=True)
    assert open_viewer(data).run("viewer.player.playing") is True
    still = open_viewer(data, reduced_motion="reduce")
    assert still.run("viewer.player.playing") is False


def test_what_is_set_is_kept_in_the_address_beside_other_parameters(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob(4)), "?model=things&view=other~l.flat")
    viewer.page.locator('[data-part=layouts] button[data-name="both"]').click()
    viewer.page.locator("[data-part=threshold]").fill("0.5")
    viewer.run("viewer.goTo(2); viewer.setCross([9, 10, 11])")
    viewer.page.wait_for_function("location.search.includes('y.9,10,11')")
    address = viewer.page.url
    assert "model=things" in address
    assert "other~l.flat" in address
    viewer.page.goto("about:blank")
    viewer.open(address)
    assert viewer.cross() == [9, 10, 11]
    assert viewer.run("[viewer.state.layout, viewer.state.threshold, viewer.player.clock]") == [
        "both",
        0.5,
        2,
    ]


def test_a_link_from_the_cortex_or_another_brain_is_made_to_fit(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()), "?view=test~l.four~y.99,0,5~q.0,0,0,1")
    assert viewer.run("viewer.state.layout") == "slices"
    assert viewer.cross() == [35, 2, 5]


def test_the_saved_picture_is_what_is_on_screen_with_bar_footer_and_note(open_viewer, tmp_path):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    with viewer.page.expect_download() as waiting:
        viewer.page.locator("[data-part=save]").click()
    path = tmp_path / "saved.png"
    waiting.value.save_as(path)
    saved = np.asarray(Image.open(path).convert("RGB")).astype(int)
    viewer.page.mouse.move(2, 2)
    stage = viewer.stage()
    assert saved.shape[1] == stage.shape[1]
    assert saved.shape[0] > stage.shape[0] + 110  # two lines of note at this width
    for panel in viewer.panels():
        a, b = viewer.picture(panel, saved), viewer.picture(panel, stage)
        assert np.abs(a - b).mean() < 1
    assert is_bright(saved[stage.shape[0] :]).sum() > 50  # the bar's upper end
    rows = saved[stage.shape[0] + 70 :].min(axis=(1, 2)) < 120
    assert np.diff(rows.astype(int)).clip(0).sum() >= 3  # lines of footer and note


def test_words_say_the_strongest_regions_and_what_the_crosshair_is_on(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    viewer.page.wait_for_function(
        "document.querySelector('[data-part=words]').textContent.includes('Crosshair')"
    )
    text = viewer.text("words")
    assert "Strongest mean z: low 1.0, V1 0," in text
    assert "Predicted, not measured." in text
    i, j, k = BRAIN.indices[BRAIN.regions.places["low"][0]]
    assert f"Crosshair on low · i {i} j {j} k {k}: ≈ 1.000 z." in text
    viewer.run("viewer.setCross([2, 2, 2])")
    viewer.page.wait_for_function(
        "document.querySelector('[data-part=words]').textContent.includes('outside the brain')"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_follow_the_page_when_it_goes_dark(open_viewer, scheme):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    colors = {"light": ("#20242c", "#ffffff"), "dark": ("#f0f2f6", "#0e1117")}[scheme]
    viewer.run(
        """([text, paper]) => {
          document.documentElement.style.setProperty("--st-text-color", text);
          document.documentElement.style.setProperty("--st-background-color", paper);
        }""",
        colors,
    )
    wanted = {"light": "rgb(32, 36, 44)", "dark": "rgb(240, 242, 246)"}[scheme]
    viewer.page.wait_for_function("(ink) => viewer.ink === ink", arg=wanted)


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
@pytest.mark.parametrize("layout", ["slices", "projections", "both"])
def test_nothing_overflows_and_the_brain_is_the_largest_thing(open_viewer, size, layout):
    pictures = [np.full((48, 48, 3), 10 * i, np.uint8) for i in range(16)]
    data = BRAIN.message(BRAIN.blob(16), layout=layout, thumbnails=pictures)
    viewer = open_viewer(data, size=size)
    box = viewer.run(
        """() => { const stage = document.querySelector(".bc-stage").getBoundingClientRect();
        const all = document.querySelector(".bc").getBoundingClientRect();
        const overlaps = [...document.querySelectorAll("[data-part=sliders] input")]
          .filter((node) => !node.hidden).map((node) => node.getBoundingClientRect())
          .filter((one) => one.bottom > stage.bottom || one.left < stage.left
                           || one.right > stage.right);
        return {over: document.documentElement.scrollWidth - innerWidth,
                stage: stage.width * stage.height, all: all.width * all.height,
                bottom: all.bottom, outside: overlaps.length}; }"""
    )
    assert box["over"] <= 0
    assert box["stage"] > 0.5 * box["all"]
    assert box["bottom"] <= size[1]
    assert box["outside"] == 0


def test_leaving_takes_everything_away(open_viewer):
    viewer = open_viewer(BRAIN.message(BRAIN.blob()))
    viewer.run("mounted.destroy()")
    assert viewer.run("document.getElementById('host').children.length") == 0
    assert json.loads(viewer.run("JSON.stringify([...__boldcast.viewers.keys()])")) == []
