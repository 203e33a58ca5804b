"""What this is, what it is not, and whose work it stands on."""

from __future__ import annotations

import streamlit as st

from models.catalog import ModelCard, list_cards

__all__ = ["render"]

WHAT = """
Drop in a picture and see what a published model predicts for the visual part of the cortex:
where it would respond, how strongly, and which part of the picture drives it. Everything is
computed on the computer that serves this page. Pictures are held in memory for your session
only; they are never stored and never sent anywhere.
"""

HONEST = (
    (
        "Predicted, not measured",
        "Nobody was scanned for your picture. Every number here is a model's output.",
    ),
    (
        "Whose brain",
        "An average map, or one volunteer's fitted model; never yours. People's maps differ in "
        "size up to threefold.",
    ),
    (
        "Units",
        "Each colour bar and axis names its unit. Relative model units are not percent signal "
        "change, and grey means “not modelled”, which is not zero.",
    ),
    (
        "Visual angle matters as much as the picture",
        "The same photograph held at arm's length or filling a wall drives different places. "
        "That is why the picture's width in degrees is always in view.",
    ),
    (
        "Accuracy differs from place to place",
        "Pale can mean “weak response” or “poor model”. Where held-out accuracy is published "
        "it is shown; where it is not, the page says so.",
    ),
    (
        "Patterns, not thoughts or feelings",
        "An active area does not reveal an emotion, a thought or a quality of the picture. There "
        "are no scores here and no diagnosis.",
    ),
    (
        "Out of its domain, a model extrapolates",
        "Cartoons, text, screenshots and adversarial pictures are unlike what models were tested "
        "on. Read their maps with more doubt.",
    ),
    (
        "Drawn is not predicted",
        "Playing a sequence blends neighbouring frames so that the eye can follow; only the "
        "ticked frames are predictions.",
    ),
)

LICENCES = (
    ("This program", "MIT licence"),
    ("fsaverage5 cortex", "FreeSurfer's average brain (Fischl et al.), from nilearn (BSD-3)"),
    (
        "Retinotopic map",
        "formula of this project, its numbers fitted to Benson et al. 2014, "
        "PLoS Comput Biol 10:e1003538",
    ),
    ("Built-in photographs", "from scikit-image; the terms of each stand beside it"),
)


def render() -> None:
    """Draw the page."""
    text, _ = st.columns([3, 1])
    with text:
        st.title("Predicted brain activity, on your own machine")
        st.markdown(WHAT)
        st.header("How to read what you see")
        for title, words in HONEST:
            st.markdown(f"**{title}.** {words}")
        st.header("Models")
        for card in list_cards():
            _card(card)
        st.header("Licences and sources")
        st.markdown("\n".join(f"- **{what}**: {terms}" for what, terms in LICENCES))


def _card(card: ModelCard) -> None:
    """One model in short."""
    with st.container(border=True):
        st.subheader(card.title)
        st.markdown(card.summary)
        st.caption(f"{card.caveat} {card.long_caveat}")
        st.markdown(
            f"- **Output**: {card.units}, on {card.space}\n"
            f"- **Accuracy**: {card.accuracy}\n"
            f"- **Source**: {card.citation}\n"
            f"- **Licence**: {card.licence}"
        )
