"""What a person sees and does in the brain viewer, with pixels checked in Chromium."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from components.brain import pack_view
from models.atlases import load_atlas
from models.spaces import get_space, load_medial_wall, load_mesh
from models.types import Provenance, Response, Space
from tests.browser.viewer_page import COUNTERS, PageServer, ViewerPage

pytestmark = pytest.mark.browser

SPACE = get_space("fsaverage5")
ATLAS = load_atlas("fsaverage5", "retinotopy")
PROVENANCE = Provenance("m", "Test model", "1", "0" * 64, "nobody", "Only a test.", "TEST")
BOTH_LAYOUTS = ("visual", "four", "posterior", "dorsal", "ventral", "flat", "free")


def message(values, is_signed=False, **options):
    labels = tuple(f"frame {i}" for i in range(len(values)))
    values = Response(np.asarray(values, "f4"), SPACE, labels, "units", is_signed, PROVENANCE)
    return pack_view(values, mesh_url="mesh.bin.gz", atlas=ATLAS, **options)


def left_occipital():
    """Vertices of the left occipital pole: the hindmost 25 mm of the left pial surface."""
    pial = load_mesh("fsaverage5", "pial").left.positions
    found = np.zeros(SPACE.n_places, bool)
    found[: SPACE.n_left] = pial[:, 1] < pial[:, 1].min() + 25
    return found


def blob(n_frames=1):
    """Frame 0: 1 on the left occipital pole and 0 elsewhere; later frames 0; medial wall NaN."""
    values = np.zeros((n_frames, SPACE.n_places), "f4")
    values[0, left_occipital()] = 1.0
    values[:, load_medial_wall("fsaverage5")] = np.nan
    return values


def is_bright(pixels):
    """Yellow of viridis' upper end, under any lighting of the viewer."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return (red > 130) & (green > 130) & (blue < 0.5 * red)


def is_dark_purple(pixels):
    """Viridis' lower end."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return (red < 95) & (green < 25) & (blue > 45) & (blue < 110)


def is_grey(pixels):
    """Slate of what is not modelled."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return (blue > red) & (blue - red < 45) & (abs(green - red) < 20) & (red > 45) & (red < 150)


@pytest.fixture(scope="module")
def server():
    running = PageServer()
    yield running
    running.close()


@pytest.fixture
def open_viewer(chromium, server):
    """Open a page with a message; its errors fail the test."""
    contexts, pages = [], []

    def start(data, query="", size=(1100, 820), browser=None, script="", **context_options):
        server.add("first.bin", data)
        context = (browser or chromium).new_context(
            viewport={"width": size[0], "height": size[1]}, **context_options
        )
        context.add_init_script(COUNTERS + script)
        contexts.append(context)
        pages.append(ViewerPage(context.new_page()))
        return pages[-1].open(server.url + query)

    yield start
    for context in contexts:
        context.close()
    for page in pages:
        assert page.errors == []


#: Where the left occipital pole must be in a view: share of the panel's width and height.
WHERE = {
    "left_lateral": ((0.5, 1), (0.2, 1)),
    "left_medial": ((0, 0.5), (0.2, 1)),
    "posterior": ((0, 0.5), (0, 1)),
    "dorsal": ((0, 0.5), (0.5, 1)),
    "ventral": ((0.5, 1), (0.5, 1)),
    "flat": ((0.5, 1), (0, 1)),
}


@pytest.mark.parametrize("layout", ["four", "posterior", "dorsal", "ventral", "flat", "free"])
def test_a_left_occipital_blob_is_at_the_back_of_the_left_hemisphere_and_nowhere_else(
    open_viewer, layout
):
    viewer = open_viewer(message(blob(), layout=layout), "?view=test~o.0")
    pixels = viewer.stage()
    for panel in viewer.panels():
        top, left = round(panel["top"]), round(panel["left"])
        part = pixels[top : top + int(panel["height"]), left : left + int(panel["width"])]
        rows, columns = np.nonzero(is_bright(part))
        if 0 not in panel["hemispheres"]:
            assert len(rows) == 0, panel["view"]
            continue
        assert len(rows) > 60, panel["view"]
        (low_x, high_x), (low_y, high_y) = WHERE[panel["view"]]
        across, down = columns / part.shape[1], rows / part.shape[0]
        assert low_x <= across.min(), panel["view"]
        assert across.max() <= high_x, panel["view"]
        assert low_y <= down.min(), panel["view"]
        assert down.max() <= high_y, panel["view"]


def test_the_visual_layout_frames_the_modelled_cortex_large(open_viewer):
    values = np.full((1, SPACE.n_places), np.nan, "f4")
    values[0, ATLAS.labels > 0] = 1.0
    viewer = open_viewer(message(values, layout="visual"), "?view=test~o.0")
    pixels = viewer.stage()
    panels = viewer.panels()
    assert [one["view"] for one in panels].count("flat") == 2
    for panel in panels:
        top, left = round(panel["top"]), round(panel["left"])
        part = pixels[top : top + int(panel["height"]), left : left + int(panel["width"])]
        rows, columns = np.nonzero(is_bright(part))
        extent = max(np.ptp(rows) / part.shape[0], np.ptp(columns) / part.shape[1])
        assert extent > 0.5, panel["view"]


def test_nan_is_grey_and_zero_is_not(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"), "?view=test~o.0")
    pixels = viewer.stage()
    for index, panel in enumerate(viewer.panels()):
        if "medial" not in panel["view"]:
            continue
        side = panel["hemispheres"][0]
        wall = load_medial_wall("fsaverage5")[SPACE.hemisphere_slice(("left", "right")[side])]
        x, y, _ = np.median(viewer.projected(index, side)[wall], axis=0)
        assert is_grey(pixels[int(y), int(x)]), panel["view"]
    top_left = viewer.panels()[0]
    middle = pixels[int(top_left["height"] / 2), int(top_left["width"] / 2)]
    assert is_dark_purple(middle)


PARCELS = Space("areas", "parcels", len(ATLAS.names), len(ATLAS.names))
AREA_VALUES = np.random.default_rng(5).uniform(0, 1, (3, PARCELS.n_places)).astype("f4")


def area_message(encoding="u8"):
    """Three frames with one value an area and hemisphere."""
    labels = ("a", "b", "c")
    response = Response(AREA_VALUES, PARCELS, labels, "units", False, PROVENANCE)
    return pack_view(
        response,
        mesh_url="mesh.bin.gz",
        atlas=ATLAS,
        mesh_vertices=(SPACE.n_left, SPACE.n_right),
        mesh_space="fsaverage5",
        encoding=encoding,
        layout="four",
    )


def painted_areas():
    """The same values, written out at every vertex."""
    labels = ATLAS.labels.astype(int)
    column = labels - 1 + np.where(np.arange(len(labels)) < SPACE.n_left, 0, PARCELS.n_left)
    return np.where(labels > 0, AREA_VALUES[:, np.where(labels > 0, column, 0)], np.nan)


#: The card's lines are made shorter than one frame, so that every frame runs over their ends.
SHORT_LINES = """
const asked = WebGL2RenderingContext.prototype.getParameter;
WebGL2RenderingContext.prototype.getParameter = function (name) {
  return name === this.MAX_TEXTURE_SIZE ? 5 : asked.call(this, name);
};
"""


@pytest.mark.parametrize("frame", [0, 2, 0.5])
@pytest.mark.parametrize(
    ("encoding", "script"),
    [("u8", ""), ("f16", ""), ("u8", SHORT_LINES)],
    ids=["u8", "f16", "wrapped"],
)
def test_parcels_look_like_the_same_values_at_every_vertex(open_viewer, encoding, script, frame):
    pictures = []
    for data, before in (
        (message(painted_areas(), layout="four"), ""),
        (area_message(encoding), script),
    ):
        viewer = open_viewer(data, script=before)
        viewer.run("(frame) => viewer.goTo(frame)", frame)
        viewer.rest()
        pictures.append(viewer.stage())
    difference = np.abs(pictures[0] - pictures[1]).max(axis=2)
    # Inside a parcel the colours are the same; at its rim a vertex value fades within a triangle.
    assert (difference > 12).mean() < 0.002
    viewer.run("viewer.goTo(1)")
    viewer.rest()
    other = np.abs(pictures[0] - viewer.stage()).max(axis=2)
    assert (other > 12).mean() > 5 * max((difference > 12).mean(), 0.002)


def test_halves_look_like_bytes(open_viewer):
    values = painted_areas()
    values[:, ::7] = np.nan
    pictures = []
    for encoding in ("u8", "f16"):
        viewer = open_viewer(message(values, layout="four", encoding=encoding))
        pictures.append(viewer.stage())
    assert np.abs(pictures[0] - pictures[1]).max() <= 6  # 1/254 of the range, and rounding


def test_changing_frame_changes_pixels_and_sends_nothing(open_viewer):
    viewer = open_viewer(message(blob(3), layout="four"))
    assert is_bright(viewer.stage()).sum() > 100
    before = viewer.run("counted.sent")
    viewer.page.locator("[data-part=canvas]").focus()
    viewer.page.keyboard.press("ArrowRight")
    viewer.rest()
    assert is_bright(viewer.stage()).sum() == 0
    viewer.page.keyboard.press("ArrowLeft")
    viewer.rest()
    assert is_bright(viewer.stage()).sum() > 100
    assert viewer.run("counted.sent") == before


def test_between_frames_is_marked_as_drawn(open_viewer):
    viewer = open_viewer(message(blob(3), layout="four"))
    viewer.run("viewer.goTo(0.5)")
    viewer.rest()
    assert "drawn, not predicted" in viewer.page.locator("[data-part=whenNote]").inner_text()
    viewer.run("viewer.goTo(1)")
    viewer.rest()
    assert viewer.page.locator("[data-part=whenNote]").inner_text() == "frame 1"


def test_threshold_hides_what_is_below_without_sending_anything(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"), "?view=test~o.0")
    before = viewer.run("counted.sent")
    assert is_dark_purple(viewer.stage()).sum() > 2000
    slider = viewer.page.locator("[data-part=threshold]")
    slider.fill("0.5")
    viewer.rest()
    pixels = viewer.stage()
    assert is_dark_purple(pixels).sum() == 0
    assert is_bright(pixels).sum() > 100
    assert viewer.run("counted.sent") == before
    assert "0.50" in viewer.page.locator("[data-part=thresholdValue]").inner_text()


def neighbours(side):
    """Vertex -> itself and the vertices one edge away."""
    faces = load_mesh("fsaverage5", "pial").hemisphere(("left", "right")[side]).faces
    near = [{vertex} for vertex in range(SPACE.n_left)]
    for a, b, c in faces:
        near[a] |= {b, c}
        near[b] |= {a, c}
        near[c] |= {a, b}
    return near


@pytest.fixture(scope="module")
def near():
    return [neighbours(0), neighbours(1)]


def has_face(shape, side):
    """Whether a vertex is part of the surface; the flat sheet has cuts and no medial wall."""
    used = np.zeros(SPACE.n_left, bool)
    used[load_mesh("fsaverage5", shape).hemisphere(("left", "right")[side]).faces] = True
    return used


def visible_vertices(points, others, panel, is_used, rng, count=4):
    """Vertices with nothing in front of them near their place on the screen; points are x, y, z."""
    x, y, depth = points.T
    is_inside = (x > panel["left"] + 14) & (x < panel["left"] + panel["width"] - 14)
    is_inside &= is_used & (y > panel["top"] + 14) & (y < panel["top"] + panel["height"] - 14)
    everything = np.concatenate([points, *others])
    found = []
    for vertex in rng.permutation(np.flatnonzero(is_inside)):
        distance = np.hypot(everything[:, 0] - x[vertex], everything[:, 1] - y[vertex])
        around = everything[distance < 14]
        quadrants = {tuple(one) for one in np.sign(around[:, :2] - points[vertex, :2])}
        is_front = depth[vertex] <= around[:, 2].min() + 0.004  # 2 mm of 500
        if is_front and {(1, 1), (1, -1), (-1, 1), (-1, -1)} <= quadrants:
            found.append(int(vertex))
        if len(found) == count:
            break
    return found


def check_picks(viewer, near, seed):
    """Click vertices of every panel; each pick must be the vertex or a neighbour."""
    rng = np.random.default_rng(seed)
    clicked = 0
    for index, panel in enumerate(viewer.panels()):
        points = [viewer.projected(index, side) for side in panel["hemispheres"]]
        for place, side in enumerate(panel["hemispheres"]):
            others = [one for k, one in enumerate(points) if k != place]
            is_used = has_face("flat" if panel["view"] == "flat" else "pial", side)
            for vertex in visible_vertices(points[place], others, panel, is_used, rng):
                viewer.click_stage(*points[place][vertex][:2])
                pick = viewer.run("picks.at(-1)")
                own = pick["vertex"] - side * SPACE.n_left
                assert pick["hemisphere"] == ("left", "right")[side], (panel["view"], vertex)
                assert own in near[side][vertex], (panel["view"], vertex, own)
                clicked += 1
    return clicked


@pytest.mark.parametrize("layout", BOTH_LAYOUTS)
def test_a_click_picks_the_vertex_under_it_in_every_view_and_after_turning(
    open_viewer, near, layout
):
    data = np.full((1, SPACE.n_places), np.nan, "f4")
    data[0, ATLAS.labels > 0] = 1.0
    viewer = open_viewer(message(data, layout=layout))
    assert check_picks(viewer, near, 1) >= 4
    panel = viewer.panels()[0]
    viewer.move_on_stage(panel["left"] + 90, panel["top"] + 90)
    viewer.page.mouse.down()
    viewer.move_on_stage(panel["left"] + 175, panel["top"] + 60)
    viewer.page.mouse.up()
    viewer.rest()
    assert viewer.run("viewer.state.rotation")[3] < 0.99 or layout == "flat"
    assert check_picks(viewer, near, 2) >= 4


def test_picking_is_right_in_folded_shape(open_viewer, near):
    viewer = open_viewer(message(blob(), layout="four"), "?view=test~i.0")
    assert viewer.run("viewer.state.mixing") == 0
    assert check_picks(viewer, near, 3) >= 8


def test_hover_names_region_hemisphere_and_the_value_of_the_current_frame(open_viewer):
    values = np.full((3, SPACE.n_places), np.nan, "f4")
    values[:, ATLAS.mask("V1", "left")] = [[0.0], [1.5], [3.0]]
    viewer = open_viewer(message(values, layout="four"))
    medial = [one["view"] for one in viewer.panels()].index("left_medial")
    points = viewer.projected(medial, 0)[ATLAS.mask("V1", "left")[: SPACE.n_left]]
    x, y, _ = points[np.argsort(points[:, 2])[40]]
    tip = viewer.page.locator("[data-part=tip]")
    texts = []
    for frame in range(3):
        viewer.run("(frame) => viewer.goTo(frame)", frame)
        viewer.move_on_stage(x + frame, y)
        tip.wait_for(state="visible")
        texts.append(tip.inner_text())
    assert all("V1 · left" in text for text in texts)
    assert [text.split("≈ ")[1].split()[0] for text in texts] == ["0.00", "1.50", "3.00"]


def test_hover_and_time_are_told_to_linked_views(open_viewer):
    viewer = open_viewer(message(blob(3), layout="four"))
    viewer.run(
        """() => { globalThis.heard = [];
        for (const type of ["time", "hover", "range"])
          addEventListener(`boldcast:${type}`, (event) => heard.push([type, event.detail])); }"""
    )
    viewer.run("viewer.goTo(2)")
    panel = viewer.panels()[0]
    viewer.move_on_stage(panel["width"] / 2, panel["height"] / 2)
    viewer.page.wait_for_function("heard.some(([type]) => type === 'hover')")
    viewer.page.locator("[data-part=threshold]").fill("0.25")
    heard = viewer.run(
        "heard.map(([type, {view, frame, vertex, threshold}]) => "
        "[type, view, frame ?? vertex ?? threshold])"
    )
    assert ["time", "test", 2] in heard
    assert any(one[0] == "hover" and one[2] >= 0 for one in heard)
    assert ["range", "test", 0.25] in heard
    viewer.run(
        """() => dispatchEvent(new CustomEvent("boldcast:hover",
        {detail: {view: "test", vertex: 10300, source: "field"}}))"""
    )
    assert viewer.run("viewer.style.hovered") == 10300


def test_the_viewer_goes_where_another_view_seeks_and_says_where_it_is(open_viewer):
    viewer = open_viewer(message(blob(3), layout="four"))
    viewer.run(
        """() => { globalThis.heard = [];
        addEventListener("boldcast:time", ({detail}) => heard.push(detail)); }"""
    )

    def say(frame, **more):
        detail = {"view": "test", "frame": frame, "playing": False, "source": "other", **more}
        viewer.run("(detail) => dispatchEvent(new CustomEvent('boldcast:time', {detail}))", detail)
        viewer.rest()
        own = "heard.filter(({source}) => source === 'brain').at(-1)"
        return viewer.run(f"[viewer.player.clock, viewer.player.playing, {own}?.frame]")

    viewer.run("viewer.setPlaying(true)")
    assert say(2, seek=True) == [2, False, 2]
    assert say(1) == [2, False, 2]  # what others tell of time is no wish
    assert say(1, seek=True, view="elsewhere") == [2, False, 2]
    assert say(0.5, seek=True) == [0.5, False, 0.5]
    viewer.run("heard.length = 0")
    assert say(99, seek=True) == [2, False, 2]
    viewer.run("heard.length = 0")
    assert say(99, seek=True) == [2, False, 2]  # said again, for those who took 99 for granted
    assert not viewer.run("heard.some(({source, seek}) => source === 'brain' && seek)")


def test_same_data_again_is_not_looked_at_and_new_data_keep_the_camera(open_viewer, server):
    viewer = open_viewer(message(blob(3), layout="four"))
    viewer.run("viewer.goTo(1); viewer.look({zoom: 1.7})")
    sent = viewer.run("counted.sent")
    viewer.run("async () => mounted.update(await take('first.bin'))")
    viewer.rest()
    assert viewer.run("counted.sent") == sent
    server.add("second.bin", message(blob(3) * 2, layout="four"))
    viewer.run("async () => mounted.update(await take('second.bin'))")
    viewer.rest()
    assert viewer.run("[viewer.state.zoom, viewer.player.clock, viewer.stats.valueUploads]") == [
        1.7, 1, 2,
    ]  # fmt: skip


def test_a_locked_range_stays_over_new_data(open_viewer, server):
    viewer = open_viewer(message(blob(), layout="four", limit=1.0))
    server.add("second.bin", message(blob() * 5, layout="four", limit=5.0))
    viewer.run("viewer.set({isLocked: true})")
    viewer.run("async () => mounted.update(await take('second.bin'))")
    assert viewer.run("viewer.state.limit") == 1
    assert viewer.page.locator("[data-part=clipHigh]").is_visible()
    viewer.run("viewer.set({isLocked: false})")
    server.add("third.bin", message(blob() * 4, layout="four", limit=4.0))
    viewer.run("async () => mounted.update(await take('third.bin'))")
    assert viewer.run("viewer.state.limit") == 4


def test_a_lost_context_comes_back_with_the_same_picture(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"))
    before = viewer.stage()
    viewer.run("globalThis.loss = viewer.renderer.gl.getExtension('WEBGL_lose_context')")
    viewer.run("loss.loseContext()")
    viewer.page.locator("[data-part=message]").wait_for(state="visible")
    viewer.run("loss.restoreContext()")
    viewer.page.locator("[data-part=message]").wait_for(state="hidden")
    viewer.rest()
    assert np.abs(viewer.stage() - before).max() <= 2


def test_nothing_runs_while_nothing_changes(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"))
    viewer.rest()
    before = viewer.run("[counted.frames, viewer.stats.draws]")
    viewer.page.wait_for_timeout(700)
    assert viewer.run("[counted.frames, viewer.stats.draws]") == before


def test_keyboard_turns_zooms_plays_and_resets(open_viewer):
    viewer = open_viewer(message(blob(4), layout="four"))
    viewer.page.locator("[data-part=canvas]").focus()
    for key in ("Shift+ArrowRight", "+", "ArrowRight"):
        viewer.page.keyboard.press(key)
    rotation, zoom, clock = viewer.run(
        "[viewer.state.rotation, viewer.state.zoom, viewer.player.clock]"
    )
    assert rotation[1] > 0.05
    assert zoom > 1.1
    assert clock == 1
    viewer.page.keyboard.press("Space")
    assert viewer.run("viewer.player.playing") is True
    viewer.page.keyboard.press("Space")
    viewer.page.keyboard.press("0")
    assert viewer.run("[viewer.player.playing, viewer.state.zoom]") == [False, 1]


def test_every_control_is_reached_by_tabbing(open_viewer):
    viewer = open_viewer(message(blob(4), layout="four"))
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
    assert wanted > 20


def test_two_fingers_zoom_and_do_not_pick(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"), size=(390, 844), has_touch=True)
    session = viewer.page.context.new_cdp_session(viewer.page)
    box = viewer.page.locator("[data-part=canvas]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind, *spread):
        points = [{"x": x + dx, "y": y, "id": i} for i, dx in enumerate(spread)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -40)
    touch("touchStart", -40, 40)
    for spread in range(45, 85, 5):
        touch("touchMove", -spread, spread)
    touch("touchEnd")
    assert viewer.run("viewer.state.zoom") == pytest.approx(2.0, rel=0.1)
    assert viewer.run("picks.length") == 0


def test_a_tap_picks(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"), size=(390, 844), has_touch=True)
    panel = viewer.panels()[0]
    box = viewer.page.locator("[data-part=canvas]").bounding_box()
    viewer.page.touchscreen.tap(box["x"] + panel["width"] / 2, box["y"] + panel["height"] / 2)
    viewer.page.wait_for_function("picks.length === 1")
    assert viewer.run("picks[0].hemisphere") == "left"
    assert viewer.page.locator("[data-part=pin]").is_visible()


def test_plays_by_itself_where_asked_but_not_for_people_who_want_no_motion(open_viewer):
    data = message(blob(4), layout="four", is_autoplaying=True)
    assert open_viewer(data).run("viewer.player.playing") is True
    still = open_viewer(data, reduced_motion="reduce")
    assert still.run("viewer.player.playing") is False


def test_without_webgl_a_picture_and_a_plain_sentence(launch, open_viewer):
    picture = io.BytesIO()
    Image.new("RGB", (60, 40), (200, 30, 30)).save(picture, "PNG")
    viewer = open_viewer(
        message(blob(), layout="four", fallback_png=picture.getvalue()),
        browser=launch("--disable-3d-apis"),
    )
    text = viewer.page.locator("[data-part=messageText]").inner_text()
    assert "cannot draw in 3D" in text
    image = viewer.page.locator("[data-part=fallback]")
    assert image.is_visible()
    assert image.evaluate("(node) => node.decode().then(() => node.naturalWidth)") == 60
    viewer.page.wait_for_function(
        "document.querySelector('[data-part=words]').textContent.includes('V1 left')"
    )


def test_what_is_set_is_kept_in_the_address_beside_other_parameters(open_viewer):
    viewer = open_viewer(message(blob(4), layout="four"), "?model=r1")
    viewer.layout("dorsal")
    viewer.page.locator("[data-part=threshold]").fill("0.5")
    viewer.run("viewer.goTo(2)")
    viewer.page.wait_for_function("location.search.includes('t.2')")
    address = viewer.page.url
    assert "model=r1" in address
    assert "l.dorsal" in address
    viewer.page.goto("about:blank")
    viewer.open(address)
    assert viewer.run("[viewer.state.layout, viewer.state.threshold, viewer.player.clock]") == [
        "dorsal",
        0.5,
        2,
    ]


def test_an_older_address_written_by_the_server_is_put_right(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"))
    viewer.layout("dorsal")
    viewer.page.wait_for_function("location.search.includes('l.dorsal')")
    viewer.run("history.pushState(history.state, '', '?view=test~l.flat&regions=V1')")
    viewer.page.wait_for_function("location.search.includes('l.dorsal')")
    assert "regions=V1" in viewer.page.url
    assert "l.flat" not in viewer.page.url


def test_the_saved_picture_is_what_is_on_screen_with_bar_and_footer(open_viewer, tmp_path):
    viewer = open_viewer(message(blob(), layout="four"))
    with viewer.page.expect_download() as waiting:
        viewer.page.locator("[data-part=save]").click()
    path = tmp_path / "saved.png"
    waiting.value.save_as(path)
    saved = np.asarray(Image.open(path).convert("RGB")).astype(int)
    stage = viewer.stage()
    assert saved.shape[1] == stage.shape[1]
    assert saved.shape[0] > stage.shape[0] + 60
    panel = viewer.panels()[0]
    inner = np.s_[30 : int(panel["height"]), 60 : int(panel["width"])]  # beside the labels
    assert np.abs(saved[: stage.shape[0]][inner] - stage[inner]).mean() < 1
    assert is_bright(saved[stage.shape[0] :]).sum() > 50  # the bar's upper end
    assert (saved[stage.shape[0] + 70 :].max(axis=2) < 120).sum() > 100  # the footer's letters


def test_words_say_the_strongest_regions(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"))
    words = viewer.page.locator("[data-part=words]")
    viewer.page.wait_for_function(
        "document.querySelector('[data-part=words]').textContent.length > 10"
    )
    text = words.text_content()
    assert "V1 left" in text
    assert text.endswith("Predicted, not measured.")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
@pytest.mark.parametrize("layout", ["visual", "four"])
def test_nothing_overflows_and_the_brain_is_the_largest_thing(open_viewer, size, layout):
    data = np.full((16, SPACE.n_places), np.nan, "f4")
    data[:, ATLAS.labels > 0] = 1.0
    pictures = [np.full((48, 48, 3), 10 * i, np.uint8) for i in range(16)]
    viewer = open_viewer(message(data, layout=layout, thumbnails=pictures), size=size)
    box = viewer.run(
        """() => { const stage = document.querySelector(".bc-stage").getBoundingClientRect();
        const all = document.querySelector(".bc").getBoundingClientRect();
        return {over: document.documentElement.scrollWidth - innerWidth,
                stage: stage.width * stage.height, all: all.width * all.height,
                bottom: all.bottom}; }"""
    )
    assert box["over"] <= 0
    assert box["stage"] > 0.5 * box["all"]
    assert box["bottom"] <= size[1]


def test_leaving_gives_the_context_back(open_viewer):
    viewer = open_viewer(message(blob(), layout="four"))
    viewer.run("globalThis.card = viewer.renderer.gl; mounted.destroy()")
    assert viewer.run("card.isContextLost()") is True
    assert viewer.run("document.getElementById('host').children.length") == 0
    assert json.loads(viewer.run("JSON.stringify([...__boldcast.viewers.keys()])")) == []
