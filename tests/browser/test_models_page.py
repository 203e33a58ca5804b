"""Fetching and removing a small model from a stand-in on this machine, as a visitor does it."""

import hashlib
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from models.weights import files, plans
from models.weights.remote import Sources
from models.weights.transfer import part_path
from tests.app.server_process import Server
from tests.models.weights.stand_in import StandIn

pytestmark = pytest.mark.browser

SECOND = 1000
#: Each subject's weights: long to come on a slow line, at once on a good one.
N_BYTES = 900_000
SLOW = ("slow", 30_000, 0.1)
VERY_SLOW = ("slow", 10_000, 0.25)


@pytest.fixture(scope="module")
def publisher():
    """Stands in for BERG's bucket and the hub."""
    one = StandIn()
    yield one
    one.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Top folder of the server's files."""
    return tmp_path_factory.mktemp("server") / "home"


@pytest.fixture(scope="module")
def server(publisher, home):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "BOLDCAST_ALLOW_FETCH"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL_S3", publisher.url)
        patch.setenv("HF_ENDPOINT", publisher.url)
        patch.setenv("BOLDCAST_TORCH_URL", publisher.url)
        one = Server(home.parent)
    one.wait_until_warm()
    yield one
    one.stop()


@pytest.fixture
def publish(publisher, home):
    """Publish one subject's files; returns the weights' place here and their path there.

    The checkpoint that all share lies here already: its published hash cannot be imitated.
    """

    def put(number: int):
        rng = np.random.default_rng(number)
        checkpoint, *own = plans.needed_files(plans.THINGS, number, home=home)
        checkpoint.path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"w": torch.zeros(3)}, checkpoint.path)
        for file in own:
            data = rng.bytes(N_BYTES if file.path.name.startswith("weights") else 1000)
            path = f"/{Sources().bucket}/{file.key}"
            publisher.files[path] = data
            publisher.etags[path] = hashlib.md5(data).hexdigest()
            if len(data) == N_BYTES:
                found = file.path, path
        return found

    return put


@pytest.fixture
def visit(chromium, server):
    """Open the page as a new visitor; returns the page and the card of the THINGS model."""
    contexts = []

    def open_page(**options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60 * SECOND)
        page.goto(f"http://localhost:{server.port}/models")
        return page, find_card(page)

    yield open_page
    for context in contexts:
        context.close()


def find_card(page):
    """The THINGS model's card, once the page rests."""
    card = page.locator(".st-key-models > *").filter(has_text="THINGS fMRI, ViT-B/32")
    expect(card).to_have_count(1, timeout=60 * SECOND)
    return card


def pick(card, number):
    """Act on one subject instead of the first."""
    pills = card.get_by_test_id("stButtonGroup").locator("button")
    for index in (0, number - 1):
        pills.nth(index).click()


def sees(card, text):
    expect(card).to_contain_text(text, timeout=60 * SECOND)


def press(card, name):
    card.get_by_role("button", name=name).click()


def test_a_model_is_fetched_watched_and_removed(visit, publish, publisher, home):
    weights, path = publish(1)
    publisher.requests.clear()
    page, card = visit()
    sees(card, "1–3 not here")
    assert publisher.requests == []  # nothing is asked before a button was pressed
    press(card, "Ask for the size")
    sees(card, f"{files.size_words(N_BYTES + 1000)} to fetch, as the publishers say (2 files)")
    publisher.faults.add(path, SLOW)
    press(card, "Fetch 901")
    sees(card, re.compile(r"weights_sub-01\.npy: \d+\.\d\d kB of 901\.00 kB, .*kB/s, about"))
    sees(card, "2 files came, checked.")
    sees(card, "ready for 1")
    assert weights.read_bytes() == publisher.files[path]
    press(card, "Remove")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("weights_sub-01.npy")
    dialog.get_by_role("button", name="Remove").click()
    sees(card, "set free.")
    sees(card, "1–3 not here")
    assert not weights.exists()


def test_stopped_halfway_it_goes_on_from_there_and_others_join(visit, publish, publisher):
    weights, path = publish(2)
    publisher.requests.clear()
    publisher.faults.add(path, VERY_SLOW)
    page, card = visit()
    pick(card, 2)
    sees(card, "Fetch about")
    press(card, "Fetch about")
    sees(card, re.compile(r"weights_sub-02\.npy: [1-9]\d+\.\d\d kB of"))
    page.reload()
    card = find_card(page)
    sees(card, "weights_sub-02.npy:")
    _, other = visit()
    sees(other, "weights_sub-02.npy:")
    press(other, "Cancel")
    for one in (card, other):
        sees(one, "Stopped. What came is kept: fetching goes on from there.")
    begun = part_path(weights).stat().st_size
    assert 0 < begun < N_BYTES
    assert publisher.ranges(path) == [""]  # two visitors, one transfer
    pick(card, 2)
    sees(card, "came before a transfer broke off")
    press(card, "Go on fetching")
    sees(card, "2 files came, checked.")
    assert publisher.ranges(path) == ["", f"bytes={begun}-"]
    assert weights.read_bytes() == publisher.files[path]


def test_an_absent_file_is_a_sentence_with_the_command(visit):
    _, card = visit()
    pick(card, 3)
    sees(card, "Fetch about")
    press(card, "Fetch about")
    sees(card, "is not there (answer 404). In a terminal: python -m models fetch")


@pytest.mark.parametrize(("width", "height", "n_columns"), [(1440, 900, 3), (390, 844, 1)])
def test_cards_stand_side_by_side_where_there_is_room(visit, width, height, n_columns):
    page, _ = visit(viewport={"width": width, "height": height})
    page.wait_for_function(
        "(n) => new Set([...document.querySelectorAll('.st-key-models > *')]"
        ".map((card) => Math.round(card.getBoundingClientRect().left))).size === n",
        arg=n_columns,
    )
    overflow = page.evaluate(
        "(() => { const main = document.querySelector('.stMain');"
        " return main.scrollWidth - main.clientWidth; })()"
    )
    assert overflow <= 0


def test_nothing_but_the_stand_in_was_asked(server):
    assert server.network_log.read_text() == ""
