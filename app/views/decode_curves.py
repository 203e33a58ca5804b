"""How accuracy fades."""

from app.decode_cache import Reading
from app.decode_link import DecodeState


def draw(reading: Reading, now: DecodeState) -> None:
    """Curves."""
