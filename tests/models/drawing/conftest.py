import os

import pytest

from models.drawing.panels import Drawing
from models.drawing.still import render
from models.errors import RenderError
from tests.models.drawing.triangles import one_triangle


@pytest.fixture(scope="session")
def off_screen():
    """Machines without OpenGL run the rest; where everything is required, its want is a failure."""
    triangle: Drawing = one_triangle()
    try:
        render([triangle], timeout_s=120)
    except RenderError as error:
        if "apt install" not in str(error) or os.environ.get("BOLDCAST_REQUIRE_BROWSER"):
            raise
        pytest.skip(f"no OpenGL off screen: {error}")
