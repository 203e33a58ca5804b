"""Files."""

from app.decode_cache import Reading
from app.decode_link import DecodeState


def downloads(reading: Reading, now: DecodeState) -> None:
    """Files of what is shown."""
