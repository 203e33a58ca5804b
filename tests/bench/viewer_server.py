"""Server of the viewer bench: the page of one contender, and the routes ours needs."""

from pathlib import Path

from streamlit.starlette import App

app = App(Path(__file__).with_name("viewer_page.py"))
