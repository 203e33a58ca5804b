"""Headless Chromium for tests marked ``browser``.

Without Chromium they are left out and one line says so; with ``BOLDCAST_REQUIRE_BROWSER=1`` its
absence is an error.
"""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]


def find_chromium():
    """Path of an installed Chromium, the system's or Playwright's own; None where there is none."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else None


def pytest_collection_modifyitems(config, items):
    browser_items = [item for item in items if item.get_closest_marker("browser")]
    if not browser_items or find_chromium():
        return
    if os.environ.get("BOLDCAST_REQUIRE_BROWSER") == "1":
        raise pytest.UsageError("BOLDCAST_REQUIRE_BROWSER=1, but no Chromium was found.")
    config.hook.pytest_deselected(items=browser_items)
    items[:] = [item for item in items if item not in set(browser_items)]
    print(f"No Chromium found: {len(browser_items)} browser tests did not run.")


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def launch(playwright):
    """Start a Chromium with further flags; all are closed at the end."""
    started = []

    def start(*flags):
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*CHROMIUM_FLAGS, *flags]
        )
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.close()


@pytest.fixture(scope="session")
def chromium(launch):
    """One Chromium for all tests; each test opens its own context."""
    return launch()
