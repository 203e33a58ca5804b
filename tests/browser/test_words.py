"""What a person does with the words of a transcript, in Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.words_page import WordsPage, words_server

pytestmark = pytest.mark.browser

TEXTS = ["one two", "", "three four", "five"]


@pytest.fixture(scope="module")
def server():
    running = words_server()
    yield running
    running.close()


@pytest.fixture
def editor(chromium, server):
    """Open the editor; an error on the page fails the test."""
    contexts, pages = [], []

    def start(texts=TEXTS, size=(560, 800), has_touch=False, **more):
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, has_touch=has_touch
        )
        contexts.append(context)
        pages.append(WordsPage(context.new_page(), server))
        return pages[-1].open(texts, **more)

    yield start
    for context in contexts:
        context.close()
    for page in pages:
        assert page.errors == []


def edit_of(number, step, **more):
    return {"number": number, "step": step, **more}


def test_enter_takes_the_text_over_and_goes_on_and_escape_gives_it_up(editor):
    page = editor()
    page.field(1).click()
    keys = page.page.keyboard
    keys.press("End")
    keys.type("  and  more")
    keys.press("Enter")
    expect(page.field(2)).to_be_focused()
    assert page.edits == [edit_of(1, "text", row=0, text="one two and more")]
    assert page.field(1).input_value() == "one two and more"
    keys.type("not this")
    keys.press("Escape")
    assert page.field(2).input_value() == ""
    expect(page.field(2)).to_be_focused()
    keys.press("Escape")
    expect(page.field(2)).not_to_be_focused()
    assert len(page.edits) == 1
    page.field(3).click()
    keys.press("Tab")
    expect(page.field(4)).to_be_focused()
    keys.type("x")
    keys.press("Shift+Tab")
    expect(page.field(3)).to_be_focused()
    keys.press("ArrowUp")
    expect(page.field(2)).to_be_focused()
    assert [one["row"] for one in page.edits] == [0, 3]
    page.field(4).click()
    keys.press("Enter")  # room for what comes next
    expect(page.field(5)).to_be_focused()
    assert page.edits[-1] == edit_of(3, "insert", row=4)
    keys.press("Tab")  # from the last row out
    expect(page.page.locator("input:focus")).to_have_count(0)


def test_a_row_is_split_at_the_caret_and_the_caret_goes_along(editor):
    page = editor(["one two three", "four"])
    page.field(1).click()
    keys = page.page.keyboard
    keys.press("Home")
    for _ in range(4):
        keys.press("ArrowRight")
    keys.press("Control+Enter")
    assert page.texts(3) == ["one", "two three", "four"]
    assert page.edits == [edit_of(1, "split", row=0, word=1)]
    expect(page.field(2)).to_be_focused()
    keys.type("X")
    keys.press("Home")
    keys.press("Alt+ArrowDown")  # what was typed is taken over first
    assert page.texts(4) == ["one", "", "Xtwo three", "four"]
    expect(page.field(3)).to_be_focused()
    page.page.get_by_role("button", name="Earlier").click()
    page.page.get_by_role("button", name="Merge").click()
    assert page.texts(2) == ["one", "Xtwo three four"]
    expect(page.field(2)).to_be_focused()
    assert [one["step"] for one in page.edits] == ["split", "text", "later", "earlier", "merge"]
    page.page.get_by_role("button", name="Insert").click()
    page.page.get_by_role("button", name="Remove").click()
    assert page.texts(2) == ["one", "Xtwo three four"]
    assert page.page.get_by_role("button", name="Merge").is_disabled()
    keys.press("Control+z")
    assert page.edits[-1]["step"] == "undo"


def test_what_is_typed_survives_rows_that_arrive_meanwhile(editor):
    page = editor()
    page.field(3).click()
    page.page.keyboard.press("End")
    page.page.keyboard.type(" more")
    page.page.keyboard.press("ArrowLeft")
    page.show(["ONE two", "new", "three four", "five", ""])
    assert page.texts(5) == ["ONE two", "new", "three four more", "five", ""]
    expect(page.field(3)).to_be_focused()
    page.page.keyboard.type("!")
    assert page.field(3).input_value() == "three four mor!e"
    page.page.keyboard.press("Enter")
    # an answer to nothing of this: the edit stays on show, and is sent with the next
    page.show(["ONE two", "new", "three four", "five", ""])
    assert page.field(3).input_value() == "three four mor!e"
    page.page.keyboard.type(" six")
    page.page.keyboard.press("Enter")
    assert [one["number"] for one in page.edits] == [1, 2]
    page.show(["ONE two", "new", "three four mor!e", "five six", ""], n_taken=2)
    page.page.keyboard.type("x")
    page.page.keyboard.press("ArrowUp")
    assert page.edits == [edit_of(3, "text", row=4, text="x")]


def test_another_text_puts_an_end_to_typing(editor):
    page = editor()
    page.field(2).click()
    page.page.keyboard.type("lost")
    page.show(["other", "", ""], revision="2")
    assert page.texts(3) == ["other", "", ""]
    assert page.page.evaluate("sent.length") == 0


def test_keys_that_are_typed_never_reach_the_page(editor):
    page = editor()
    page.page.evaluate("globalThis.heard = 0; onkeydown = onkeyup = () => { heard++ }; 0")
    page.field(1).click()
    page.page.keyboard.type("rc")
    assert page.page.evaluate("heard") == 0


def test_ten_thousand_rows_are_there_only_where_they_are_seen(editor):
    texts = [f"word{n} next{n}" if n % 3 else "" for n in range(10_000)]
    page = editor(texts, tr_s=1.49)
    rows = page.page.locator("[data-row]")
    assert rows.count() < 40
    assert page.page.locator(".bcw-chip").count() < 60
    page.page.locator("[data-part=scroller]").evaluate("(one) => { one.scrollTop = 34 * 7000 }")
    expect(page.field(7003)).to_have_value("word7002 next7002" if 7002 % 3 else "")
    expect(page.field(7002)).to_have_value("word7001 next7001")
    assert "10429.98" not in page.row(7002).inner_text()
    assert f"{7001 * 1.49:.2f}" in page.row(7002).inner_text()
    assert rows.count() < 40
    page.field(7002).click()
    page.page.keyboard.type("far ")
    page.page.locator("[data-part=scroller]").evaluate("(one) => { one.scrollTop = 0 }")
    expect(page.field(2)).to_be_visible()
    page.page.keyboard.press("Enter")  # the row that is typed into is kept, and comes back
    (edit,) = page.edits
    assert (edit["row"], edit["step"]) == (7001, "text")
    assert "far" in edit["text"]
    expect(page.field(7003)).to_be_focused()
    assert page.row(7003).is_visible()
    assert page.page.locator("[data-part=table]").get_attribute("aria-rowcount") == "10001"
    page.say_frame(9999.0)
    page.page.locator("body").click(position={"x": 2, "y": 2})
    page.page.get_by_role("button", name="Follow").click(click_count=2)
    page.say_frame(9998.0)
    assert page.present() == [9999]
    expect(page.chip("word9998")).to_be_visible()
    assert rows.count() < 40


def test_the_volume_on_show_is_marked_and_kept_in_sight(editor):
    page = editor([f"w{n}" for n in range(60)])
    page.say_frame(3.4, playing=True)
    assert page.present() == [4]
    page.page.evaluate(
        "globalThis.changes = 0; new MutationObserver((all) => { changes += all.length }).observe("
        "document.getElementById('host'), {subtree: true, childList: true, attributes: true,"
        " characterData: true})"
    )
    for step in range(20):  # frames within one volume
        page.say_frame(3.0 + step / 50, playing=True)
    assert page.page.evaluate("changes") == 0
    page.say_frame(40.0, playing=True)
    assert page.present() == [41]
    assert page.row(41).is_visible()
    expect(page.chip("w40")).to_be_in_viewport()
    page.say_frame(59.7, playing=True)  # after the last comes the first
    assert page.present() == [1]
    page.page.locator("[data-part=scroller]").hover()
    page.page.mouse.wheel(0, 300)  # the person looks elsewhere
    follow = page.page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.page.wait_for_timeout(200)
    page.say_frame(59.0, playing=True)
    expect(page.field(60)).to_have_count(0)
    follow.click()
    assert page.present() == [60]


def test_the_pointer_is_shown_everywhere_and_numbers_lead_to_their_time(editor):
    page = editor()
    page.row(3).hover()
    assert page.page.evaluate("pointed.at(-1)") == 2
    expect(page.page.locator("[data-part=pointed]")).to_be_visible()
    page.page.locator("#before").hover()
    assert page.page.evaluate("pointed.at(-1)") is None
    expect(page.page.locator("[data-part=pointed]")).to_be_hidden()
    page.page.evaluate("say('hover-row', {row: 1}, 'courses')")
    assert "bcw-pointed" in page.row(2).get_attribute("class")
    page.chip("five").hover()
    assert page.page.evaluate("pointed.at(-1)") == 3
    page.row(4).get_by_role("button").click()
    page.chip("one").click()
    page.page.locator("[data-volume='2']").click()
    assert page.page.evaluate("sought") == [3, 0, 2]
    assert page.page.evaluate("sent.length") == 0


def test_a_word_is_dragged_to_another_volume(editor):
    page = editor()  # one 0.0, two 1.0, three 4.0, four 5.0, five 6.0 s
    box = page.chip("two").bounding_box()
    start = (box["x"] + 5, box["y"] + box["height"] / 2)
    ticks = [page.page.locator(f"[data-volume='{n}']").bounding_box()["x"] for n in (0, 1)]
    scale = (ticks[1] - ticks[0]) / 2
    mouse = page.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move(start[0] + 0.6 * scale, start[1], steps=4)
    mouse.move(start[0] + 1.5 * scale, start[1], steps=4)
    expect(page.page.locator("[data-part=drop]")).to_have_text("2.50 s · volume 2")
    mouse.up()
    assert page.texts(4) == ["one", "two", "three four", "five"]
    assert page.edits == [edit_of(1, "word", word=1, onset_s=2.5)]
    box = page.chip("three").bounding_box()
    mouse.move(box["x"] + 5, box["y"] + 5)
    mouse.down()
    mouse.move(box["x"] + 60, box["y"] + 5, steps=3)
    page.page.keyboard.press("Escape")
    mouse.up()
    assert len(page.edits) == 1
    assert page.chip("three").bounding_box()["x"] == pytest.approx(box["x"])


def test_a_finger_drags_words(editor):
    page = editor(size=(390, 844), has_touch=True)
    device = page.page.context.new_cdp_session(page.page)
    ticks = [page.page.locator(f"[data-volume='{n}']").bounding_box()["x"] for n in (0, 1)]
    box = page.chip("two").bounding_box()
    x, y = box["x"] + 6, box["y"] + 8
    places = [x + part * (ticks[1] - ticks[0]) / 8 for part in range(5)]  # a second

    def touch(kind, *at):
        points = [{"x": one, "y": y} for one in at]
        device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", places[0])
    for place in places[1:]:
        touch("touchMove", place)
    touch("touchEnd")
    assert page.texts(3) == ["one", "two", "three four"]
    (edit,) = page.edits
    assert edit["onset_s"] == pytest.approx(2.0, abs=0.02)


def test_an_input_method_composes_before_enter_counts(editor):
    page = editor()
    device = page.page.context.new_cdp_session(page.page)
    page.field(2).click()
    composing = {"selectionStart": 2, "selectionEnd": 2, "text": "にほ"}
    device.send("Input.imeSetComposition", composing)
    page.show(["one two", "", "three four", "five", ""])  # rows that arrive meanwhile
    assert page.field(2).input_value() == "にほ"
    page.page.keyboard.insert_text("日本")
    page.page.keyboard.press("Enter")
    assert page.edits == [edit_of(1, "text", row=1, text="日本")]


def test_a_word_is_moved_by_the_keyboard(editor):
    page = editor()
    page.chip("one").focus()
    keys = page.page.keyboard
    keys.press("ArrowRight")
    expect(page.chip("two")).to_be_focused()
    keys.press("Shift+ArrowRight")
    keys.press("Shift+ArrowRight")
    keys.press("PageDown")  # a volume: 1.0 + 0.2 + 2 s
    assert page.page.evaluate("sent.length") == 0  # once the keys have come to rest
    page.page.wait_for_function("sent.length === 1")
    assert page.edits == [edit_of(1, "word", word=1, onset_s=3.2)]
    expect(page.chip("two")).to_be_focused()
    keys.press("PageDown")
    keys.press("End")
    expect(page.chip("five")).to_be_focused()
    assert page.edits[-1] == edit_of(2, "word", word=1, onset_s=5.2)
    keys.press("Enter")
    expect(page.field(4)).to_be_focused()


def test_every_script_is_written_in_its_own_direction(editor):
    page = editor(["שלום עולם", "مرحبا بالعالم", "你好 世界", "hello", "שלום world"])
    directions = [
        page.field(volume).evaluate("(one) => getComputedStyle(one).direction")
        for volume in range(1, 6)
    ]
    assert directions == ["rtl", "rtl", "ltr", "ltr", "rtl"]
    first, second = (page.chip(word).bounding_box()["x"] for word in ("שלום", "עולם"))
    assert first < second  # time goes to the right in every script
    page.field(4).click()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.insert_text("مرحبا")
    assert page.field(4).evaluate("(one) => getComputedStyle(one).direction") == "rtl"
    page.page.keyboard.press("Enter")
    assert page.edits[-1]["text"] == "مرحبا"


def test_markup_in_a_text_is_shown_letter_by_letter(editor):
    text = "<img/src=x/onerror=alert(1)>"
    page = editor([text])
    assert page.page.locator("#host img").count() == 0
    assert page.chip(text).inner_text() == text


def test_nothing_is_wider_than_a_phone_and_all_ends_with_the_page(editor):
    page = editor(
        ["a very long text that does not fit into the row of a phone at all"], size=(390, 844)
    )
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    page.page.evaluate("unmount()")
    page.say_frame(0.0)
    assert page.page.locator(".bcw").count() == 0
