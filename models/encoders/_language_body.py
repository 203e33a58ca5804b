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

    def __init__(self, name: str, has_bias: bool, body: LanguageBody, precision: Precision) -> None:
        super().__init__()
        self._name = name
        self._bias = body.weights[name + ".bias"].to(body.stream_type) if has_bias else None
        self._body = (body,)  # in a tuple, or the module would contain itself
        self._dtype: torch.dtype = getattr(torch, precision)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Multiply in the layer's precision; what comes out is of the type that went in."""
        weight = self._body[0].fetch(self._name + ".weight", self._dtype)
        if self._bias is not None and self._bias.device != values.device:
            self._bias = self._bias.to(values.device)
        if self._dtype == values.dtype:
            return functional.linear(values, weight, self._bias)
        product = functional.linear(values.to(self._dtype), weight).to(values.dtype)
        return product if self._bias is None else product.add_(self._bias)


class _GatedProduct(nn.Module):  # type: ignore[misc]
    """SiLU of one linear layer times another, then a third: in place, for these are the widest."""

    def __init__(self, feed_forward: Any) -> None:
        super().__init__()
        self.gate_proj = feed_forward.gate_proj
        self.up_proj = feed_forward.up_proj
        self.down_proj = feed_forward.down_proj

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Do what transformers' module does, with less memory."""
        gate = functional.silu(self.gate_proj(values), inplace=True)
        product: torch.Tensor = self.down_proj(gate.mul_(self.up_proj(values)))
        return product


class _MappedEmbedding(nn.Module):  # type: ignore[misc]
    """Embedding that reads only the rows of its words."""

    def __init__(self, weight: torch.Tensor, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self._weight = (weight,)  # not a parameter: it stays in the file
        self._device = device
        self._dtype = dtype

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Rows of the words."""
        return self._weight[0][ids.to("cpu")].to(self._device, self._dtype)


class LanguageBody:
    """A decoder-only language model that gives hidden states.

    Parameters
    ----------
    folder : Path
        Snapshot with ``config.json`` and safetensors. Nothing in it is run.
    device : torch.device
        On another device than the processor, weights are copied there once.
    precision : {"float32", "bfloat16", "float16"}
        Type of the matrix products. With float16 all else is float16 too, as its publisher runs
        it; with bfloat16, which has fewer digits, all else is float32, and so are attention's own
        layers.

    Attributes
    ----------
    context : int
        Tokens it takes at once.
    stream_type : torch.dtype
        Of what goes from layer to layer.
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
        self.stream_type = torch.float16 if precision == "float16" else torch.float32
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
        try:
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
                yield torch.stack(total).float().mean(0)
        finally:
            self._scratch = Scratch()  # let the buffers go

    def fetch(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """One weight in some type, on the device; valid until the next call."""
        if name in self._copies:
            return self._copies[name]
        stored = self.weights[name]
        if self.device.type != "cpu":
            self._copies[name] = stored.to(self.device, dtype)
            return self._copies[name]
        if stored.dtype == dtype:
            return stored
        n_words = -(-stored.numel() * dtype.itemsize // torch.float32.itemsize)
        buffer = self._scratch.get("weight", n_words).view(dtype)[: stored.numel()]
        return buffer.view(stored.shape).copy_(stored)

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
                    precision = self._precision_of(module)
                    mapped = _MappedLinear(full, child.bias is not None, self, precision)
                    setattr(module, child_name, mapped)
                elif isinstance(child, nn.Embedding):
                    rows = self.weights[full + ".weight"]
                    mapped_rows = _MappedEmbedding(rows, self.device, self.stream_type)
                    setattr(module, child_name, mapped_rows)
        for module in list(network.modules()):
            for child_name, child in list(module.named_children()):
                if self._is_gated(child):
                    setattr(module, child_name, _GatedProduct(child))
        for name, module in list(network.named_modules()):
            self._fill_module(network, name, module)

    def _precision_of(self, parent: nn.Module) -> Precision:
        """Type of the products of a linear layer.

        Attention's own are an eighth of the work, and nearly half of bfloat16's error.
        """
        is_attention = type(parent).__name__.endswith("Attention")
        return "float32" if is_attention and self.precision == "bfloat16" else self.precision

    def _is_gated(self, module: nn.Module) -> bool:
        """Whether a module is the usual feed-forward layer with a SiLU gate and nothing more."""
        children = {name for name, _ in module.named_children()}
        is_silu = getattr(self.config, "hidden_act", "") in ("silu", "swish")
        return is_silu and children == {"gate_proj", "up_proj", "down_proj", "act_fn"}

    def _fill_module(self, network: Any, name: str, module: nn.Module) -> None:
        """Parameters and buffers of one module itself; they are small."""
        for own, parameter in list(module.named_parameters(recurse=False)):
            value = self.weights[f"{name}.{own}" if name else own]
            value = value.to(self.device, self.stream_type)
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
