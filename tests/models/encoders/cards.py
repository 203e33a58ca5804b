"""Catalog rows of the two published models tested beside this file."""

from models.catalog import PUBLISHED

HUZE_CARD = next(card for card in PUBLISHED if card.id == "fmri-nsd_fsaverage-huze")
TEXT_CARD = next(card for card in PUBLISHED if card.id == "fmri-cneuromod_algo2025-text2fmri")
