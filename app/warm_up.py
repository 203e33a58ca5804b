"""What is worked out before the first visitor comes: the first page, then the next ones."""

from __future__ import annotations

import gc
import threading

from app import cache, decode_cache, drawing, film_cache, meshes, outputs_cache
from app.link import default_state

__all__ = ["is_warm", "run"]

_IS_WARM = threading.Event()


def run() -> None:
    """Make the first page ready, then say so, then the next ones."""
    try:
        _first_page()
    finally:
        # What lives now lives for good, and is not searched again by the garbage collector.
        gc.collect()
        gc.freeze()
        _IS_WARM.set()
    film_cache.warm_up()
    decode_cache.warm_up()


def _first_page() -> None:
    """Mesh, model, and the answer that a first visit shows."""
    state = default_state(cache.surroundings())
    meshes.url(drawing.mesh_space(state.card.space, False))
    job = cache.submit(state, cache.sample_pictures(state.sample))
    job.wait()
    answer = cache.answer_of(job)
    cache.thumbnails(answer.stimuli)
    cache.start_previews(answer).result()
    outputs_cache.region_rows(answer, None)


def is_warm() -> bool:
    """Whether the first page is ready."""
    return _IS_WARM.is_set()
