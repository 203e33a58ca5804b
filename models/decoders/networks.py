"""The two fMRI decoders of NeuralBench: a small residual network, and one linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from models.errors import ParameterError

__all__ = [
    "FmriLinear",
    "FmriMlp",
    "SubjectWidth",
    "TimePooling",
    "count_parameters",
    "initialise",
    "set_generator",
]

#: Where the volumes of a trial become one: before the network or after it, by a plain mean or by
#: learned weights.
TimePooling = Literal["in_mean", "in_linear", "out_mean", "out_linear"]
#: How wide a layer of each person's own is: none, to the hidden width, or places to places.
SubjectWidth = Literal["none", "hidden", "input"]

_STEM_DROPOUT = 0.5
_BLOCK_DROPOUT = 0.15


class _Dropout(nn.Module):  # type: ignore[misc]
    """Dropout that draws from a generator of its own, so that a run can be repeated anywhere."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.share:
            return values
        kept = torch.empty_like(values).bernoulli_(1 - self.share, generator=self.generator)
        return values * kept.div_(1 - self.share)


class _RowNorm(nn.BatchNorm1d):  # type: ignore[misc]
    """Batch norm of (..., width): all trials and volumes are samples of one unit."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = super().forward(values.reshape(-1, values.shape[-1]))
        return rows.reshape(values.shape)


class _OwnLayer(nn.Module):  # type: ignore[misc]
    """A linear map of each person's own, without bias; (B, T, n_in) to (B, T, n_out)."""

    def __init__(self, n_subjects: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_subjects, n_in, n_out))

    def forward(self, values: torch.Tensor, subjects: torch.Tensor) -> torch.Tensor:
        # People one by one: gathering a matrix for every trial would need gigabytes.
        result = values.new_empty((*values.shape[:2], self.weight.shape[2]))
        for subject in subjects.unique():
            rows = subjects == subject
            result[rows] = values[rows] @ self.weight[subject]
        return result


class _VolumeLayer(nn.Module):  # type: ignore[misc]
    """A linear map of each volume's own; (B, T, n_in) to (B, T, n_out)."""

    def __init__(self, n_trs: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_trs, n_in, n_out))
        self.bias = nn.Parameter(torch.empty(n_trs, n_out))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        mapped = torch.bmm(values.transpose(0, 1), self.weight) + self.bias[:, None]
        return mapped.transpose(0, 1)


class _TimePool(nn.Module):  # type: ignore[misc]
    """Both ends of a decoder: what joins volumes before it, and what joins them after it."""

    def __init__(self, n_trs: int, pooling: TimePooling) -> None:
        super().__init__()
        if pooling not in get_args(TimePooling) or n_trs < 1:
            raise ParameterError(
                f"Time pooling is one of {get_args(TimePooling)} over at least one volume; "
                f"got {pooling!r} over {n_trs}."
            )
        self.n_trs = n_trs
        self.pooling = pooling
        self.is_first = pooling.startswith("in")
        self.linear = nn.Linear(n_trs, 1) if pooling.endswith("linear") else None

    def first(self, values: torch.Tensor) -> torch.Tensor:
        """(B, n_places, T) to (B, T or 1, n_places)."""
        if values.ndim != 3 or values.shape[2] != self.n_trs:
            raise ParameterError(
                f"A trial must be (n_places, {self.n_trs}) for this decoder: "
                f"{self.n_trs} volumes; got {tuple(values.shape[1:])}."
            )
        return self._join(values, self.is_first).transpose(1, 2)

    def last(self, values: torch.Tensor) -> torch.Tensor:
        """(B, T or 1, width) to (B, width)."""
        joined = self._join(values.transpose(1, 2), not self.is_first)
        return joined.squeeze(2)

    def _join(self, values: torch.Tensor, is_now: bool) -> torch.Tensor:
        if not is_now:
            return values
        return values.mean(dim=2, keepdim=True) if self.linear is None else self.linear(values)


class FmriMlp(nn.Module):  # type: ignore[misc]
    """MindEye's residual network made small; the defaults are NeuralBench's configuration.

    Parameters
    ----------
    n_places : int
        Vertices of a pattern.
    n_outputs : int
        Features of the target.
    n_trs : int
        Volumes of a trial; 1 for a single pattern.
    hidden, n_blocks : int
        Width, and residual blocks of that width.
    norm : {"layer", "batch"}
        ``"batch"`` goes with ReLU, ``"layer"`` with GELU.
    is_activation_first : bool
        Activation before the norm.
    time_pooling : {"out_linear", "out_mean", "in_linear", "in_mean"}
    head_sizes : sequence of int
        Linear layers after the output, norm and GELU between them; NeuralBench has one of the
        width of the output, with nothing in between, so the two are one affine map.
    n_tr_embedding : int
        Learned numbers added to the columns of each volume, to tell volumes apart; 0 for none.
    has_tr_layer : bool
        A first layer of each volume's own.
    subject_width : {"none", "hidden", "input"}
        A first linear layer of each person's own.
    n_subjects : int
        People, where they have one.

    Raises
    ------
    ParameterError
        A size below one, an unknown word, or a layer for people without people.

    Notes
    -----
    Scotti et al. 2023, "Reconstructing the mind's eye"; NeuralBench (facebookresearch/neuroai).
    With 20,484 vertices, 4 volumes and 1,536 outputs it has 5,214,853 parameters.
    """

    def __init__(
        self,
        n_places: int,
        n_outputs: int = 1536,
        *,
        n_trs: int = 4,
        hidden: int = 128,
        n_blocks: int = 2,
        norm: Literal["layer", "batch"] = "layer",
        is_activation_first: bool = False,
        time_pooling: TimePooling = "out_linear",
        head_sizes: Sequence[int] | None = None,
        n_tr_embedding: int = 0,
        has_tr_layer: bool = False,
        subject_width: SubjectWidth = "none",
        n_subjects: int = 0,
    ) -> None:
        super().__init__()
        heads = (n_outputs,) if head_sizes is None else tuple(head_sizes)
        if min(n_places, hidden, n_outputs, *heads) < 1 or min(n_blocks, n_tr_embedding) < 0:
            raise ParameterError("Places, widths and outputs of a network must be 1 at least.")
        if norm not in ("layer", "batch") or subject_width not in get_args(SubjectWidth):
            raise ParameterError(f"Unknown norm {norm!r} or layer of people {subject_width!r}.")
        if (subject_width != "none") != (n_subjects > 0):
            raise ParameterError("A layer of each person's own needs their number, and only it.")
        self.n_first = hidden  # width of the largest layer, which decides what a step costs
        self.pool = _TimePool(n_trs, time_pooling)
        n_volumes = 1 if self.pool.is_first else n_trs
        self.own: _OwnLayer | None = None
        n_in = n_places
        if subject_width != "none":
            n_in = hidden if subject_width == "hidden" else n_places
            self.own = _OwnLayer(n_subjects, n_places, n_in)
        self.embedding = nn.Embedding(n_volumes, n_tr_embedding) if n_tr_embedding else None
        n_in += n_tr_embedding
        self.stem = nn.Linear(n_in, hidden)
        if has_tr_layer:
            self.stem = _VolumeLayer(n_volumes, n_in, hidden)
        kinds = norm, is_activation_first
        self.after_stem = nn.Sequential(*_unit(hidden, *kinds), _Dropout(_STEM_DROPOUT))
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(hidden, hidden), *_unit(hidden, *kinds), _Dropout(_BLOCK_DROPOUT)
            )
            for _ in range(n_blocks)
        )
        self.output = nn.Linear(hidden, n_outputs)
        self.head = _head(n_outputs, heads)

    def forward(self, patterns: torch.Tensor, subjects: torch.Tensor | None = None) -> torch.Tensor:
        """Predict features.

        Parameters
        ----------
        patterns : torch.Tensor of shape (n, n_places, n_trs)
        subjects : torch.Tensor of shape (n,), int64, optional
            Numbers of the people, where they have layers of their own.

        Returns
        -------
        torch.Tensor of shape (n, n_outputs) or (n, last of head_sizes)

        Raises
        ------
        ParameterError
            Another number of volumes, or people are needed and not told.
        """
        values = self.pool.first(patterns)
        if self.own is not None:
            if subjects is None:
                raise ParameterError("This decoder must know whose pattern it reads.")
            values = self.own(values, subjects)
        if self.embedding is not None:
            codes = self.embedding.weight.expand(len(values), -1, -1)
            values = torch.cat([values, codes], dim=2)
        values = self.after_stem(self.stem(values))
        for block in self.blocks:
            values = values + block(values)
        result: torch.Tensor = self.head(self.output(self.pool.last(values)))
        return result


class FmriLinear(nn.Module):  # type: ignore[misc]
    """One linear layer for every volume, and the pooling of volumes.

    Parameters
    ----------
    n_places, n_outputs, n_trs, time_pooling
        As of :class:`FmriMlp`.

    Notes
    -----
    With 20,484 vertices, 4 volumes and 1,536 outputs it has 31,464,965 parameters.
    """

    def __init__(
        self,
        n_places: int,
        n_outputs: int = 1536,
        *,
        n_trs: int = 4,
        time_pooling: TimePooling = "out_linear",
    ) -> None:
        super().__init__()
        if min(n_places, n_outputs) < 1:
            raise ParameterError("Places and outputs of a network must be 1 at least.")
        self.n_first = n_outputs
        self.pool = _TimePool(n_trs, time_pooling)
        self.linear = nn.Linear(n_places, n_outputs)

    def forward(self, patterns: torch.Tensor, subjects: torch.Tensor | None = None) -> torch.Tensor:
        """Predict features; the same for everybody. See :meth:`FmriMlp.forward`."""
        return self.pool.last(self.linear(self.pool.first(patterns)))


def _unit(width: int, norm: str, is_activation_first: bool) -> list[nn.Module]:
    """Norm and activation, in their order."""
    pair = [_RowNorm(width), nn.ReLU()] if norm == "batch" else [nn.LayerNorm(width), nn.GELU()]
    return pair[::-1] if is_activation_first else pair


def _head(n_in: int, sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers, with norm and GELU between them."""
    layers: list[nn.Module] = []
    for number, size in enumerate(sizes):
        layers.append(nn.Linear(n_in, size))
        if number < len(sizes) - 1:
            layers += [nn.LayerNorm(size), nn.GELU()]
        n_in = size
    return nn.Sequential(*layers)


def count_parameters(network: nn.Module) -> int:
    """Numbers that training changes."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def initialise(network: nn.Module, seed: int) -> None:
    """Draw the first weights from a seed, alike on every device, whatever else draws meanwhile.

    The distributions are torch's own: linear layers uniform within one over the root of their
    inputs, embeddings standard normal, norms one and zero; layers of people normal with that
    width.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear | _VolumeLayer):
                n_in = module.weight.shape[1]
                for weight in (module.weight, module.bias):
                    weight.uniform_(-(n_in**-0.5), n_in**-0.5, generator=generator)
            elif isinstance(module, _OwnLayer):
                module.weight.normal_(0, module.weight.shape[1] ** -0.5, generator=generator)
            elif isinstance(module, nn.Embedding):
                module.weight.normal_(generator=generator)


def set_generator(network: nn.Module, generator: torch.Generator) -> None:
    """Let the dropout of a network draw from ``generator``, which lives on its device."""
    for module in network.modules():
        if isinstance(module, _Dropout):
            module.generator = generator
