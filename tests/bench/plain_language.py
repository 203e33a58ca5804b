"""The language reference model written out plainly: one step, one parcel after the other.

Made from the model's description alone, without its code: the features are set step by step from
the words, each parcel's activity is summed from them, and each volume sees it through the response
by one explicit sum. Slow, and easy to check by eye.
"""

import math

import numpy as np

STEP_S = 0.1
ENDS = ".!?;…"


def split_sentences(words):
    """Lists of word numbers; words are (text, onset_s, end_s)."""
    sentences, current = [], []
    for number, (text, _, end_s) in enumerate(words):
        current.append(number)
        is_last = number + 1 == len(words)
        if is_last or text[-1] in ENDS or words[number + 1][1] - end_s >= 2.0:
            sentences.append(current)
            current = []
    return sentences


def plain_features(words, n_steps, is_function, rarity):
    """(n_steps, 6): speech, rate, content, rarity, structure, discourse."""
    size = {}
    for sentence in split_sentences(words):
        n_function = sum(is_function(words[number][0]) for number in sentence)
        is_list = n_function / len(sentence) < 0.1
        for number in sentence:
            size[number] = 0 if is_list else min(len(sentence), 12)
    features = np.zeros((n_steps, 6))
    memory, keep = 0.0, math.exp(-STEP_S / 20.0)
    for step in range(n_steps):
        now_s = (step + 0.5) * STEP_S
        said = None
        for number, (_, onset_s, end_s) in enumerate(words):
            first = round(onset_s / STEP_S)
            if first <= step < max(first + 1, round(end_s / STEP_S)):
                said = number
        n_near = sum(now_s - 1 <= onset_s < now_s + 1 for _, onset_s, _ in words)
        features[step, 1] = min(n_near * 30 / 90, 1)
        structure = 0.0
        if said is not None:
            text = words[said][0]
            structure = math.log2(1 + size[said]) / math.log2(13)
            features[step, 0] = 1
            features[step, 2] = not is_function(text)
            features[step, 3] = rarity(text)
            features[step, 4] = structure
        memory = keep * memory + (1 - keep) * (structure > 0)
        features[step, 5] = memory if said is not None else 0.0
    return features


def plain_response(words, n_rows, tr_s, strengths, response, is_function, rarity):
    """(n_rows, n_parcels): strengths (6, n_parcels), response sampled at every step."""
    n_steps = math.ceil(n_rows * tr_s / STEP_S - 1e-6)
    features = plain_features(words, n_steps, is_function, rarity)
    out = np.zeros((n_rows, strengths.shape[1]))
    for parcel in range(strengths.shape[1]):
        activity = [float(step @ strengths[:, parcel]) for step in features]
        for row in range(n_rows):
            at = min(int((row + 0.5) * tr_s / STEP_S + 1e-6), n_steps - 1)
            total = 0.0
            for back in range(min(len(response), at + 1)):
                total += response[back] * activity[at - back]
            out[row, parcel] = total
    return out
