"""Vision transformer of the ViT-B/32 family, from the keys of a torchvision checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch.nn import functional

from models.errors import WeightsError

__all__ = ["VisionTransformer"]

_EPSILON = 1e-6
_HEAD_WIDTH = 64


class VisionTransformer:
    """Token vectors after each block.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        Keys of torchvision's ``vit_b_32``; sizes are read off the shapes. The class head and the
        last norm may be there or not: no block output needs them. Tensors already on ``device``
        in the right type are used where they lie, so a mapped checkpoint stays mapped.
    device : torch.device
    dtype : torch.dtype
        Type of the blocks' matrix products and attention. Norms and the sum that runs from block
        to block stay float32, which halves the error of a shorter type.

    Raises
    ------
    WeightsError
        A tensor is missing or has another shape.

    Notes
    -----
    Dosovitskiy et al. 2021, "An image is worth 16x16 words": pre-norm blocks, 64-wide heads,
    exact GELU, layer-norm epsilon 1e-6.
    """

    def __init__(
        self,
        state: Mapping[str, torch.Tensor],
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.device = device
        self.dtype = dtype
        self._state = state
        self._patch = self._take("conv_proj.weight"), self._take("conv_proj.bias")
        self.width = int(self._patch[0].shape[0])
        self.patch_side = int(self._patch[0].shape[-1])
        self._positions = self._take("encoder.pos_embedding")
        self._first = self._take("class_token") + self._positions[:, :1]
        self.n_tokens = int(self._positions.shape[1])
        n_layers = 0
        while f"encoder.layers.encoder_layer_{n_layers}.ln_1.weight" in state:
            n_layers += 1
        if not n_layers or self.width % _HEAD_WIDTH or self._positions.shape[2] != self.width:
            raise WeightsError("The checkpoint is no vision transformer with 64-wide heads.")
        self._blocks = [self._block(number) for number in range(n_layers)]
        self._state = {}

    @property
    def n_layers(self) -> int:
        """Blocks."""
        return len(self._blocks)

    def layers(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """Run the network block by block.

        Parameters
        ----------
        pictures : torch.Tensor of shape (n_pictures, 3, height, width), float32
            Normalised.

        Yields
        ------
        torch.Tensor of shape (n_pictures, n_tokens, width), float32
            Output of a block, class token first; not to be written into.

        Raises
        ------
        WeightsError
            The pictures do not give as many patches as the network has places for.
        """
        weight, bias = self._patch
        patches = functional.conv2d(pictures, weight, bias, stride=self.patch_side)
        patches = patches.flatten(2).transpose(1, 2)
        if patches.shape[1] != self.n_tokens - 1:
            raise WeightsError(
                f"The network has {self.n_tokens - 1} patches; the pictures {patches.shape[1]}."
            )
        first = self._first.expand(len(pictures), -1, -1)
        tokens = torch.cat([first, patches + self._positions[:, 1:]], dim=1)
        for block in self._blocks:
            tokens = tokens + self._attend(tokens, block)
            tokens = tokens + self._think(tokens, block)
            yield tokens

    def _attend(self, tokens: torch.Tensor, block: dict[str, torch.Tensor]) -> torch.Tensor:
        """Self-attention of the normed tokens, before the residual sum."""
        normed = self._norm(tokens, block, "ln_1")
        mixed = functional.linear(normed, block["in.weight"], block["in.bias"])
        query, key, value = (
            part.unflatten(-1, (-1, _HEAD_WIDTH)).transpose(1, 2) for part in mixed.chunk(3, -1)
        )
        heads = functional.scaled_dot_product_attention(query, key, value)
        joined = heads.transpose(1, 2).flatten(2)
        return functional.linear(joined, block["out.weight"], block["out.bias"])

    def _think(self, tokens: torch.Tensor, block: dict[str, torch.Tensor]) -> torch.Tensor:
        """Feed-forward layer of the normed tokens, before the residual sum."""
        normed = self._norm(tokens, block, "ln_2")
        hidden = functional.linear(normed, block["up.weight"], block["up.bias"])
        return functional.linear(functional.gelu(hidden), block["down.weight"], block["down.bias"])

    def _norm(
        self, tokens: torch.Tensor, block: dict[str, torch.Tensor], name: str
    ) -> torch.Tensor:
        """Layer norm over the width, in the type that follows it."""
        weight, bias = block[f"{name}.weight"], block[f"{name}.bias"]
        normed = functional.layer_norm(tokens, (self.width,), weight, bias, _EPSILON)
        return normed.to(self.dtype)

    def _block(self, number: int) -> dict[str, torch.Tensor]:
        """Tensors of one block under short names."""
        width = self.width
        hidden = self._take(f"encoder.layers.encoder_layer_{number}.mlp.0.bias").shape[0]
        names = {
            "ln_1": ("ln_1.", (width,)),
            "in": ("self_attention.in_proj_", (3 * width, width)),
            "out": ("self_attention.out_proj.", (width, width)),
            "ln_2": ("ln_2.", (width,)),
            "up": ("mlp.0.", (hidden, width)),
            "down": ("mlp.3.", (width, hidden)),
        }
        block = {}
        for short, (stored, shape) in names.items():
            for part, expected in (("weight", shape), ("bias", shape[:1])):
                key = f"encoder.layers.encoder_layer_{number}.{stored}{part}"
                is_norm = short.startswith("ln")
                block[f"{short}.{part}"] = self._take(key, torch.float32 if is_norm else self.dtype)
                if tuple(block[f"{short}.{part}"].shape) != expected:
                    raise WeightsError(f"{key} has another shape than {expected}.")
        return block

    def _take(self, key: str, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """One tensor, where and how it is computed with."""
        if key not in self._state:
            raise WeightsError(f"The checkpoint lacks {key}: it is not torchvision's ViT.")
        return self._state[key].to(self.device, dtype)
