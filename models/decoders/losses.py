"""The contrastive loss of NeuralBench's image decoding task, with all its options."""

from __future__ import annotations

import math
from typing import get_args

import torch
from torch import nn
from torch.nn import functional

from models.analysis.decode import NormKind
from models.errors import ParameterError

__all__ = ["ClipLoss"]

#: Where a learned temperature starts: CLIP's own 0.07 (Radford et al. 2021).
_FIRST_TEMPERATURE = 0.07
_LENGTH_FLOOR = 1e-15


class ClipLoss(nn.Module):  # type: ignore[misc]
    """Cross-entropy of finding each prediction's own target among the targets of the batch.

    Parameters
    ----------
    norm_kind : {"y", "x", "xy", "none"}
        Which side is brought to length one; y are the candidates. With ``"y"`` the length of a
        prediction is free and acts as an inverse temperature.
    temperature : bool
        True: scores are divided by a temperature that is learned, from 0.07, without bounds.
        False: they are taken as they are.
    symmetric : bool
        True: mean of both directions, prediction to target and target to prediction.

    Notes
    -----
    ``mean_i [logsumexp_j S_ij - S_ii]``; NeuralBench's own setting is the default.
    """

    def __init__(
        self, norm_kind: NormKind = "y", *, temperature: bool = False, symmetric: bool = False
    ) -> None:
        super().__init__()
        if norm_kind not in get_args(NormKind):
            raise ParameterError(f"Norm is one of {get_args(NormKind)}; got {norm_kind!r}.")
        self.norm_kind = norm_kind
        self.symmetric = symmetric
        self.log_scale: nn.Parameter | None = None
        if temperature:
            self.log_scale = nn.Parameter(torch.tensor(math.log(1 / _FIRST_TEMPERATURE)))

    def scores(self, predictions: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """Similarity of every prediction with every candidate, divided by the temperature.

        Parameters
        ----------
        predictions : torch.Tensor of shape (n, d)
        candidates : torch.Tensor of shape (m, d)

        Returns
        -------
        torch.Tensor of shape (n, m)
        """
        products = predictions @ candidates.T
        if "x" in self.norm_kind:
            products = products / (_LENGTH_FLOOR + predictions.norm(dim=1, keepdim=True))
        if "y" in self.norm_kind:
            products = products / (_LENGTH_FLOOR + candidates.norm(dim=1))
        return products if self.log_scale is None else products * self.log_scale.exp()

    def forward(self, predictions: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """Loss of a batch.

        Parameters
        ----------
        predictions : torch.Tensor of shape (n, d)
        candidates : torch.Tensor of shape (m, d), m >= n
            Row i is the target of prediction i; rows from n on are further wrong candidates.

        Returns
        -------
        torch.Tensor
            A single number.

        Raises
        ------
        ParameterError
            Fewer candidates than predictions, or widths differ.
        """
        n = len(predictions)
        if len(candidates) < n or predictions.shape[1:] != candidates.shape[1:]:
            raise ParameterError(
                f"Every prediction needs a target of its width; got {tuple(predictions.shape)} "
                f"and {tuple(candidates.shape)}."
            )
        scores = self.scores(predictions, candidates)
        own = torch.arange(n, device=scores.device)
        loss = functional.cross_entropy(scores, own)
        if self.symmetric:
            loss = (loss + functional.cross_entropy(scores[:, :n].T, own)) / 2
        return loss
