"""What a visitor does on the images page and in the kiosk, against the real server."""

import csv
import io
import re
from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from components.static import static_url
from models.analysis.roi import region_means
from models.atlases import load_atlas
from models.catalog import get_card
from models.engine import Engine, Request
from models.spaces import get_space
from models.stimulus import Stimulus
from models.types import Selection
from tests.app.server_process import Server
from tests.browser.viewer_page import ViewerPage

pytestmark = pytest.mark.browser

ATLAS = load_atlas("fsaverage5", "retinotopy")
SECOND = 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("server"))
    one.wait_until_warm()
    yield one
    one.stop()


class AppPage(ViewerPage):
    """One visitor's page."""

    def __init__(self, page, port):
        super().__init__(page)
        self.home = f"http://localhost:{port}/"
        self.hosts = set()
        self.n_sent = 0
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("websocket", lambda socket: socket.on("framesent", self._count))

    def _count(self, frame):
        self.n_sent += 1

    def visit(self, path="", view="images"):
        self.page.goto(self.home + path)
        self.find_viewer(view)
        return self

    def find_viewer(self, view="images"):
        """Wait for a viewer with data; ``viewer`` is its name in the page."""
        self.page.wait_for_function(
            "(view) => globalThis.__boldcast?.viewers.get(view)?.header && "
            "(globalThis.viewer = __boldcast.viewers.get(view))",
            arg=view,
            timeout=60 * SECOND,
        )

    def upload(self, *files):
        payload = [{"name": n, "mimeType": "image/png", "buffer": data} for n, data in files]
        self.page.locator("input[type=file]").set_input_files(payload)

    def wait_for_rows(self, labels):
        self.page.wait_for_function(
            "(labels) => JSON.stringify(viewer.header.row_labels) === JSON.stringify(labels)",
            arg=labels,
            timeout=60 * SECOND,
        )
        self.rest()


@contextmanager
def visitors(chromium, server, kind=AppPage):
    """Make a visitor; an error on their page or a request to elsewhere fails the test."""
    contexts, pages = [], []

    def come(width=1440, height=900, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        pages.append(kind(context.new_page(), server.port))
        return pages[-1]

    yield come
    for context in contexts:
        context.close()
    for page in pages:
        assert page.errors == []
        assert page.hosts <= {f"localhost:{server.port}", ""}


@pytest.fixture
def visitor(chromium, server):
    with visitors(chromium, server) as come:
        yield come


def right_half() -> bytes:
    """Black and white stripes to the right of the middle, grey to the left."""
    pixels = np.full((240, 240), 128, np.uint8)
    pixels[:, 124:] = np.where(np.arange(116) // 6 % 2, 255, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def predict(data: bytes):
    """Ask the library itself."""
    engine = Engine()
    card = get_card("reference-vision")
    stimuli = Stimulus.from_bytes(data, "right.png")
    selection = Selection((card.subjects[0][0],))
    (response,) = engine.predict(Request(card.id, stimuli, selection, card.default_settings()))
    engine.close()
    return response


def test_a_first_visitor_sees_the_wedge_playing(visitor):
    page = visitor().visit()
    assert page.run("viewer.header.n_frames") == 24
    assert page.run("viewer.player.playing")
    assert page.page.get_by_text("Drop a photograph to see it on the cortex").is_visible()


def test_a_dropped_picture_is_read_off_the_cortex_and_taken_home(visitor, tmp_path):
    page = visitor().visit()
    before = page.stage()
    page.upload(("right.png", right_half()))
    page.wait_for_rows(["right.png"])
    assert (np.abs(page.stage() - before).sum(axis=2) > 60).sum() > 1000

    flat = [panel["view"] for panel in page.panels()].index("flat")
    response = predict(right_half())
    dense = response.dense()[0]
    is_v1 = ATLAS.mask("V1", "left")[: response.space.n_left]
    places = np.flatnonzero(is_v1 & np.isfinite(dense[: response.space.n_left]))
    x, y, _ = np.median(page.projected(flat, 0)[places], axis=0)
    page.move_on_stage(x, y)
    tip = page.page.locator("[data-part=tip]")
    tip.wait_for(state="visible")
    assert "V1 · left" in tip.inner_text()

    sent = page.n_sent
    for value in ("0.1", "0.2", "0.3"):
        page.page.locator("[data-part=threshold]").fill(value)
    page.rest()
    assert page.n_sent == sent

    page.click_stage(x, y)
    beside = page.page.locator(".st-key-beside")
    beside.get_by_text("vertex").wait_for(timeout=30 * SECOND)
    words = beside.inner_text()
    vertex = int(re.search(r"V1, left, vertex (\d+)", words).group(1))
    assert f"{dense[vertex]:.4g} relative response" in words
    page.page.get_by_role("button", name="Remove the pin").click()
    beside.get_by_text("vertex").wait_for(state="detached", timeout=30 * SECOND)

    page.page.get_by_role("button", name="Download").click()
    with page.page.expect_download() as download:
        page.page.get_by_text("Region values (CSV)").click()
    download.value.save_as(tmp_path / "regions.csv")
    lines = (tmp_path / "regions.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [row["row_label"] for row in rows] == ["right.png"] * 8
    for row in rows:
        (mean,) = region_means(response, ATLAS, row["region"], row["hemisphere"])
        assert float(row["mean"]) == pytest.approx(mean, rel=1e-6)


def test_cortex_and_visual_field_point_at_each_other_without_a_word_to_the_server(visitor):
    page = visitor().visit()
    page.upload(("right.png", right_half()))
    page.wait_for_rows(["right.png"])
    flat = [panel["view"] for panel in page.panels()].index("flat")
    is_v1 = ATLAS.mask("V1", "left")[: get_space("fsaverage5").n_left]
    x, y, _ = np.median(page.projected(flat, 0)[np.flatnonzero(is_v1)], axis=0)
    readout = page.page.locator("section.field .readout")
    readout.wait_for(timeout=30 * SECOND)
    sent = page.n_sent
    page.move_on_stage(x, y)
    page.page.wait_for_function(
        "(words) => words.textContent.includes('V1')", arg=readout.element_handle()
    )
    page.page.mouse.move(2, 2)
    dots = page.page.locator("section.field canvas.dots")
    dots.scroll_into_view_if_needed()
    box = dots.bounding_box()
    page.run(
        "globalThis.heard = [];"
        "addEventListener('boldcast:hover', ({ detail }) => heard.push(detail.vertex))"
    )
    page.page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    page.page.wait_for_function("heard.some((vertex) => vertex !== null)")
    page.page.wait_for_function("heard.includes(viewer.style.hovered)")  # ringed on the cortex
    assert page.n_sent == sent


def test_pictures_become_the_time_axis_and_the_camera_stays(visitor):
    page = visitor().visit()
    page.upload(("right.png", right_half()))
    page.wait_for_rows(["right.png"])
    page.run("globalThis.first = viewer; viewer.look({zoom: 1.5})")
    other = Image.open(io.BytesIO(right_half())).rotate(180)
    buffer = io.BytesIO()
    other.save(buffer, "PNG")
    page.upload(("left.png", buffer.getvalue()), ("<b>bad</b>.png", b"nothing"))
    page.wait_for_rows(["right.png", "left.png"])
    assert page.run("first === viewer && viewer.state.zoom") == 1.5
    assert page.page.get_by_text("<b>bad</b>.png").first.is_visible()
    assert "pictures=" in page.page.url


def test_files_that_are_no_pictures_get_a_sentence_each_and_the_others_stay(visitor, tmp_path):
    files = {
        "notes.txt": b"words",
        "right.png": right_half(),
        "huge.png": bytes(60 * 1000**2),
        "<b>cut.png": right_half()[:300],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    page = visitor().visit()
    page.page.locator("input[type=file]").set_input_files([tmp_path / name for name in files])
    page.wait_for_rows(["right.png"])
    alerts = page.page.get_by_test_id("stAlert")
    alerts.nth(2).wait_for(timeout=30 * SECOND)
    words = alerts.all_inner_texts()
    for sentence, part in zip(words, ("notes.txt", "60 MB", "<b>cut.png"), strict=True):
        assert part in sentence
    assert all(re.search(r"[Uu]se|[Ss]ave|[Dd]ownload", sentence) for sentence in words)


def test_a_link_restores_the_page_and_the_viewer(visitor):
    page = visitor().visit("?regions=V2&sample=ring&view=images~l.flat")
    assert page.run("viewer.header.n_frames") == 16
    assert page.run("viewer.state.layout") == "flat"
    assert page.page.locator(".stMultiSelect").get_by_text("V2").is_visible()
    assert "view=" in page.page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_nothing_overflows_and_the_brain_comes_first(visitor, size, scheme):
    page = visitor(*size, color_scheme=scheme).visit()
    page.page.get_by_text("Region values").wait_for(timeout=30 * SECOND)
    main = "document.querySelector('.stMain')"
    assert page.run(f"{main}.scrollWidth - {main}.clientWidth") == 0
    box = page.page.locator("[data-part=stage]").bounding_box()
    assert box["y"] + box["height"] <= size[1]
    assert box["width"] * box["height"] > 0.3 * size[0] * size[1]


def test_the_kiosk_shows_a_touched_picture_asks_and_goes_home(visitor):
    page = visitor()
    page.page.clock.install()
    page.visit("?mode=kiosk", view="kiosk-0")
    assert page.run("viewer.header.n_frames") == 24
    assert page.page.locator("input[type=file]").count() == 0
    page.page.get_by_role("button", name="Coffee cup").click()
    page.page.get_by_role("heading", name="Coffee cup").wait_for(timeout=30 * SECOND)
    # The idle clock starts when the row of tiles has heard of the choice, after the heading.
    page.page.get_by_role("button", name="Coffee cup", pressed=True).wait_for()
    page.page.clock.run_for(51 * SECOND)
    assert page.page.get_by_text("Still there?").is_visible()
    page.page.mouse.click(5, 5)
    assert page.page.get_by_text("Still there?").count() == 0
    page.page.clock.run_for(51 * SECOND)
    page.page.clock.run_for(10 * SECOND)
    page.page.get_by_role("heading", name="Rotating wedge").wait_for(timeout=30 * SECOND)


def test_the_idle_clock_asks_then_ends_and_starts_again_at_every_touch(visitor, server):
    page = visitor()
    page.page.goto(page.home + "boldcast/health")
    heard = page.run(
        """async (url) => {
          const { IdleClock } = await import(url);
          let now = 0, waiting = [];
          const timers = {
            setTimeout: (call, wait) => waiting.push([now + wait, call]),
            clearTimeout: (id) => { waiting[id - 1] = null; },
          };
          const heard = [];
          const clock = new IdleClock({
            promptS: 50, idleS: 60, timers,
            onPrompt: () => heard.push(["prompt", now]), onIdle: () => heard.push(["idle", now]),
          });
          const until = (end) => {
            for (; now < end; now += 1000)
              waiting.forEach((one, id) => {
                if (one && one[0] === now) { waiting[id] = null; one[1](); }
              });
          };
          until(200000);
          clock.start();
          until(255000);
          clock.touch();
          until(400000);
          clock.touch();
          until(600000);
          return heard.map(([what, when]) => [what, when / 1000]);
        }""",
        "/" + static_url("kiosk", "idle.js"),
    )
    assert heard == [["prompt", 250], ["prompt", 305], ["idle", 315]]
