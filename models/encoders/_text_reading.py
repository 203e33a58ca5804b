"""A language model reads a transcript: one feature vector for each volume.

Words go to volumes by the rule of :mod:`models.encoders._text_words`; a text longer than the
model's context is read in windows that overlap by half of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.encoders._device import exact_arithmetic
from models.encoders._language_body import LanguageBody, Precision
from models.encoders._text_head import TextConfig
from models.encoders._text_words import assign_tokens, cut_windows, join_lines, window_words
from models.errors import WeightsError
from models.types import FloatArray, IntArray, Report

__all__ = ["TranscriptReader"]


class TranscriptReader:
    """One language model, opened when it is first needed.

    Parameters
    ----------
    config : TextConfig
        Says which model, how wide its states are and how many of the last are averaged.
    find : callable
        Gives the path of one of the model's files by its name.
    device : torch.device
    """

    def __init__(
        self, config: TextConfig, find: Callable[[str], Path], device: torch.device
    ) -> None:
        self.config = config
        self._find = find
        self._device = device
        self._bodies: dict[Precision, LanguageBody] = {}
        self._tokenizer: Any = None
        self._lock = threading.RLock()

    def close(self) -> None:
        """Let go of the language model; it is opened again when it is needed."""
        with self._lock:
            self._bodies.clear()
            self._tokenizer = None

    @property
    def n_runs(self) -> int:
        """How often a window went through the language model; for tests."""
        return sum(body.n_runs for body in self._bodies.values())

    def read(
        self, lines: Sequence[str], precision: Precision, report: Report
    ) -> tuple[FloatArray, str]:
        """Mean hidden state of the words of each volume.

        Parameters
        ----------
        lines : sequence of str
            One a volume.
        precision : {"float32", "bfloat16", "float16"}
            Type of the matrix products.
        report : callable
            Called after each layer.

        Returns
        -------
        values : ndarray of shape (n_volumes, n_features), float32
            0 for a volume without a token.
        words : str
            How the text was cut.

        Raises
        ------
        WeightsError
            Files are missing or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        text, ends = join_lines(lines)
        with self._lock, exact_arithmetic():  # one text at a time uses the model's buffers
            ids, offsets = self.tokens(text)
            volume = torch.from_numpy(assign_tokens(offsets, ends))
            body = self.body(precision)
            total = torch.zeros(len(lines) + 1, body.width)  # the last: tokens of no volume
            windows = cut_windows(len(ids), body.context)
            for number, window in enumerate(windows):
                words = f"reading the words (window {number + 1} of {len(windows)})"
                watch = _stage(report, words if len(windows) > 1 else "reading the words")
                piece = ids[window.start : window.stop]
                at = window.start
                n_last = self.config.extractor_LLM_num_last_hidden_states
                for states in body.hidden_states(piece, n_last, watch):
                    skip = min(len(states), max(0, window.first_used - at))
                    total.index_add_(0, volume[at + skip : at + len(states)], states[skip:].cpu())
                    at += len(states)
        counts = torch.bincount(volume[volume >= 0], minlength=len(lines))
        values: FloatArray = (total[:-1] / counts.clamp_min(1)[:, None]).numpy()
        return values, window_words(windows, body.context)

    def body(self, precision: Precision) -> LanguageBody:
        """Open the language model, once for each precision.

        Raises
        ------
        WeightsError
            Files are missing or unusable, or the states have another width than the config's.
        """
        with self._lock:
            if precision not in self._bodies:
                body = LanguageBody(self._find("config.json").parent, self._device, precision)
                if body.width != self.config.extractor_LLM_feature_size:
                    raise WeightsError(
                        f"The variant needs {self.config.extractor_LLM_feature_size} features; "
                        f"{self.config.extractor_LLM} gives {body.width}."
                    )
                self._bodies[precision] = body
            return self._bodies[precision]

    def tokens(self, text: str) -> tuple[torch.Tensor, IntArray]:
        """Cut a text into tokens.

        Returns
        -------
        ids : Tensor of shape (n_tokens,), int64
        offsets : ndarray of shape (n_tokens, 2), int64
            Each token's first letter and the one after its last.
        """
        with self._lock:
            if self._tokenizer is None:
                from transformers import AutoTokenizer

                self._tokenizer = AutoTokenizer.from_pretrained(
                    self._find("tokenizer.json").parent,
                    local_files_only=True,
                    trust_remote_code=False,
                    use_fast=True,
                )
        found = self._tokenizer(
            text, return_offsets_mapping=True, add_special_tokens=True, verbose=False
        )
        offsets = np.asarray(found["offset_mapping"], np.int64).reshape(-1, 2)
        return torch.tensor(found["input_ids"], dtype=torch.int64), offsets


def _stage(report: Report, words: str) -> Callable[[int, int], None]:
    """Report of one stage."""

    def tell(done: int, total: int) -> None:
        report(words, done, total)

    return tell
