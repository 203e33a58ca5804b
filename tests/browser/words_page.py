"""A plain page with the transcript editor, and what tests ask of it."""

from components.static import static_url
from components.words import pack_words
from models.transcript.words import share_time
from tests.browser.viewer_page import FileServer

VIEW = "brain"

PAGE = """<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{css}<link rel="icon" href="data:,">
<style>body {{ margin: 0; padding: 12px; background: #fff; font-family: sans-serif }}</style>
<button id="before">before</button><div id="host"><div class="boldcast-words"></div></div>
<script type="module">
const {{ streamlitMount }} = await import(new URL("{js}", document.baseURI).href);
globalThis.sent = [];
globalThis.pointed = [];
globalThis.sought = [];
addEventListener("boldcast:hover-row", ({{ detail }}) => pointed.push(detail.row));
addEventListener("boldcast:time", ({{ detail }}) => detail.seek && sought.push(detail.frame));
globalThis.show = async (name) => {{
  const data = new Uint8Array(await (await fetch(name)).arrayBuffer());
  globalThis.unmount = streamlitMount({{
    parentElement: document.getElementById("host"), data,
    setTriggerValue: (name, value) => sent.push(JSON.parse(JSON.stringify({{ [name]: value }}))),
  }}, "brain");
}};
globalThis.say = (type, detail, source = "brain") => dispatchEvent(
  new CustomEvent(`boldcast:${{type}}`, {{ detail: {{ ...detail, view: "brain", source }} }}),
);
globalThis.ready = true;
</script>"""


def words_server():
    """Server of the page."""
    sheets = (static_url("shared", "viewer.css"), static_url("words", "words.css"))
    css = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
    return FileServer(PAGE.format(css=css, js=static_url("words", "main.js")))


def pack(texts, tr_s=2.0, revision="1", **more):
    """Message of rows whose words share their time."""
    offsets = [share_time(text.split(), 0.0, tr_s) for text in texts]
    return pack_words(texts, offsets, tr_s=tr_s, revision=revision, **more)


class WordsPage:
    """One page with a mounted editor."""

    def __init__(self, page, server):
        self.page = page
        self.server = server
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, texts, **more):
        self.page.goto(self.server.url)
        self.page.wait_for_function("globalThis.ready", timeout=60_000)
        self.show(texts, **more)
        return self

    def show(self, texts, **more):
        """A message from Python arrives."""
        self.server.add("rows.bin", pack(texts, **more))
        self.page.evaluate("show('rows.bin')")

    def row(self, volume):
        """Row of a volume, from 1."""
        return self.page.locator(f"[data-row='{volume - 1}']")

    def field(self, volume):
        return self.row(volume).locator("input")

    def chip(self, text):
        return self.page.locator(".bcw-chip", has_text=text).first

    def texts(self, n_rows):
        return [self.field(volume).input_value() for volume in range(1, n_rows + 1)]

    def say_frame(self, frame, playing=False):
        detail = {"frame": frame, "playing": playing}
        self.page.evaluate("(detail) => say('time', detail)", detail)

    @property
    def edits(self):
        """Edits of the last message to Python."""
        return self.page.evaluate("sent.at(-1).edits.edits")

    def present(self):
        """Volumes marked as on show."""
        return self.page.eval_on_selector_all(
            "[data-row][aria-current=true]", "(rows) => rows.map((row) => +row.dataset.row + 1)"
        )
