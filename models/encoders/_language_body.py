"""A language model without its head, run from a mapped file in bounded memory.

The network is transformers' own, built without memory (``meta``); its linear layers and its
embedding are replaced by ones that read their weights from the mapped safetensors files when
their turn comes. So a model of a gigabyte runs in a few hundred megabytes, in float32 from
16-bit files, and the head that would predict words is never built.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from models.encoders._device import held_by
from models.encoders._tensor_file import TensorFile
from models.encoders._winograd import Scratch
from models.errors import WeightsError
from models.memory import Bytes

__all__ = ["LanguageBody", "Precision"]

Precision = Literal["float32", "bfloat16", "float16"]

_CHUNK = 2048  # tokens between two looks at the cache of keys and values


class _Weights:
    """Tensors of one model, from one file or several."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._files = [TensorFile(path) for path in _weight_files(folder)]
        self._where = {name: file for file in self._files for name in file.names}
        self._prefix = prefix

    def __getitem__(self, name: str) -> torch.Tensor:
        for full in (name, f"{self._prefix}.{name}"):
            if full in self._where:
                return self._where[full][full]
        raise WeightsError(f"The language model's files have no tensor {name!r}.")

    def release(self) -> None:
        for file in self._files:
            file.release()


def _weight_files(folder: Path) -> list[Path]:
    """Safetensors files of a model: one, or those that its index names."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return [folder / "model.safetensors"]
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise WeightsError(f"{index.name} is damaged: fetch it again.") from error
    if any("/" in name or "\\" in name for name in names):
        raise WeightsError(f"{index.name} names files outside its folder; they are not read.")
    return [folder / name for name in sorted(names)]


class _MappedLinear(nn.Module):  # type: ignore[misc]
    """Linear layer that reads its weight when it is called."""

    def __init__(self, name: str, has_bias: bool, body: LanguageBody) -> None:
        super().__init__()
        self._name = name
        self._bias = body.weights[name + ".bias"].float() if has_bias else None
        self._body = (body,)  # in a tuple, or the module would contain itself

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Multiply in the body's precision; the sum that goes on stays float32."""
        body = self._body[0]
        weight = body.fetch(self._name + ".weight")
        if weight.dtype == torch.float32:
            return functional.linear(values, weight, self._on(values.device))
        product = functional.linear(values.to(weight.dtype), weight).float()
        return product if self._bias is None else product.add_(self._on(values.device))

    def _on(self, device: torch.device) -> torch.Tensor | None:
        if self._bias is not None and self._bias.device != device:
            self._bias = self._bias.to(device)
        return self._bias


class _MappedEmbedding(nn.Module):  # type: ignore[misc]
    """Embedding that reads only the rows of its words."""

    def __init__(self, weight: torch.Tensor, device: torch.device) -> None:
        super().__init__()
        self._weight = (weight,)  # not a parameter: it stays in the file
        self._device = device

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Rows of the words, in float32."""
        rows = self._weight[0][ids.to("cpu")].float()
        return rows.to(self._device)


class LanguageBody:
    """A decoder-only language model that gives hidden states.

    Parameters
    ----------
    folder : Path
        Snapshot with ``config.json`` and safetensors. Nothing in it is run.
    device : torch.device
        On another device than the processor, weights are copied there once.
    precision : {"float32", "bfloat16", "float16"}
        Type of the matrix products; everything else is float32.

    Attributes
    ----------
    context : int
        Tokens it takes at once.
    n_runs : int
        How often a text went through it; for tests.

    Raises
    ------
    WeightsError
        Files are missing or damaged, or of a kind that is not known here.
    """

    def __init__(self, folder: Path, device: torch.device, precision: Precision) -> None:
        from transformers import AutoConfig, AutoModel

        if not (folder / "config.json").is_file():
            raise WeightsError(f"config.json of the language model is not at {folder}.")
        self.config = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        self.context = int(self.config.max_position_embeddings)
        self.device = device
        self.precision = precision
        self.n_runs = 0
        with torch.device("meta"):
            network = AutoModel.from_config(self.config, attn_implementation="sdpa")
        self._network: Any = network.eval()
        self.weights = _Weights(folder, str(network.base_model_prefix))
        self._scratch = Scratch()
        self._copies: dict[str, torch.Tensor] = {}
        self._fill(self._network)

    @property
    def width(self) -> int:
        """Length of a hidden state."""
        return int(self.config.hidden_size)

    @property
    def held(self) -> Bytes:
        """Memory it holds: on a processor the file's pages are given back after each layer."""
        return held_by(self._copies, self._scratch)

    def hidden_states(
        self, ids: torch.Tensor, n_last: int, report: Callable[[int, int], None]
    ) -> Iterator[torch.Tensor]:
        """Mean of the last hidden states of each token.

        Parameters
        ----------
        ids : Tensor of shape (n_tokens,), int64
            At most :attr:`context`.
        n_last : int
            How many states are averaged: the last block's after the final norm, and those of
            the blocks before it, as transformers lists them.
        report : callable
            Told layers done and in all; may raise ``Cancelled``.

        Yields
        ------
        Tensor of shape (n_some, width), float32
            For successive tokens. Each piece sees all tokens before it through the cache of
            keys and values, so cutting does not change the result beyond rounding.

        Raises
        ------
        WeightsError
            There are not so many hidden states.
        """
        from transformers import DynamicCache

        layers = self._layers()
        if not 1 <= n_last <= len(layers):
            raise WeightsError(f"{n_last} hidden states are asked for; there are {len(layers)}.")
        self.n_runs += 1
        pieces = ids.split(_CHUNK)
        cache = DynamicCache(config=self.config) if len(pieces) > 1 else None
        for number, piece in enumerate(pieces):
            first = number * len(layers)
            with _watched(
                layers, n_last, self.weights.release, first, len(pieces), report
            ) as total:
                out = self._network(
                    input_ids=piece[None].to(self.device),
                    past_key_values=cache,
                    use_cache=cache is not None,
                )
            total.append(out.last_hidden_state[0])
            yield torch.stack(total).mean(0)
        self._scratch = Scratch()  # let the buffers go

    def fetch(self, name: str) -> torch.Tensor:
        """One weight in the working precision, on the device; valid until the next call."""
        if name in self._copies:
            return self._copies[name]
        stored = self.weights[name]
        dtype: torch.dtype = getattr(torch, self.precision)
        if self.device.type != "cpu":
            self._copies[name] = stored.to(self.device, dtype)
            return self._copies[name]
        if dtype != torch.float32 or stored.dtype == dtype:
            return stored.to(dtype)
        buffer = self._scratch.get("weight", *stored.shape)
        return buffer.copy_(stored)

    def _layers(self) -> nn.ModuleList:
        """Find the blocks."""
        for module in self._network.children():
            is_list = isinstance(module, nn.ModuleList)
            if is_list and len(module) == self.config.num_hidden_layers:
                return module
        raise WeightsError(f"{self.config.model_type} is a language model of an unknown kind.")

    def _fill(self, network: Any) -> None:
        """Give every module its weights."""
        for name, module in list(network.named_modules()):
            for child_name, child in list(module.named_children()):
                full = f"{name}.{child_name}" if name else child_name
                if isinstance(child, nn.Linear):
                    mapped = _MappedLinear(full, child.bias is not None, self)
                    setattr(module, child_name, mapped)
                elif isinstance(child, nn.Embedding):
                    rows = self.weights[full + ".weight"]
                    setattr(module, child_name, _MappedEmbedding(rows, self.device))
        for name, module in list(network.named_modules()):
            self._fill_module(network, name, module)

    def _fill_module(self, network: Any, name: str, module: nn.Module) -> None:
        """Parameters and buffers of one module itself; they are small."""
        for own, parameter in list(module.named_parameters(recurse=False)):
            value = self.weights[f"{name}.{own}" if name else own].float().to(self.device)
            if value.shape != parameter.shape:
                raise WeightsError(f"The language model's {name}.{own} is {tuple(value.shape)}.")
            setattr(module, own, nn.Parameter(value.clone(), requires_grad=False))
        if not any(buffer.is_meta for buffer in module.buffers(recurse=False)):
            return
        if not hasattr(module, "original_inv_freq"):
            raise WeightsError(f"{self.config.model_type} is a language model of an unknown kind.")
        parent, _, own = name.rpartition(".")
        made = type(module)(self.config).to(self.device)  # rotary angles follow from the config
        setattr(network.get_submodule(parent) if parent else network, own, made)


@contextmanager
def _watched(
    layers: nn.ModuleList,
    n_last: int,
    release: Callable[[], None],
    n_before: int,
    n_pieces: int,
    report: Callable[[int, int], None],
) -> Iterator[list[torch.Tensor]]:
    """Keep the states of the blocks before the last; report, and release pages, after each."""
    kept: list[torch.Tensor] = []
    n_layers = len(layers)

    def after(number: int) -> Callable[[Any, Any, Any], None]:
        def look(module: Any, given: Any, out: Any) -> None:
            state = out[0] if isinstance(out, tuple) else out
            if n_layers - n_last <= number < n_layers - 1:
                kept.append(state[0])
            release()
            report(n_before + number + 1, n_pieces * n_layers)

        return look

    hooks = [layer.register_forward_hook(after(number)) for number, layer in enumerate(layers)]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()
