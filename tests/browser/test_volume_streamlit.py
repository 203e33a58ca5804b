"""The volume viewer inside Streamlit: what costs a rerun and what does not."""

import re

import numpy as np
import pytest

from tests.bench.servers import streamlit_server
from tests.browser.test_volume import stage_point
from tests.browser.volume_page import Brain, VolumePage

pytestmark = pytest.mark.browser

BRAIN = Brain()
VALUES = np.random.default_rng(8).normal(size=(3, len(BRAIN.anatomy))).astype("f4")


@pytest.fixture(scope="module")
def server():
    with streamlit_server("tests/browser/volume_server.py") as running:
        yield running


@pytest.fixture
def viewer(chromium, server):
    context = chromium.new_context(viewport={"width": 1300, "height": 900})
    page = VolumePage(context.new_page())
    page.sent = []
    page.page.on(
        "websocket", lambda socket: socket.on("framesent", lambda sent: page.sent.append(sent))
    )
    page.page.goto(server.url)
    page.page.wait_for_function(
        "globalThis.__boldcast?.viewers.get('volume')?.header && "
        "(globalThis.viewer = __boldcast.viewers.get('volume'))",
        timeout=60_000,
    )
    page.rest()
    yield page
    assert page.errors == []
    context.close()


def runs(viewer):
    return int(re.search(r"run (\d+)", viewer.page.locator(".stMain").inner_text()).group(1))


def test_looking_around_costs_no_rerun_and_sends_nothing(viewer):
    viewer.page.wait_for_timeout(500)
    before, sent = runs(viewer), len(viewer.sent)
    viewer.page.locator("[data-part=threshold]").fill("0.8")
    viewer.page.locator("[data-part=sliders] input").first.fill("12")
    viewer.page.locator('[data-part=layouts] button[data-name="both"]').click()
    viewer.page.locator("[data-part=display] summary").click()
    viewer.page.locator("[data-part=limit]").fill("2")
    viewer.page.locator("[data-part=colormap]").select_option("coolwarm")
    viewer.page.locator("[data-part=display] summary").click()
    viewer.page.locator("[data-part=play]").click()
    viewer.page.wait_for_timeout(1200)
    viewer.page.locator("[data-part=play]").click()
    viewer.page.wait_for_function("location.search.includes('view=volume')")
    assert viewer.run("[viewer.state.threshold, viewer.state.cross[0]]") == [0.8, 12]
    assert (runs(viewer), len(viewer.sent)) == (before, sent)
    assert viewer.run("viewer.stats.valueUploads") == 1


def test_a_pick_reaches_python_and_the_page_says_the_exact_value(viewer):
    panel = viewer.panels()[1]
    place = BRAIN.place_at(9, int(viewer.cross()[1]) - 2, 12)
    viewer.run("viewer.goTo(2)")
    viewer.rest()
    viewer.click_stage(*stage_point(panel, BRAIN, place))
    exact = f"exact: {float(VALUES[2, place])!r} at {place}"
    viewer.page.get_by_text(exact).wait_for(timeout=20_000)
    assert runs(viewer) == 2
    shown = viewer.text("pinText").split("≈ ")[1].split()[0].replace("−", "-")
    assert abs(float(shown) - VALUES[2, place]) < 0.05
    assert viewer.run("[viewer.player.clock, viewer.stats.valueUploads]") == [2, 1]
