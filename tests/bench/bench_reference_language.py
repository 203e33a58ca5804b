"""Time of the language reference model on 300 volumes.

Run ``python tests/bench/bench_reference_language.py``.

The model and the plain form of it (``plain_language``: one step, one parcel after the other) take
turns in one process, so that the load of other programs falls on both. The first prediction, which
imports and fills caches, is printed apart.
"""

import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

N_ROWS = 300
TR_S = 2.0
N_ROUNDS = 3
TARGET_S = 0.3


def make_stimulus():
    """Ten minutes of speech: the built-in story again and again."""
    from models.transcript.examples import get_example
    from models.transcript.words import Word, place_words

    story = get_example("story").transcript
    words = [
        Word(word.text, word.onset_s + start_s, word.duration_s)
        for start_s in range(0, 480, 105)
        for word in story.words
    ]
    return place_words(words, TR_S, N_ROWS).stimulus("ten minutes")


def main() -> None:
    """Print seconds and the ratio."""
    start = time.perf_counter()
    from models.catalog import get_card, load_object
    from models.encoders._language_systems import loadings
    from models.encoders._word_features import haemodynamic_response, is_function_word, rarity
    from models.transcript.words import words_of
    from models.types import Selection
    from tests.bench.plain_language import plain_response

    stimulus = make_stimulus()
    card = get_card("reference-language")
    model = load_object(card.encoder)(card)
    settings, everything = card.default_settings(), Selection(("average",))

    def predict():
        return model.readout(model.features([stimulus], settings), everything, settings)[0]

    response = predict()
    print(f"imports, example and first prediction: {time.perf_counter() - start:.2f} s")
    words = [(word.text, word.onset_s, word.end_s) for word in words_of(stimulus)]
    fast, plain = [], []
    for _ in range(N_ROUNDS):
        for _ in range(5):
            start = time.perf_counter()
            predict()
            fast.append(time.perf_counter() - start)
        start = time.perf_counter()
        expected = plain_response(
            words,
            N_ROWS,
            TR_S,
            loadings(),
            haemodynamic_response(),
            is_function_word,
            rarity,
        )
        plain.append(time.perf_counter() - start)
    difference = abs(response.values - expected).max()
    print(f"{N_ROWS} volumes of {TR_S:g} s, {len(words)} words, {response.values.shape[1]} parcels")
    print(f"  model: median {1000 * median(fast):.1f} ms (best {1000 * min(fast):.1f})")
    print(f"  plain: median {median(plain):.2f} s (best {min(plain):.2f})")
    ratio = median(plain) / median(fast)
    print(f"  plain / model: {ratio:.0f} x; largest difference {difference:.1e}")
    verdict = "met" if median(fast) <= TARGET_S else "MISSED"
    print(f"  target of {TARGET_S:g} s a prediction: {verdict}")


if __name__ == "__main__":
    main()
