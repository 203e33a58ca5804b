"""What a visitor does on the transcripts page, against the real server."""

import pytest
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


def said(page):
    return page.page.locator("[data-part=said]").inner_text()


def test_a_first_visitor_sees_the_story_playing_on_the_areas_of_language(visitor):
    page = visitor().visit("transcripts", view="transcripts")
    page.page.wait_for_function("viewer.player.playing")
    assert page.run("viewer.header.kind") == "parcels"
    assert page.run("viewer.header.n_frames") == 66
    assert page.page.get_by_text("A spoken story").first.is_visible()


def test_pasted_subtitles_are_predicted_and_the_words_follow_the_frame(visitor):
    page = visitor().visit("transcripts", view="transcripts")
    paste(page, SRT)
    # delta lasts .5 s at most, then come 12 s of silence: 24.5 s are 13 volumes of 2 s
    texts = ["alpha", "", "bravo", "", "charlie", "", "delta", *[""] * 6]
    page.page.wait_for_function(
        "(texts) => JSON.stringify(viewer.header.row_texts) === JSON.stringify(texts)",
        arg=texts,
        timeout=60 * SECOND,
    )
    expect(page.page.locator(".bcw [data-row='0'] input")).to_have_value("alpha")
    page.page.wait_for_function("viewer.player.playing")
    sent = page.n_sent
    page.run("viewer.player.setPlaying(false)")
    for frame, word in ((0, "alpha"), (2, "bravo"), (3, "(silence)"), (6, "delta")):
        page.page.locator("[data-part=scrub]").fill(str(frame))
        expect(page.page.locator("[data-part=said]")).to_have_text(word)
    before = page.stage()
    page.page.locator("[data-part=threshold]").fill("0.3")
    page.rest()
    assert (page.stage() != before).any()
    assert page.n_sent == sent  # neither time nor threshold asked the server
    assert "text=" in page.page.url
    assert "alpha" not in page.page.url


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_nothing_overflows_and_the_brain_comes_first(visitor, size):
    page = visitor(*size).visit("transcripts", view="transcripts")
    page.page.get_by_text("Regions over time").wait_for(timeout=30 * SECOND)
    main = "document.querySelector('.stMain')"
    assert page.run(f"{main}.scrollWidth - {main}.clientWidth") == 0
    box = page.page.locator("[data-part=stage]").bounding_box()
    assert box["y"] + box["height"] <= size[1]
