"""What a person sees and does with a glass brain, with pixels checked in Chromium."""

import numpy as np
import pytest

from models.drawing.colormaps import lut
from tests.browser.glass_page import GlassPage, bump, glass_server, message, positions

pytestmark = pytest.mark.browser

AUDITORY = (-55, -25, 5)
OCCIPITAL = (30, -88, 0)


@pytest.fixture(scope="module")
def server():
    running = glass_server()
    yield running
    running.close()


@pytest.fixture
def open_viewer(chromium, server):
    """Open a page with a message; its errors fail the test."""
    contexts, pages = [], []

    def start(data, query="", size=(1100, 760), **context_options):
        server.add("first.bin", data)
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, **context_options
        )
        contexts.append(context)
        pages.append(GlassPage(context.new_page()))
        return pages[-1].open(server.url + query)

    yield start
    for context in contexts:
        context.close()
    for page in pages:
        assert page.errors == []


def two_places():
    """1 in auditory cortex of the left hemisphere, then -1 in the right occipital lobe."""
    return np.stack([bump(*AUDITORY), -bump(*OCCIPITAL)])


def colour_at(viewer, name, across, up):
    """Mean colour of a few pixels around a position in mm."""
    x, y = viewer.point(name, across, up)
    return viewer.stage()[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)


def is_red(colour):
    return colour[0] - colour[2] > 60


def is_blue(colour):
    return colour[2] - colour[0] > 60


def is_white(colour):
    return colour.min() > 235


def test_sign_and_side_are_as_in_the_data(open_viewer):
    viewer = open_viewer(message(two_places(), limit=0.8))
    viewer.run("viewer.set({outlines: false})")
    viewer.rest()
    x, y, z = AUDITORY
    assert is_red(colour_at(viewer, "l", y, z))
    assert is_white(colour_at(viewer, "r", y, z))
    assert is_red(colour_at(viewer, "y", x, z))
    assert is_white(colour_at(viewer, "y", -x, z))
    assert is_red(colour_at(viewer, "z", x, y))
    assert is_white(colour_at(viewer, "z", -x, y))
    # From the left the front is on the left; from the right it is on the right.
    assert viewer.point("l", 60, 0)[0] < viewer.point("l", -90, 0)[0]
    assert viewer.point("r", 60, 0)[0] > viewer.point("r", -90, 0)[0]
    viewer.run("viewer.goTo(1)")
    viewer.rest()
    x, y, z = OCCIPITAL
    assert is_blue(colour_at(viewer, "r", y, z))
    assert is_blue(colour_at(viewer, "y", x, z))
    assert is_blue(colour_at(viewer, "z", x, y))
    assert is_white(colour_at(viewer, "l", y, z))


def test_letters_stand_on_their_sides(open_viewer):
    viewer = open_viewer(message(two_places()))
    letters = viewer.page.locator("#host [data-part=labels] b").all_text_contents()
    assert "".join(letters) == "APLRPALR"
    assert "left hemisphere" in viewer.text("labels")
    at = viewer.run(
        """[...document.querySelectorAll("#host [data-part=labels] b")].map((node) =>
          node.getBoundingClientRect().left
          - viewer.parts.stage.getBoundingClientRect().left)"""
    )
    behind = (panel for panel in viewer.panels() if panel["name"] == "y")
    image = next(behind)["image"]
    middle = image["left"] + image["width"] / 2
    assert at[2] < middle < at[3]
    assert viewer.point("y", -40, 0)[0] < middle < viewer.point("y", 40, 0)[0]


def test_what_is_not_modelled_is_slate_and_zero_is_clear(open_viewer):
    values = two_places()[:1]
    values[:, positions()[:, 1] > 45] = np.nan
    viewer = open_viewer(message(values))
    viewer.run("viewer.set({outlines: false})")
    viewer.rest()
    slate = 0.35 * np.array((121, 129, 142)) + 0.65 * 255
    np.testing.assert_allclose(colour_at(viewer, "l", 55, 10), slate, atol=3)
    assert is_white(colour_at(viewer, "l", -80, 10))
    assert "not modelled" in viewer.text("scale")


def test_threshold_hides_or_fades_and_the_limit_scales(open_viewer):
    viewer = open_viewer(message(two_places(), limit=1.0))
    viewer.run("viewer.set({outlines: false})")
    _, y, z = AUDITORY
    edge = (y - 16, z)
    before = colour_at(viewer, "l", *edge)
    assert before[0] - before[2] > 10
    viewer.page.locator("#host [data-part=threshold]").fill("0.7")
    viewer.rest()
    assert is_white(colour_at(viewer, "l", *edge))
    assert is_red(colour_at(viewer, "l", y, z))
    viewer.run("viewer.set({threshold: 0, limit: 8})")
    viewer.rest()
    assert not is_red(colour_at(viewer, "l", y, z))


def test_pointing_reads_the_line_of_sight(open_viewer):
    viewer = open_viewer(message(two_places()))
    _, y, z = AUDITORY
    box = viewer.page.locator("#host [data-part=canvas]").bounding_box()
    x_px, y_px = viewer.point("l", y, z)
    viewer.page.mouse.move(box["x"] + x_px, box["y"] + y_px)
    name, value = viewer.text("tipName"), viewer.text("tipValue")
    assert name.startswith("left hemisphere · y −2")
    assert name.endswith("mm")
    number = float(value.split()[1].replace("−", "-"))
    assert number == pytest.approx(
        viewer.run("viewer.readings.valueAt(viewer.readings.hovered, 0)"), abs=0.01
    )
    assert number > 0.8
    assert "along the line of sight" in viewer.text("tipWhen")
    viewer.page.mouse.move(box["x"] + 2, box["y"] + box["height"] - 3)
    assert viewer.page.locator("#host [data-part=tip]").is_hidden()


def test_playing_draws_every_frame_and_rest_draws_none(open_viewer):
    viewer = open_viewer(message(two_places(), frame_rate_hz=4.0))
    before = viewer.run("viewer.stats.draws")
    viewer.page.locator("#host [data-part=play]").click()
    viewer.page.wait_for_timeout(1000)
    seen = viewer.run("[viewer.stats.draws, viewer.player.playing]")
    assert seen[0] - before >= 8
    assert seen[1]
    viewer.page.locator("#host [data-part=play]").click()
    viewer.rest()
    still = viewer.run("viewer.stats.draws")
    viewer.page.wait_for_timeout(400)
    assert viewer.run("viewer.stats.draws") == still
    assert "Volume" in viewer.text("when")


def test_between_two_frames_the_picture_is_between(open_viewer):
    viewer = open_viewer(message(np.stack([bump(*AUDITORY), -bump(*AUDITORY)]), limit=1.0))
    viewer.run("viewer.set({outlines: false}); viewer.goTo(0.5)")
    viewer.rest()
    _, y, z = AUDITORY
    assert is_white(colour_at(viewer, "l", y, z))
    assert "drawn, not predicted" in viewer.text("whenNote")


def test_keys_step_and_play(open_viewer):
    viewer = open_viewer(message(two_places()))
    viewer.page.locator("#host [data-part=canvas]").focus()
    viewer.page.keyboard.press("ArrowRight")
    assert viewer.run("viewer.player.clock") == 1
    viewer.page.keyboard.press(" ")
    assert viewer.run("viewer.player.playing")


def test_a_link_restores_time_and_threshold(open_viewer):
    viewer = open_viewer(message(two_places()), "?view=test~t.1~c.0.25")
    assert viewer.run("[viewer.player.clock, viewer.state.threshold]") == [1, 0.25]


def test_a_second_glass_brain_follows_time_colours_and_pointer(open_viewer):
    viewer = open_viewer(message(two_places()), size=(1100, 1300))
    viewer.run("viewer.set({outlines: false})")
    viewer.run("follow()")
    state = "[follower.player.clock, follower.state.threshold, follower.state.colormap]"
    viewer.run("viewer.goTo(1); viewer.set({threshold: 0.3, colormap: 'coolwarm'})")
    viewer.page.wait_for_function("follower.player.clock === 1 && follower.state.threshold === 0.3")
    assert viewer.run(state) == [1, 0.3, "coolwarm"]
    assert viewer.run("[...follower.lut]") == lut("coolwarm").ravel().tolist()
    for part in ("time", "threshold", "display"):
        assert viewer.page.locator(f"#second [data-part={part}]").is_hidden()
        assert viewer.page.locator(f"#host [data-part={part}]").is_visible()
    viewer.run("""{ viewer.goTo(0.25); viewer.run = 0 }""")
    viewer.page.wait_for_function("Math.abs(follower.player.clock - 0.25) < 1e-9")
    # The follower never speaks for the one that leads.
    assert viewer.run("globalThis.__boldcastBus.get('time test').source") == "glass"
    assert viewer.run("globalThis.__boldcastBus.get('time test').frame") == 0.25


def test_a_place_that_another_view_points_at_is_ringed(open_viewer):
    viewer = open_viewer(message(two_places()), size=(1100, 1300))
    viewer.run("follow()")
    vertex = int(np.abs(positions() - AUDITORY).sum(axis=1).argmin())

    def shot():
        return viewer.run("follower.parts.canvas.toDataURL()")

    before = shot()
    viewer.run(
        f"""dispatchEvent(new CustomEvent("boldcast:hover", {{ detail: {{
          view: "test", source: "brain", vertex: {vertex} }} }}))"""
    )
    viewer.page.wait_for_function(f"follower.pointing.linked === {vertex}")
    viewer.page.wait_for_timeout(200)
    assert shot() != before
    viewer.run(
        """dispatchEvent(new CustomEvent("boldcast:hover", { detail: {
          view: "test", source: "brain", vertex: null } }))"""
    )
    viewer.page.wait_for_timeout(200)
    assert shot() == before


def test_new_data_keep_time_and_a_late_message_wins(open_viewer, server):
    viewer = open_viewer(message(two_places()))
    viewer.run("viewer.goTo(1); viewer.set({threshold: 0.2})")
    server.add("slow.bin", message(np.tile(two_places(), (4, 1)) * 2))
    server.add("next.bin", message(-two_places()))
    viewer.run(
        """(async () => {
          const [slow, next] = [await take("slow.bin"), await take("next.bin")];
          await Promise.all([mounted.update(slow), mounted.update(next)]);
        })()"""
    )
    assert viewer.run("[viewer.player.clock, viewer.state.threshold]") == [1, 0.2]
    assert viewer.run("viewer.header.n_frames") == 2
    assert viewer.run("viewer.stats.valueUploads") == 2
    viewer.run("(async () => mounted.update(await take('next.bin')))()")
    viewer.rest()
    assert viewer.run("viewer.stats.valueUploads") == 2


def test_the_picture_is_saved_with_its_words(open_viewer):
    viewer = open_viewer(message(two_places()))
    with viewer.page.expect_download() as download:
        viewer.page.locator("#host [data-part=save]").click()
    assert download.value.suggested_filename.endswith(".png")


def test_on_a_phone_views_stand_in_two_rows_within_the_page(open_viewer):
    viewer = open_viewer(message(two_places()), size=(390, 800))
    assert len({round(panel["image"]["left"]) // 150 for panel in viewer.panels()}) == 2
    width = viewer.run("document.documentElement.scrollWidth")
    assert width <= 390


def test_unmounting_gives_everything_back(open_viewer):
    viewer = open_viewer(message(two_places()))
    viewer.run("mounted.destroy()")
    assert viewer.page.locator("#host *").count() == 0
    assert viewer.run("[...__boldcast.viewers.keys()]") == []
