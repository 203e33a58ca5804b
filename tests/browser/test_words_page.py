"""What a visitor does with the words on the transcripts page, against the real server."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_images_page import SECOND, server, visitor
from tests.browser.test_transcripts_page import SRT, paste

__all__ = ["server", "visitor"]  # fixtures

pytestmark = pytest.mark.browser

#: Volumes of 2 s: a word each 4 s, then 12 s of silence.
TEXTS = ["alpha", "", "bravo", "", "charlie", "", "delta", *[""] * 6]


def wait_for_words(page, texts):
    """Wait until the prediction is that of these volumes."""
    page.page.wait_for_function(
        "(texts) => JSON.stringify(viewer.header.row_texts) === JSON.stringify(texts)",
        arg=texts,
        timeout=60 * SECOND,
    )


def field(page, volume):
    return page.page.locator(f".bcw [data-row='{volume - 1}'] input")


def present(page):
    """Volumes that the grid marks as on show."""
    return page.page.locator(".bcw [data-row][aria-current=true]")


def test_words_are_typed_dragged_and_taken_back_and_the_brain_follows(visitor):
    page = visitor().visit("transcripts", view="transcripts")
    paste(page, SRT)
    wait_for_words(page, TEXTS)
    keys, mouse = page.page.keyboard, page.page.mouse

    # typing, prediction, undo
    field(page, 2).click()
    keys.type("echo golf")
    keys.press("Enter")
    expect(field(page, 3)).to_be_focused()
    keys.press("End")
    keys.type(" and")  # goes on while the prediction is made
    typed = [TEXTS[0], "echo golf", *TEXTS[2:]]
    wait_for_words(page, typed)
    expect(field(page, 3)).to_be_focused()
    expect(field(page, 3)).to_have_value("bravo and")
    keys.press("Escape")
    keys.press("Control+z")
    wait_for_words(page, TEXTS)
    expect(field(page, 2)).to_have_value("")
    page.page.get_by_role("button", name="Redo").click()
    wait_for_words(page, typed)

    # a word is dragged from the third volume into the second
    page.run("viewer.goTo(2)")  # the lane follows the brain, which played on
    chip = page.page.locator(".bcw-chip", has_text="bravo")
    chip.scroll_into_view_if_needed()
    ticks = [page.page.locator(f"[data-volume='{n}']").bounding_box()["x"] for n in (1, 2)]
    box = chip.bounding_box()
    mouse.move(box["x"] + 4, box["y"] + 8)
    mouse.down()
    mouse.move(box["x"] + 4 - 0.2 * (ticks[1] - ticks[0]), box["y"] + 8, steps=8)
    mouse.up()
    expect(field(page, 3)).to_have_value("")
    wait_for_words(page, ["alpha", "echo golf bravo", "", *TEXTS[3:]])
    page.page.locator(".bcw [data-step=undo]").click()
    wait_for_words(page, typed)

    # the row follows the frame, and a row's number leads the brain; neither asks the server
    page.page.wait_for_timeout(SECOND // 2)
    sent = page.n_sent
    for frame in (0, 5, 12):
        page.page.locator("[data-part=scrub]").first.fill(str(frame))
        expect(present(page)).to_have_attribute("data-row", str(frame))
    page.page.get_by_role("button", name="Go to volume 10").first.click()
    page.page.wait_for_function("viewer.player.nearest() === 9")
    expect(present(page)).to_have_attribute("data-row", "9")
    page.page.locator("[data-part=play]").first.click()
    page.page.locator(".bcw [data-part=table]").scroll_into_view_if_needed()
    page.page.mouse.wheel(0, 2000)  # time goes on when the brain is scrolled away
    page.page.wait_for_function("!viewer.onScreen")
    draws = page.run("viewer.stats.draws")
    page.page.wait_for_function("viewer.player.nearest() === 11", timeout=30 * SECOND)
    expect(present(page)).to_have_attribute("data-row", "11")
    assert page.run("viewer.stats.draws") == draws
    assert page.n_sent == sent
