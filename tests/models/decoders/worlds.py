"""A small world whose patterns are known functions of picture features, plus noise."""

import numpy as np

from models.decoders.samples import Samples

N_PLACES, N_FEATURES = 80, 40


def a_world(n, noise=1.0, seed=0, n_trs=1, first_image=0, n_subjects=1):
    """Trials of ``n`` different pictures; the same pictures for the same ``first_image``.

    Features have a spectrum that falls off; patterns are a fixed linear map of them, different
    for each person, with noise of ``noise`` times the deviation of the signal.
    """
    maps = np.random.default_rng(99).normal(size=(n_subjects, N_FEATURES, N_PLACES))
    pictures = np.random.default_rng((7, first_image)).normal(size=(n, N_FEATURES))
    features = pictures * np.arange(1, N_FEATURES + 1) ** -0.5
    own = np.arange(n) % n_subjects
    signal = np.einsum("nf,nfp->np", features, maps[own])
    noises = np.random.default_rng((seed, 3)).normal(size=(n, N_PLACES, n_trs))
    patterns = signal[..., None] + noise * signal.std() * noises
    return Samples(
        patterns if n_trs > 1 else patterns[..., 0],
        features,
        tuple(f"{first_image}-{number}" for number in range(n)),
        tuple(f"s{number}" for number in own),
    )
