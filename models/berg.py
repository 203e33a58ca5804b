"""BERG's own interface: scripts written for BERG run after changing one import.

``from berg import BERG`` becomes ``from models import BERG``. What differs, and why, is in
``docs/berg-compat.md``. BERG's exceptions are names of ours:

==========================================  ====================================================
BERG                                        here
==========================================  ====================================================
``BERGError``                               ``BoldcastError``, base of every error raised here
``ModelNotFoundError``, ``StimulusError``   the same
``ModelLoadError``                          ``WeightsError``
``InvalidParameterError``                   ``ParameterError``: subjects, selections, settings
``ValidationError``                         ``ParameterError``, too; in BERG outside its tree
``ResourceError``                           the same: memory or disk
==========================================  ====================================================
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from models._berg.base import BergModel, Shelf
from models._berg.metadata import read_metadata
from models._berg.pictures import Huze, Mosaic, Things
from models._berg.selection import read_subjects
from models._berg.text import Text2fMRI, find_text_variants, pick_variant
from models.catalog import ModelCard, list_cards
from models.errors import (
    BoldcastError,
    ModelNotFoundError,
    OfflineError,
    ParameterError,
    ResourceError,
    SettingError,
    StimulusError,
    WeightsError,
)
from models.spaces import near_matches
from models.weights import files, locations
from models.weights.plans import DEFAULT_TEXT_VARIANT, HUZE, MOSAIC, TEXT, THINGS

__all__ = [
    "BERG",
    "BERGError",
    "BergModel",
    "InvalidParameterError",
    "ModelLoadError",
    "ModelNotFoundError",
    "ResourceError",
    "StimulusError",
    "ValidationError",
]

BERGError = BoldcastError
ModelLoadError = WeightsError
InvalidParameterError = ParameterError
ValidationError = ParameterError

_CLASSES: dict[str, type[BergModel]] = {
    HUZE: Huze,
    MOSAIC: Mosaic,
    TEXT: Text2fMRI,
    THINGS: Things,
}


class BERG:
    """Published encoding models, asked as BERG is asked.

    Models of one ``BERG`` share weights and what they computed: the same stimuli are not
    analysed again for another region, nor for another subject where the first stage is shared.

    Parameters
    ----------
    berg_dir : path, optional
        A folder in BERG's layout, such as an existing BERG download; default ``BOLDCAST_HOME``,
        else the program's own folder.

    Examples
    --------
    >>> berg = BERG()  # doctest: +SKIP
    >>> model = berg.get_encoding_model("fmri-nsd_fsaverage-huze", subject=1)  # doctest: +SKIP
    >>> left, right = berg.encode(model, pictures)  # doctest: +SKIP
    """

    def __init__(self, berg_dir: str | os.PathLike[str] | None = None) -> None:
        self._home = locations.berg_home(berg_dir)
        self.berg_dir = str(self._home)
        self._shelf = Shelf(self._home)

    def list_models(
        self, expand_brainscore_vision: bool = False, expand_brainscore_language: bool = False
    ) -> list[str]:
        """Ids of the models that can be asked here, sorted.

        Parameters
        ----------
        expand_brainscore_vision, expand_brainscore_language : bool
            Taken and without effect: Brain-Score's models are not here.
        """
        return sorted(_cards())

    def get_model_catalog(self, print_format: bool = False) -> dict[str, list[str]]:
        """Training data sets of each modality, sorted.

        Parameters
        ----------
        print_format : bool
            Print them, too.
        """
        found: dict[str, set[str]] = {}
        for model_id in _cards():
            modality, dataset, _ = model_id.split("-", 2)
            found.setdefault(modality, set()).add(dataset)
        by_modality = {modality: sorted(datasets) for modality, datasets in sorted(found.items())}
        if print_format:
            for modality, datasets in by_modality.items():
                print("\n  ".join([modality, *datasets]))
        return by_modality

    def describe(self, model_id: str) -> dict[str, Any]:
        """Print what a person should know of a model.

        Returns
        -------
        dict
            The same by name.

        Raises
        ------
        ModelNotFoundError
            No such model; the text lists near matches.
        """
        card = _card(model_id)
        facts = {
            "model_id": card.id,
            "title": card.title,
            "summary": card.summary,
            "stimuli": card.modality,
            "subjects": [int(subject[-2:]) for subject, _ in card.subjects],
            "selection": list(_CLASSES[card.id].selection_keys),
            "space": card.space,
            "units": card.units,
            "caveat": card.caveat,
            "more": card.long_caveat,
            "accuracy": card.accuracy,
            "accuracy_plots": str(locations.accuracy_folder(card, self._home)),
            "state": files.state(card, home=self._home).words,
            "licence": card.licence,
            "citation": card.citation,
        }
        for name, value in facts.items():
            print(f"{name}: {value}")
        return facts

    def get_model_variants(self, model_id: str) -> list[str]:
        """List published variants of a model; empty where it has none.

        The hub is asked; when it does not answer, the variants that are here are listed.

        Raises
        ------
        ModelNotFoundError
            No such model.
        """
        return find_text_variants(self._home) if _card(model_id).id == TEXT else []

    def get_encoding_model(
        self,
        model_id: str,
        device: str = "auto",
        selection: Mapping[str, Any] | None = None,
        *,
        subject: Any = None,
        model_variant: str | None = None,
        config: Any = None,
        low_mem_use: bool = False,
    ) -> BergModel:
        """Load a model for one or several subjects.

        Parameters
        ----------
        model_id : str
            See :meth:`list_models`.
        device : str
            ``"auto"`` (CUDA, else an Apple GPU, else the processor), ``"cpu"``, ``"cuda"``,
            ``"cuda:N"`` or ``"mps"``.
        selection : mapping, optional
            Places to predict, as on the model's page; without it, or with nothing but None in
            it, all of them. Masks are lists or arrays of zeros and ones.
        subject : int, str or list
            ``1``, ``"sub-01"``, ``[1, 2]``, ``"all"``.
        model_variant : str, optional
            Of Text2fMRI: repository on the hub.
        config : mapping, optional
            Of Text2fMRI: another way to name a variant, by its ``config.json``.
        low_mem_use : bool
            Let go of the weights after every answer.

        Returns
        -------
        BergModel
            For :meth:`encode`. Its numbers are computed when they are asked for.

        Raises
        ------
        ModelNotFoundError
            No such model.
        ParameterError
            Subject, selection, device or variant cannot be had.
        WeightsError
            A file is absent (the text names the command that fetches it) or unusable.
        """
        from models.encoders._device import pick_device

        card = _card(model_id)
        subjects = read_subjects(card, subject)
        variant = ""
        if card.id == TEXT:
            variant = pick_variant(model_variant, config, self._home)
        elif model_variant is not None or config is not None:
            raise SettingError(f"{card.id} has no variants.")
        named_device = str(pick_device(device))
        self._require_weights(card, subjects, variant)
        return _CLASSES[card.id](
            card, self._shelf, subjects, selection, named_device, variant, low_mem_use
        )

    def encode(
        self,
        model: BergModel,
        stimulus: Any,
        return_metadata: bool = False,
        show_progress: bool = False,
        low_mem_use: bool = False,
    ) -> Any:
        """Predict responses.

        Parameters
        ----------
        model : BergModel
            From :meth:`get_encoding_model`.
        stimulus : array_like or list of str
            Pictures (n_pictures, 3, height, width), or what is said during each volume.
        return_metadata : bool
            Return ``(responses, metadata)``; always both, or an error.
        show_progress : bool
            Draw a bar on standard error.
        low_mem_use : bool
            Let go of the weights afterwards; of Text2fMRI's language model before its head runs.

        Returns
        -------
        ndarray, tuple, dict or Tensor
            THINGS: (n_pictures, n_voxels). huze: (left, right), each (n_pictures, n_vertices).
            MOSAIC: ``{"NaturalScenesDataset": {"sub-01": (n_pictures, n_vertices), ...}}``.
            Text2fMRI: Tensor (n_volumes, n_parcels). All float32, in ``model.units``. Several
            subjects of any but MOSAIC: a dict of these by subject.

        Raises
        ------
        ParameterError
            ``model`` is none.
        StimulusError
            The stimulus cannot be used.
        WeightsError
            A file is absent or unusable; metadata are read first, so nothing is computed in
            vain.
        """
        if not isinstance(model, BergModel):
            raise ParameterError(
                f"model comes from get_encoding_model; got {type(model).__name__}."
            )
        metadata = model.get_metadata() if return_metadata else None
        responses = model.generate_response(stimulus, show_progress, low_mem_use)
        return (responses, metadata) if return_metadata else responses

    def get_model_metadata(self, model_id: str, subject: Any = None) -> dict[str, Any]:
        """Metadata of a model without loading it.

        Parameters
        ----------
        model_id : str
        subject : int, str or list
            As in :meth:`get_encoding_model`; not needed for Text2fMRI, whose metadata all
            subjects share.

        Returns
        -------
        dict
            As the model's page lists it; of several subjects, ``{"sub-01": {...}, ...}``.

        Raises
        ------
        ModelNotFoundError
            No such model.
        SelectionError
            No such subject.
        WeightsError
            The file is absent or unusable.
        """
        card = _card(model_id)
        is_shared = card.id == TEXT and subject is None
        subjects = read_subjects(card, "all" if is_shared else subject)
        return read_metadata(card, subjects, self._home)

    def _require_weights(self, card: ModelCard, subjects: tuple[str, ...], variant: str) -> None:
        """Refuse to load a model whose weights are not here."""
        kept = locations.metadata_folder(card, self._home)
        for file in files.state(card, subjects, home=self._home, variant=variant).missing:
            # Metadata and the atlas are asked for when they are needed.
            if file.kind != "atlas" and not file.path.is_relative_to(kept):
                named = "" if variant == DEFAULT_TEXT_VARIANT else variant
                command = files.fetch_command(card, subjects, named)
                raise OfflineError(f"{file.path.name} is missing: run `{command}`.")


def _cards() -> dict[str, ModelCard]:
    """Rows of the models that can be asked in BERG's way, by id."""
    return {card.id: card for card in list_cards() if card.id in _CLASSES}


def _card(model_id: str) -> ModelCard:
    """Row of one model.

    Raises
    ------
    ModelNotFoundError
        No such model; the text lists near matches.
    """
    known = _cards()
    if model_id not in known:
        near = near_matches(str(model_id), known) or sorted(known)
        raise ModelNotFoundError(f"There is no model {model_id!r}. Did you mean {', '.join(near)}?")
    return known[model_id]
