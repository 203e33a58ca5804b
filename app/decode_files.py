"""Files of the page Decode: a picture, a table, all facts as JSON; each says how it was made."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from app import cache, decode_cache
from app.decode_cache import Finding, Reading
from app.decode_link import DecodeState, Source, pairing
from app.decode_sweeps import Curves
from components.decode_cards import Guess
from components.decode_print import story_png
from models import export_text
from models.analysis import decode, sweeps

__all__ = ["caveats", "facts", "guesses_of", "story_csv", "story_json", "story_picture"]


def guesses_of(reading: Reading, finding: Finding) -> tuple[Guess, ...]:
    """Best pictures with their scores, ready to be drawn."""
    stimuli = reading.pictures.stimuli
    tiles = cache.tile_pictures([stimuli[index] for index in finding.order])
    return tuple(
        Guess(stimuli[index].name, picture, score, index == finding.truth)
        for index, picture, score in zip(finding.order, tiles, finding.scores, strict=True)
    )


def caveats(reading: Reading, state: DecodeState) -> tuple[str, ...]:
    """Sentences that must be read with the numbers."""
    models = [state.reader] if state.method == "match" else []
    simulated: tuple[str, ...] = ()
    if state.origin == "simulated":
        models.insert(0, state.maker)
        simulated = decode_cache.noise_words(reading, state)
    cards = dict.fromkeys(source.card for source in models)
    own = tuple(f"{card.badge}. {card.caveat}" for card in cards)
    return (pairing(state).sentence, *own, *simulated, *reading.notes)


def _source(source: Source) -> dict[str, Any]:
    """Plain values of one model."""
    return {
        "model_id": source.model_id,
        "subject": source.subject,
        "version": source.card.version,
        "settings": source.settings.as_dict(),
        "citation": source.card.citation,
        "licence": source.card.licence,
    }


def facts(reading: Reading, state: DecodeState, curves: Curves | None = None) -> dict[str, Any]:
    """How everything was made and what came out; plain values."""
    pair = pairing(state)
    found: dict[str, Any] = {
        "pattern": state.origin,
        "independence": pair.title,
        "method": state.method,
        "regions": list(state.regions) or "all",
        "n_places": len(reading.columns),
        "space": reading.space.name,
        "gallery": {
            "n_pictures": len(reading.pictures.stimuli),
            "sha256": reading.pictures.digest,
            "is_own": reading.pictures.is_own,
        },
        "training": dict(reading.facts),
        "results": _results(reading),
        "caveats": list(caveats(reading, state)),
    }
    if state.method == "match":
        found["reader"] = _source(state.reader)
    if state.origin == "simulated":
        measured = decode_cache.measurement_of(state).as_dict()
        signal = measured_ratio(reading)
        found |= {"maker": _source(state.maker), "measurement": {**measured, "ncsnr": signal}}
    if curves is not None:
        found["curves"] = {
            f"{kind}_top{k}": [point.as_dict() for point in sweeps.summarise(cells, k)]
            for kind, cells in curves.cells.items()
            for k in (1, 5)
        }
    return found


def measured_ratio(reading: Reading) -> float | str:
    """Signal-to-noise ratio in force, for a file."""
    is_assumed = reading.is_ncsnr_assumed
    return decode_cache.ASSUMED_NCSNR if is_assumed else "published, a value a place"


def _results(reading: Reading) -> dict[str, Any]:
    """Numbers over all patterns."""
    if not reading.known.size:
        return {"n_patterns": len(reading.names), "truth": "not given, so no accuracy"}
    return {
        "n_patterns": len(reading.known),
        "median_place": decode_cache.median_place(reading),
        "mean_place": float(reading.ranks.mean()) + 1,
        **{
            f"top{k}": {**asdict(share), "share": share.hits / share.n}
            for k, share in zip((1, 5), decode_cache.shares(reading), strict=False)
        },
    }


def story_json(reading: Reading, state: DecodeState, curves: Curves | None = None) -> bytes:
    """All facts."""
    text = json.dumps(facts(reading, state, curves), indent=1, ensure_ascii=False)
    return f"{text}\n".encode()


def story_csv(reading: Reading, state: DecodeState) -> bytes:
    """Table with a line a pattern, under comments that say how it was made."""
    head = {key: value for key, value in facts(reading, state).items() if key != "results"}
    lines = [export_text.comment("provenance", export_text.as_json(head))]
    lines += [export_text.comment("caveat", one) for one in caveats(reading, state)]
    columns = ("pattern", "truth", "category", "place", "best_guess", "best_score", "true_score")
    lines.append(export_text.csv_line(columns))
    names, categories = reading.pictures.names, reading.pictures.categories
    best = reading.scores.argmax(axis=1)
    for row, name in enumerate(reading.names):
        truth, scores = int(reading.truth[row]), reading.scores[row]
        known: tuple[Any, ...] = ("", "", float("nan"), float("nan"))
        if truth >= 0:
            place = float(decode.ranks(scores[None], np.array([truth]))[0]) + 1
            known = (names[truth], categories[truth], place, float(scores[truth]))
        guess = (names[best[row]], float(scores[best[row]]))
        lines.append(export_text.csv_line((name, *known[:3], *guess, known[3])))
    return ("\n".join(lines) + "\n").encode()


def story_picture(reading: Reading, state: DecodeState, row: int, verdict: str) -> bytes:
    """PNG of one pattern's story."""
    finding = decode_cache.find(reading, row, is_left_out=state.is_left_out)
    shown = None
    if finding.truth >= 0:
        truth = reading.pictures.stimuli[finding.truth]
        shown = (truth.name, cache.tile_pictures([truth])[0])
    maker = state.maker.short if state.origin == "simulated" else "your file"
    reader = state.reader.short if state.method == "match" else f"{state.method}, trained here"
    notes = [
        *caveats(reading, state),
        f"Seed {state.seed} · {len(reading.pictures.stimuli)} pictures, SHA-256 "
        f"{reading.pictures.digest[:16]} · {len(reading.columns)} places of {reading.space.name}",
    ]
    return story_png(
        shown,
        decode_cache.brain_picture(reading, row),
        guesses_of(reading, finding),
        title=f"Pattern: {maker} · Reader: {reader} · {pairing(state).title}",
        verdict=verdict,
        shares=decode_cache.shares(reading),
        notes=notes,
        facts=export_text.as_json(facts(reading, state)),
    )
