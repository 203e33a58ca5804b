"""Text2fMRI: tensors of parcels, published variants, a glass brain that moves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models._berg.base import BergModel
from models._berg.progress import Bar
from models._berg.selection import nothing_selected, read_names
from models.encoders.base import Features
from models.errors import (
    OfflineError,
    SettingError,
    SpaceMismatchError,
    StimulusError,
    WeightsError,
)
from models.spaces import SCHAEFER1000
from models.stimulus import Stimulus
from models.types import FloatArray, IntArray, Report, Selection
from models.weights.files import fetch_command
from models.weights.locations import find_atlas_file, find_hub_file, hub_caches
from models.weights.plans import ATLAS_FILES, DEFAULT_TEXT_VARIANT, check_repo

if TYPE_CHECKING:
    import torch

    from models.encoders.text2fmri import Text2FMRI

__all__ = ["Text2fMRI", "find_text_variants", "pick_variant"]

#: Of a config: how the language model was computed, not which one it is.
_NOT_COMPARED = "extractor_LLM_dtype"


class Text2fMRI(BergModel):
    """Parcels of the Schaefer atlas; answers tensors (n_volumes, n_selected), parcels rising.

    Attributes
    ----------
    facts : dict
        How the last transcript was read: precision, and how it was cut into windows where it was
        longer than the language model takes at once.
    """

    selection_keys = ("roi", "voxel_index")
    facts: Mapping[str, Any] = MappingProxyType({})

    def generate_response(
        self, stimulus: Any, show_progress: bool = False, low_mem_use: bool = False
    ) -> Any:
        """Predict responses to a transcript.

        Parameters
        ----------
        stimulus : sequence of str
            What is said during each volume; ``""`` for silence.
        show_progress : bool
            Draw a bar on standard error.
        low_mem_use : bool
            Let go of the language model before the head runs, and of the head afterwards.

        Returns
        -------
        Tensor of shape (n_volumes, n_selected), float32
            On the model's device; both axes always. Several subjects: a dict of them.

        Raises
        ------
        StimulusError
            No list of strings; a plain string would be one volume a letter.
        WeightsError
            A file is absent or unusable.
        """
        is_frugal = low_mem_use or self.low_mem_use
        transcript = self._read_transcript(stimulus)
        with Bar(len(transcript.lines), "volume", show_progress) as bar:
            features = self._features(transcript, bar.report)
            self.facts = dict(features.facts)
            if is_frugal:
                self.cleanup()
            answers = {subject: self._read(features, subject) for subject in self.subjects}
            bar.advance(len(transcript.lines))
        if is_frugal:
            self.cleanup()
        return self._one_or_several(answers)

    def get_pretrained_variants(self) -> list[str]:
        """Repositories of published variants, and those that are here."""
        return find_text_variants(self._shelf.home)

    def generate_glass_brain_animation(
        self, responses: Any, out_path: str = "brain_activation.gif"
    ) -> str:
        """Draw predicted activity in a glass brain, a frame a volume, at the volumes' own pace.

        Parameters
        ----------
        responses : Tensor or ndarray of shape (n_volumes, n_selected) or (n_volumes, 1000)
            What ``BERG.encode`` gave for this model. Parcels that were not selected are not
            drawn.
        out_path : str
            Ends in ``.gif``, ``.mp4`` or ``.webm``.

        Returns
        -------
        str
            ``out_path``.

        Raises
        ------
        SpaceMismatchError
            The columns are neither the model's nor all parcels.
        OfflineError
            The volume of the Schaefer atlas is not here; nothing is fetched.
        RenderError
            Another ending, no volume to draw, or a package is missing.
        """
        from models.drawing.glass_animation import write_glass_brain_animation

        atlas = find_atlas_file(ATLAS_FILES[1], self._shelf.home)
        if atlas is None:
            command = fetch_command(self._card, self.subjects)
            raise OfflineError(f"{ATLAS_FILES[1]} is missing: run `{command}`.")
        facts = (
            ("model", self._card.title),
            ("version", self._card.version),
            ("subject", self.subjects[0]),
            ("space", SCHAEFER1000.name),
            ("unit", self.units),
        )
        write_glass_brain_animation(
            self._on_all_parcels(responses),
            atlas,
            Path(out_path),
            frame_s=cast("Text2FMRI", self.encoder).config.tr,
            caption=" · ".join([*dict(facts).values(), "prediction, not measured"]),
            units=self.units,
            facts=(*facts, ("caveat", self._card.caveat), ("licence", self._card.licence)),
        )
        return str(out_path)

    def _select(self, subject: str, chosen: Mapping[str, Any]) -> IntArray:
        from models.encoders._masks import mask_indices

        n_parcels = SCHAEFER1000.n_places
        names, mask = read_names(chosen, "roi"), chosen.get("voxel_index")
        if names is None and mask is None:
            return np.arange(n_parcels)
        encoder = cast("Text2FMRI", self.encoder)
        parts = [encoder.region_parcels(name) for name in names or ()]
        if mask is not None:
            parts.append(mask_indices(mask, n_parcels))
        parcels = np.unique(np.concatenate([*parts, np.empty(0, np.int64)]))
        if not parcels.size:
            raise nothing_selected("parcel", names)
        return parcels

    def _read_transcript(self, stimulus: Any) -> Stimulus:
        """Check what is said."""
        if not isinstance(stimulus, str | list | tuple | np.ndarray):
            raise StimulusError(
                f"A transcript is a list of strings, one a volume; got {type(stimulus).__name__}."
            )
        lines = stimulus if isinstance(stimulus, str) else list(stimulus)
        tr_s = cast("Text2FMRI", self.encoder).config.tr
        return Stimulus.from_lines(lines, "transcript", tr_s)

    def _features(self, transcript: Stimulus, report: Report) -> Features:
        """Features of a transcript, from memory where they were computed before."""
        key = (self.model_id, self._variant, self.device, transcript.digest)
        settings = self._card.default_settings()
        return self._shelf.features(
            key, lambda: self.encoder.features([transcript], settings, report)
        )

    def _read(self, features: Features, subject: str) -> torch.Tensor:
        """Responses of the selected parcels, (n_volumes, n_selected)."""
        import torch

        selection = Selection((subject,))
        if not self._is_whole(subject, SCHAEFER1000.n_places):
            selection = Selection((subject,), indices=tuple(self._places[subject].tolist()))
        (response,) = self.encoder.readout(features, selection, self._card.default_settings())
        return torch.tensor(response.values, device=self.device)

    def _on_all_parcels(self, responses: Any) -> FloatArray:
        """Values of all parcels, (n_volumes, 1000) float32, NaN where not selected."""
        if hasattr(responses, "detach"):
            responses = responses.detach().cpu().numpy()
        values = np.asarray(responses, np.float32)
        parcels, n_parcels = self._places[self.subjects[0]], SCHAEFER1000.n_places
        if values.ndim != 2 or values.shape[1] not in (len(parcels), n_parcels):
            raise SpaceMismatchError(
                f"Responses are (n_volumes, {len(parcels)}) as this model gives them, or "
                f"(n_volumes, {n_parcels}); got {values.shape}."
            )
        if values.shape[1] == n_parcels:
            return values
        everywhere = np.full((len(values), n_parcels), np.nan, np.float32)
        everywhere[:, parcels] = values
        return everywhere


def find_text_variants(home: Path) -> list[str]:
    """Repositories of published variants; those that are here when the hub cannot be asked."""
    from models.weights.hub import find_variants

    return list(find_variants(home))


def pick_variant(model_variant: str | None, config: Any, home: Path) -> str:
    """Repository of the variant that is asked for by its name or by its config.

    Parameters
    ----------
    model_variant : str, optional
        Wins over ``config``, as the model's page says.
    config : mapping or object with attributes, optional
        As in a variant's ``config.json``; the type of the language model's numbers does not
        matter.
    home : Path
        Top of the tree of files.

    Raises
    ------
    SettingError
        No variant that is here has this config. BERG would go on with random weights.
    WeightsError
        The name is no repository's.
    """
    if model_variant is not None:
        return check_repo(model_variant)
    if config is None:
        return DEFAULT_TEXT_VARIANT
    wanted = dict(config) if isinstance(config, Mapping) else dict(vars(config))
    wanted.pop(_NOT_COMPARED, None)
    here = _variants_here(home)
    for name, held in here.items():
        if all(held.get(key, value) == value for key, value in wanted.items()):
            return name
    raise SettingError(
        f"No variant that is here has this config; here are {sorted(here) or 'none'}. "
        "Fetch it with: python -m models fetch fmri-cneuromod_algo2025-text2fmri --variant NAME"
    )


def _variants_here(home: Path) -> dict[str, dict[str, Any]]:
    """Configs of the variants in the caches, the default one first."""
    names = [DEFAULT_TEXT_VARIANT]
    for cache in hub_caches(home):
        folders = sorted(cache.glob("models--*--*Text2fMRI*"))
        names += [path.name.removeprefix("models--").replace("--", "/", 1) for path in folders]
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(names):
        path = find_hub_file(name, "config.json", home)
        if path is None:
            continue
        try:
            found[name] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise WeightsError(f"config.json of {name} is damaged: fetch it again.") from error
    return found
