"""Take the README's pictures: ``python tests/house/take_screenshots.py`` (needs Chromium)."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.app.server_process import Server
from tests.browser.conftest import CHROMIUM_FLAGS, find_chromium

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

#: File -> window, colour scheme, address.
SHOTS = {
    "images-light": (DESK, "light", "?sample=photographs&view=images~t.2"),
    "wedge-dark": (DESK, "dark", "?view=images~l.visual"),
    "kiosk": (DESK, "light", "?mode=kiosk"),
    "phone": (PHONE, "light", "?sample=photographs&view=images~t.2"),
}


def take(page: Page, address: str, path: Path) -> None:
    """Open a page, pause it on a predicted frame, wait for the sharp picture, save it."""
    page.goto(address)
    viewers = "[...(globalThis.__boldcast?.viewers.values() ?? [])]"
    page.wait_for_function(f"{viewers}.some((viewer) => viewer.header)", timeout=60_000)
    page.wait_for_timeout(3000)
    pause = page.get_by_role("button", name="Pause", exact=True)
    if pause.count():
        pause.first.click()
    page.mouse.move(2, 2)
    page.wait_for_timeout(3000)
    page.screenshot(path=path)


def main() -> None:
    """Take all of them from a server of their own."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        server.wait_until_warm()
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_FLAGS)
        )
        for name, (size, scheme, query) in SHOTS.items():
            page = browser.new_page(viewport=size, color_scheme=scheme)
            take(page, f"http://localhost:{server.port}/{query}", FOLDER / f"{name}.png")
            page.close()
        browser.close()
        server.stop()


if __name__ == "__main__":
    main()
