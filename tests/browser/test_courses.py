"""Courses on the transcripts page, linked with the brain in the browser, without reruns."""

import numpy as np
import pytest
from playwright.sync_api import expect

from components.courses import Delay, Line, Words, pack_courses
from components.static import static_url
from models.types import Provenance, Response, Space
from tests.browser.test_images_page import SECOND, AppPage, server
from tests.browser.viewer_page import FileServer

__all__ = ["server"]  # fixture

pytestmark = pytest.mark.browser

COURSES = "__boldcast.viewers.get('courses')"
TR_S = 2.0


@pytest.fixture(scope="module")
def visit(chromium, server):
    """One visitor's page, at rest on the courses; errors and requests to elsewhere fail."""
    contexts, pages = [], []

    def come(width, height, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        one = AppPage(context.new_page(), server.port)
        pages.append(one)
        one.scripts = []
        one.page.on("response", lambda got: "plotly" in got.url and one.scripts.append(got))
        one.visit("transcripts", view="transcripts")
        one.page.wait_for_function(f"{COURSES}?.stats.draws > 0", timeout=60 * SECOND)
        one.run("viewer.setPlaying(false)")
        one.page.locator("[data-part=surface]").scroll_into_view_if_needed()
        return one

    yield come
    for context in contexts:
        context.close()
    for one in pages:
        assert one.errors == []
        assert one.hosts <= {f"localhost:{server.port}", ""}


@pytest.fixture(scope="module")
def page(visit):
    one = visit(1440, 900)
    one.page.wait_for_timeout(600)
    return one


def at(page, row, share):
    """Point of the plot over a row; ``share`` of its height from the top."""
    box = page.page.locator("[data-part=surface]").bounding_box()
    x = page.run(f"(row) => {COURSES}.axis.left + {COURSES}.axis.toPx(row * {TR_S})", row)
    return box["x"] + x, box["y"] + share * box["height"]


def playhead(page):
    """Row at which the playhead stands on the page, from its pixels."""
    box = page.page.locator(".bc-playhead").bounding_box()
    clip = page.page.locator("[data-part=clip]").bounding_box()
    middle = box["x"] + box["width"] / 2 - clip["x"]
    return page.run(f"(px) => {COURSES}.axis.toTime(px)", middle) / TR_S


def test_a_click_sends_the_viewer_there_and_the_playhead_follows_time(page):
    sent = page.n_sent
    page.page.mouse.click(*at(page, 30, 0.7))
    page.page.wait_for_function("viewer.player.clock === 30")
    assert playhead(page) == pytest.approx(30, abs=0.1)
    expect(page.page.locator("[data-part=when]").first).to_contain_text("Volume 31 of 66")
    page.run("viewer.goTo(12)")
    page.rest()
    assert playhead(page) == pytest.approx(12, abs=0.1)
    surface = page.page.locator("[data-part=surface]")
    surface.press("ArrowRight")
    page.page.wait_for_function("viewer.player.clock === 13")
    assert surface.get_attribute("aria-valuenow") == "14"
    surface.press("End")
    page.page.wait_for_function("viewer.player.clock === 65")
    draws = page.run(f"{COURSES}.stats.draws")
    page.run("viewer.goTo(0); viewer.setPlaying(true)")
    page.page.wait_for_function(f"{COURSES}.frame > 0.5")
    page.run("viewer.setPlaying(false)")
    page.rest()
    assert playhead(page) == pytest.approx(page.run("viewer.player.clock"), abs=0.1)
    assert page.run(f"{COURSES}.stats.draws") == draws  # following draws nothing
    assert page.n_sent == sent


def test_the_guide_is_dragged_and_marks_other_words_without_a_rerun(page):
    sent = page.n_sent
    page.run("viewer.goTo(14)")
    page.rest()
    value = page.page.locator("[data-part=delayValue]")
    expect(value).to_have_text("5.0 s")
    expect(page.page.locator("[data-part=delaySource]")).to_contain_text(
        "5 s is the peak of this model's response to a word"
    )
    marked = ".bc-lane .bc-marked"
    before = page.page.locator(marked).all_text_contents()
    assert "Calm" in before
    about = page.page.locator("[data-part=about]")
    expect(about).to_have_text(
        "At 28.0 s that is “Calm sea, no ships. Calm sea, no ships. The words”."
    )
    band = page.page.locator("[data-part=band]").bounding_box()
    x, y = band["x"] + band["width"] / 2, band["y"] + 20
    by = page.run(f"3 * {COURSES}.axis.pxPerS")
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x - by, y, steps=5)
    page.page.mouse.up()
    expect(value).to_have_text("8.0 s")
    assert page.page.locator(marked).all_text_contents() != before
    expect(about).not_to_contain_text("The words")
    assert page.run("viewer.player.clock") == 14  # a drag is no click
    page.page.get_by_role("button", name="Reset the delay").click()
    expect(value).to_have_text("5.0 s")
    page.page.locator("[data-part=delay]").press("ArrowRight")
    expect(value).to_have_text("5.1 s")
    assert page.n_sent == sent


def test_pointing_names_the_volume_here_and_on_the_bus(page):
    page.run(
        """() => { globalThis.rows = [];
        addEventListener("boldcast:hover-row", ({detail}) => rows.push(detail.row)); }"""
    )
    page.page.mouse.move(*at(page, 20, 0.6))
    tip = page.page.locator(".bc-graph .bc-tip")
    expect(tip).to_contain_text("Volume 21 · 40.00 s")
    expect(tip).to_contain_text("Default network (narrative) (low confidence)")
    assert page.run("rows.at(-1)") == 20
    page.page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    assert page.run("rows.at(-1)") is None
    page.run(
        """() => dispatchEvent(new CustomEvent("boldcast:hover-row",
        {detail: {view: "transcripts", row: 10, source: "grid"}}))"""
    )
    assert page.page.locator("[data-part=hoverline]").is_visible()


def test_a_region_of_the_brain_or_a_name_makes_its_line_stand_out(page):
    name = "Language network (frontal)"
    button = page.page.get_by_role("group", name="Make one line stand out").get_by_role(
        "button", name=name
    )
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.page.get_by_role("button", name="Which words did it?").click()
    chosen = page.page.get_by_role("combobox", name="Which words did it, for")
    expect(chosen).to_be_visible(timeout=30 * SECOND)
    expect(chosen).to_have_value(name)
    page.run(
        """() => dispatchEvent(new CustomEvent("boldcast:region",
        {detail: {view: "transcripts", name: "A5", source: "brain"}}))"""
    )
    other = page.page.get_by_role("button", name="Superior temporal (speech)")
    expect(other).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_attribute("aria-pressed", "false")
    page.page.wait_for_function(
        f"""() => {{
          const shown = {COURSES}.parts.plot.data.filter(({{line}}) => line);
          const strong = shown.filter(({{opacity}}) => opacity === 1).map(({{name}}) => name);
          return shown.length === 5 && String(strong) === "Superior temporal (speech)";
        }}"""
    )


def test_bars_come_under_the_words_and_parts_of_the_axis_turn_pages(page):
    opening = page.page.get_by_role("button", name="Which words did it?")
    if opening.is_visible():
        opening.click()
    # 207 words and the whole, in 4 orders; said when the page has come to rest
    expect(page.page.get_by_text("832 predictions of about")).to_be_visible(timeout=30 * SECOND)
    page.page.get_by_role("radio", name="TRs").click()
    expect(page.page.get_by_text("200 predictions of about")).to_be_visible(timeout=30 * SECOND)
    page.page.get_by_role("button", name="Leave them out").click()
    page.page.get_by_role("button", name="Table (CSV)").wait_for(timeout=60 * SECOND)
    page.page.wait_for_function(f"{COURSES}.header.bars?.values.length === 49")
    expect(page.page.locator("[data-part=barsKey]")).to_contain_text(
        "the same TRs at other places (mean and range of 3 orders)"
    )
    page.page.get_by_role("button", name="20 s").click()
    page.run("viewer.goTo(40)")
    page.rest()
    first, last = page.run(f"[{COURSES}.axis.from, {COURSES}.axis.to]")
    assert first <= 80 <= last
    assert last - first == 20
    assert playhead(page) == pytest.approx(40, abs=0.1)
    page.page.wait_for_function(
        f"{COURSES}.parts.plot.layout.xaxis.range[0] === {COURSES}.axis.from"
    )
    word = page.page.locator(".bc-lane span").first
    left = word.bounding_box()["x"] - page.page.locator(".bc-lane").bounding_box()["x"]
    text = word.text_content()
    time = page.run(f"(px) => {COURSES}.axis.toTime(px)", left)
    assert any(
        said == text and onset == pytest.approx(time, abs=0.05)
        for said, onset in page.run(
            f"{COURSES}.header.words.map((word, n) => [word, {COURSES}.header.onsets[n]])"
        )
    )


def test_on_a_phone_nothing_overflows_and_time_goes_on_while_the_brain_is_out_of_sight(visit):
    one = visit(390, 844, color_scheme="dark")
    one.page.wait_for_function("!viewer.onScreen")
    one.rest()
    draws = one.run("viewer.stats.draws")
    one.run("viewer.goTo(5); viewer.setPlaying(true)")
    one.page.wait_for_function(f"{COURSES}.frame > 5.5")
    one.run("viewer.setPlaying(false)")
    one.page.wait_for_function(f"{COURSES}.frame === viewer.player.clock")
    assert one.run("viewer.stats.draws") == draws
    (script,) = one.scripts
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-encoding"] == "gzip"
    root = one.page.locator(".bc-courses")
    assert root.evaluate("(node) => node.scrollWidth - node.clientWidth") <= 0
    box = one.page.locator("[data-part=plot] .main-svg").first.bounding_box()
    assert box["width"] <= 390
    colours = root.evaluate(
        """(node) => [getComputedStyle(node).color,
        getComputedStyle(node.querySelector(".xtick text")).fill]"""
    )
    assert colours[0] == colours[1]  # the figure follows the theme


PLAIN = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="{base}"><link rel="stylesheet" href="{own}">
<div id="host" data-follows="lead" style="width: 800px"></div>
<script type="module">
const {{ mountCourses }} = await import(new URL("{js}", document.baseURI).href);
const data = new Uint8Array(await (await fetch("first.bin")).arrayBuffer());
globalThis.heard = [];
addEventListener("boldcast:time", ({{ detail }}) => heard.push(detail));
globalThis.mounted = mountCourses(document.getElementById("host"), {{ data, view: "courses" }});
await mounted.ready;
globalThis.ready = true;
</script>"""


def test_without_plotly_and_without_a_viewer_words_and_time_are_still_there(chromium):
    response = Response(
        np.zeros((4, 1)),
        Space("tiny", "parcels", 1, 0),
        ("0.00", "2.00", "4.00", "6.00"),
        "z",
        True,
        Provenance("m", "M", "1", "0" * 64, "s", "c", "BADGE"),
        row_kind="seconds",
    )
    message = pack_courses(
        response,
        response.values,
        [Line("<b>V1</b>")],
        tr_s=2.0,
        row_texts=("<i>x</i>", "", "", "שלום"),
        words=Words(("<i>x</i>", "שלום"), (0.5, 6.5)),
        delay=Delay(),
        script_url="not-there.js",
    )
    page = PLAIN.format(
        base=static_url("shared", "viewer.css"),
        own=static_url("courses", "courses.css"),
        js=static_url("courses", "main.js"),
    )
    server = FileServer(page)
    server.add("first.bin", message)
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    one = context.new_page()
    one.goto(server.url)
    one.wait_for_function("globalThis.ready", timeout=30 * SECOND)
    expect(one.get_by_text("The drawing library did not load")).to_be_visible()
    assert one.locator(".bc-lane span").all_text_contents() == ["<i>x</i>", "שלום"]
    expect(one.get_by_role("button", name="<b>V1</b>")).to_be_visible()
    expect(one.locator("[data-part=moving]")).to_be_hidden()  # nobody has said a time
    surface = one.locator("[data-part=surface]").bounding_box()
    one.mouse.click(surface["x"] + surface["width"] - 16, surface["y"] + 200)
    assert one.evaluate("heard.at(-1)") == {
        "frame": 3, "playing": False, "seek": True, "view": "lead", "source": "courses"
    }  # fmt: skip
    expect(one.locator(".bc-playhead")).to_be_visible()
    expect(one.locator("[data-part=about]")).to_have_text(
        "At 6.0 s that is “<i>x</i>”."
    )  # 3 to 8 s before
    one.evaluate("mounted.destroy()")
    assert one.locator("#host *").count() == 0
    context.close()
    server.close()
