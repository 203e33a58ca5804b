"""Glass brains inside Streamlit: one leads, one follows, and nothing costs a rerun."""

import re

import pytest

from tests.bench.servers import streamlit_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server():
    with streamlit_server("tests/browser/glass_server.py") as running:
        yield running


def test_one_glass_brain_leads_another_without_a_rerun(chromium, server):
    context = chromium.new_context(viewport={"width": 1300, "height": 1300})
    page = context.new_page()
    errors, sent = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(server.url)
    page.wait_for_function(
        "['lead', 'second'].every((name) => globalThis.__boldcast?.viewers.get(name)?.header)",
        timeout=60_000,
    )
    page.wait_for_timeout(800)
    before = len(sent)
    lead, second = (f"__boldcast.viewers.get('{name}')" for name in ("lead", "second"))
    assert page.evaluate(f"{second}.isLed")
    assert not page.evaluate(f"{lead}.isLed")
    page.locator("[data-part=play]").first.click()
    page.wait_for_function(f"{second}.player.clock > 0.5")
    page.locator("[data-part=play]").first.click()
    page.locator("[data-part=threshold]").first.fill("0.3")
    page.wait_for_function(f"{second}.state.threshold === 0.3")
    page.wait_for_function("location.search.includes('view=lead')")
    page.wait_for_function(f"{lead}.player.clock === {second}.player.clock")  # at the next frame
    assert page.evaluate(f"Number.isInteger({lead}.player.clock)")
    assert int(re.search(r"run (\d+)", page.locator(".stMain").inner_text()).group(1)) == 1
    assert len(sent) == before
    assert errors == []
    context.close()
