"""Browser files: complete, addressed by content."""

import re

from components.static import STATIC_PREFIX, entry_url, static_routes_payload, static_url


def test_every_relative_import_of_a_module_is_served():
    payload = static_routes_payload()
    found = 0
    for url, (content, _) in payload.items():
        if not url.endswith(".js"):
            continue
        for target in re.findall(r'from "(\.[^"]+)"', content.decode()):
            parts = url.split("/")[:-1]
            for step in target.split("/"):
                if step == "..":
                    parts.pop()
                elif step != ".":
                    parts.append(step)
            assert "/".join(parts) in payload, f"{url} imports {target}"
            found += 1
    assert found > 20


def test_urls_are_relative_and_hold_one_hash():
    urls = list(static_routes_payload())
    assert static_url("brain", "main.js") in urls
    assert static_url("shared", "bus.js") in urls
    assert len({url.split("/")[2] for url in urls}) == 1
    for url in urls:
        assert re.fullmatch(STATIC_PREFIX + r"/[0-9a-f]{16}/[\w/.]+\.(js|css|svg)", url)


def test_scripts_have_a_type_that_browsers_take_as_a_module():
    types = {kind for url, (_, kind) in static_routes_payload().items() if url.endswith(".js")}
    assert types == {"text/javascript; charset=utf-8"}


def test_no_module_is_long():
    for url, (content, _) in static_routes_payload().items():
        if url.endswith(".js") and not url.endswith(".bundle.js"):
            assert content.count(b"\n") <= 400, url


def test_every_entry_comes_in_one_file():
    payload = static_routes_payload()
    for component in ("brain", "field", "kiosk"):
        content, _ = payload[entry_url(component)]
        assert not re.search(rb"^import ", content, re.MULTILINE)
        assert re.search(rb"^export const \{ \w+", content, re.MULTILINE)
