"""What a visitor does on the transcripts page, against the real server."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.test_images_page import SECOND, server, visitor

__all__ = ["server", "visitor"]  # fixtures

pytestmark = pytest.mark.browser

#: One word each 4 s from 0 s on: alpha in the first volume of 2 s, bravo in the third ...
SRT = "".join(
    f"{number + 1}\n00:00:{4 * number:02d},000 --> 00:00:{4 * number + 1:02d},000\n{word}\n\n"
    for number, word in enumerate(("alpha", "bravo", "charlie", "delta"))
)


def paste(page, text):
    page.page.get_by_role("button", name="Paste text").click()
    box = page.page.get_by_label("Plain text, or the content of a file with times")
    box.fill(text)
    page.page.get_by_role("button", name="Use this text").click()


def test_a_first_visitor_sees_the_story_playing_on_the_areas_of_language(visitor):
    page = visitor().visit("transcripts", view="transcripts")
    page.page.wait_for_function("viewer.player.playing")
    assert page.run("viewer.header.kind") == "parcels"
    assert page.run("viewer.header.n_frames") == 66
    assert page.page.get_by_text("A spoken story").first.is_visible()


def on_glass(page, across, up):
    """Put the pointer on a place of the glass brain's first view, seen from the left, in mm."""
    x, y = page.run(
        """([across, up]) => {
          const { panels, sequence, parts } = glass;
          const [view] = sequence.views;
          const { image, scale } = panels[0];
          const at = ([, first, step], value) => ((value - first) / step + 0.5) * scale;
          parts.canvas.scrollIntoView({ block: "center" });
          const box = parts.canvas.getBoundingClientRect();
          return [box.left + image.left + at(view.across, across),
            box.top + image.top + at(view.up, up)];
        }""",
        [across, up],
    )
    page.page.mouse.move(x, y)


def middle_of(page, area):
    """Stage x and y of the middle of an area of the left hemisphere, seen from outside."""
    panel = [one["view"] for one in page.panels()].index("left_lateral")
    places = page.run(
        """(area) => {
          const number = viewer.readings.names.indexOf(area) + 1;
          const labels = viewer.mesh.hemispheres[0].labels[viewer.header.atlas];
          return [...labels.keys()].filter((vertex) => labels[vertex] === number);
        }""",
        area,
    )
    return np.median(page.projected(panel, 0)[places, :2], axis=0)


def test_a_transcript_becomes_activity_that_follows_its_words_and_goes_home_as_a_film(visitor):
    page = visitor().visit("transcripts", view="transcripts")
    paste(page, SRT)
    # delta lasts .5 s at most, then come 12 s of silence: 24.5 s are 13 volumes of 2 s
    texts = ["alpha", "", "bravo", "", "charlie", "", "delta", *[""] * 6]
    page.page.wait_for_function(
        "(texts) => JSON.stringify(viewer.header.row_texts) === JSON.stringify(texts)",
        arg=texts,
        timeout=60 * SECOND,
    )
    page.page.wait_for_function(
        "(globalThis.glass = __boldcast.viewers.get('transcripts-glass'))?.header?.n_frames === 13"
        " && (globalThis.courses = __boldcast.viewers.get('courses'))?.header?.count === 13",
        timeout=60 * SECOND,
    )
    expect(page.page.locator(".bcw [data-row='0'] input")).to_have_value("alpha")

    # time leads every view of the page, in the browser alone
    page.page.wait_for_function("viewer.player.playing")
    page.page.wait_for_timeout(SECOND // 2)
    sent = page.n_sent
    before = page.run("glass.player.clock")
    page.page.wait_for_function("(before) => glass.player.clock !== before", arg=before)
    page.run("viewer.setPlaying(false)")
    present = page.page.locator(".bcw [data-row][aria-current=true]")
    for frame, word in ((0, "alpha"), (2, "bravo"), (3, "(silence)"), (6, "delta")):
        page.page.locator("[data-part=scrub]").first.fill(str(frame))
        expect(page.page.locator("[data-part=said]").first).to_have_text(word)
        expect(present).to_have_attribute("data-row", str(frame))
        page.page.wait_for_function("(frame) => glass.player.clock === frame", arg=frame)

    # a threshold is dragged, and both brains hide what is below it
    shown = page.stage()
    page.page.locator("[data-part=threshold]").first.fill("0.1")
    page.rest()
    assert (page.stage() != shown).any()
    assert page.run("[viewer.state.threshold, glass.state.threshold]") == [0.1, 0.1]
    page.page.locator("[data-part=threshold]").first.fill("0")

    # who points at the glass brain sees the place ringed on the cortex
    on_glass(page, -22, 6)
    page.page.wait_for_function("viewer.style.hovered >= 0")
    place = "viewer.readings.at(viewer.style.hovered, viewer.player.nearest())"
    named = page.run(f"`${{{place}.region}} · ${{{place}.hemisphere}}`")
    assert page.run("glass.parts.tipName.textContent").startswith(named)
    assert named.endswith(" · left")
    assert page.n_sent == sent  # none of this asked the server

    # a region is clicked in either brain, and the course that it is part of stands out
    page.run(
        "globalThis.regions = [];"
        "addEventListener('boldcast:region', ({ detail }) => regions.push(detail.name))"
    )
    page.page.mouse.down()
    page.page.mouse.up()
    page.page.wait_for_function("courses.chosen >= 0")
    assert page.run("courses.header.lines[courses.chosen].parts").count(named.split(" ")[0]) == 1
    page.page.mouse.move(2, 2)
    page.page.wait_for_function("viewer.style.hovered === -1")
    page.page.locator("[data-part=stage]").first.scroll_into_view_if_needed()
    page.click_stage(*middle_of(page, "STSda"))
    page.page.wait_for_function(
        "courses.header.lines[courses.chosen].parts.includes('STSda')", timeout=60 * SECOND
    )
    page.page.get_by_role("button", name="Remove the pin").first.click()
    page.page.wait_for_function("regions.at(-1) === null")

    # the film has a frame a volume, each for as long as a volume lasts
    page.page.get_by_role("button", name="Film").click()
    page.page.get_by_role("button", name="Make the file").click()
    save = page.page.get_by_role("button", name="Save the file")
    save.wait_for(timeout=60 * SECOND)
    with page.page.expect_download() as download:
        save.click()
    assert download.value.suggested_filename.endswith("_average_glass-brain.gif")
    with Image.open(download.value.path()) as film:
        durations = []
        for frame in range(film.n_frames):
            film.seek(frame)
            durations.append(film.info["duration"])
    assert durations == [2000] * 13

    assert "text=" in page.page.url
    assert "alpha" not in page.page.url


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_nothing_overflows_and_the_brain_comes_first(visitor, size):
    page = visitor(*size).visit("transcripts", view="transcripts")
    page.page.get_by_text("Regions over time").wait_for(timeout=30 * SECOND)
    main = "document.querySelector('.stMain')"
    assert page.run(f"{main}.scrollWidth - {main}.clientWidth") == 0
    box = page.page.locator("[data-part=stage]").first.bounding_box()
    assert box["y"] + box["height"] <= size[1]
    assert page.page.get_by_role("button", name="Film").is_visible()
