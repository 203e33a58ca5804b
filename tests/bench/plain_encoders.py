"""huze and Text2fMRI computed the plain way, as published code does: the baseline of the bench.

huze: LoRA kept beside each linear layer, adaLN run, coordinate nets on every call, one bilinear
gather per vertex and layer in chunks of 4,096. Text: the causal language model with its head, in
float16, logits of all words for all tokens.
"""

import torch
from torch.nn import functional

LORA_SCALE, SIGMA, CHUNK = 0.2, 0.01, 4096


class PlainHuzePart:
    """One part of huze from its checkpoint."""

    def __init__(self, state, subject):
        self.subject = subject
        self.coordinates = state[f"coord_dict.{subject}"]
        self.state = {k.removeprefix("model."): v for k, v in state.items()}
        self.root = "backbone.vision_model."
        names = [k for k in self.state if k.startswith(self.root + "blocks.")]
        self.depth = 1 + max(int(k.split("blocks.")[1].split(".")[0]) for k in names)
        stacks = [k for k in self.state if k.startswith("conv_blocks.blocks_dict.")]
        self.layers = sorted({int(k.split(".")[2]) for k in stacks})

    def linear(self, name, values):
        get = self.state.__getitem__
        low = functional.linear(values, get(name + ".fc_lora.down.weight"))
        return functional.linear(values, get(name + ".fc.weight"), get(name + ".fc.bias")) + (
            LORA_SCALE * functional.linear(low, get(name + ".fc_lora.up.weight"))
        )

    def norm(self, name, values):
        weight, bias = self.state[name + ".weight"], self.state[name + ".bias"]
        return functional.layer_norm(values, weight.shape, weight, bias, 1e-6)

    def net(self, name, values):
        for number in (1, 3, 5):
            layer = f"{name}.{self.subject}.mlp.{number}."
            values = functional.linear(
                values, self.state[layer + "weight"], self.state[layer + "bias"]
            )
            values = functional.gelu(values) if number < 5 else values
        return values

    def code(self):
        points = self.coordinates
        low, high = points.min(0).values, points.max(0).values
        steps = (high - low) * (100.0 / (high - low).max())
        position = (points - low) * (steps / (high - low))
        angle = torch.logspace(0, 1 / 32 - 1, 32, 100.0) * position[..., None]
        return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)

    def block(self, number, tokens):
        name = f"{self.root}blocks.{number}."
        condition = torch.zeros(len(tokens), 256)
        weight = self.state[name + "adaLN.adaLN_modulation.0.weight"]
        change = functional.linear(condition, weight).tanh()[:, None].chunk(6, -1)
        n_heads = tokens.shape[-1] // 64
        values = self.norm(name + "block.norm1", tokens) * (1 + change[1]) + change[0]
        qkv = self.linear(name + "block.attn.qkv", values).chunk(3, -1)
        qkv = [part.unflatten(-1, (n_heads, -1)).transpose(1, 2) for part in qkv]
        values = functional.scaled_dot_product_attention(*qkv).transpose(1, 2).flatten(2)
        values = self.linear(name + "block.attn.proj", values)
        tokens = tokens + (1 + change[2]) * self.state[name + "block.ls1.gamma"] * values
        values = self.norm(name + "block.norm2", tokens) * (1 + change[4]) + change[3]
        values = functional.gelu(self.linear(name + "block.mlp.fc1", values))
        values = self.linear(name + "block.mlp.fc2", values)
        return tokens + (1 + change[5]) * self.state[name + "block.ls2.gamma"] * values

    def maps(self, pictures):
        get, root = self.state.__getitem__, self.root
        weight, bias = get(root + "patch_embed.proj.weight"), get(root + "patch_embed.proj.bias")
        patches = functional.conv2d(pictures, weight, bias, stride=14).flatten(2).transpose(1, 2)
        table = get(root + "pos_embed")
        grid = table[:, 1:].unflatten(1, (37, 37)).permute(0, 3, 1, 2)
        factor = (16.1 / 37, 16.1 / 37)
        grid = functional.interpolate(grid, scale_factor=factor, mode="bicubic")
        table = torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2)], 1)
        first = get(root + "cls_token").expand(len(pictures), -1, -1)
        tokens = torch.cat([first, patches], 1) + table
        found = []
        for number in range(self.depth):
            tokens = self.block(number, tokens)
            if number in self.layers:
                grid = tokens[:, 1:].transpose(1, 2).unflatten(-1, (16, 16))
                summary = torch.cat([grid.mean((2, 3)), grid.amax((2, 3))], 1)
                summary = tokens[:, 0] if number == self.depth - 1 else summary
                found.append(self.tap(number, grid, summary))
        return found

    def tap(self, layer, grid, summary):
        get = self.state.__getitem__
        stack, net = f"conv_blocks.blocks_dict.{layer}.block.", f"cls_blocks.mlp_dict.{layer}."
        for step in (0, 1):
            change = functional.conv2d(grid, get(f"{stack}{step}.0.weight"), padding=2)
            change = self.norm(f"{stack}{step}.1", change.permute(0, 2, 3, 1))
            grid = grid + functional.silu(change.permute(0, 3, 1, 2))
        grid = functional.silu(functional.conv2d(grid, get(stack + "2.0.weight"), padding=2))
        hidden = functional.linear(summary, get(net + "fc1.weight"), get(net + "fc1.bias"))
        hidden = functional.gelu(hidden)
        return grid, functional.linear(hidden, get(net + "fc2.weight"), get(net + "fc2.bias"))

    def readout(self, maps):
        """Responses of all vertices from :meth:`maps`."""
        code = self.code()
        selector = self.net("layer_selector", code).softmax(-1)
        position = self.net("retina_mapper", code).tanh() * (1 - SIGMA)
        name = f"voxel_outs_weight.{self.subject}."
        weight, bias = self.state[name + "weight"], self.state[name + "bias"]
        n_pictures = len(maps[0][0])
        out = []
        for rows in torch.arange(len(weight)).split(CHUNK):
            grid = position[rows].view(1, -1, 1, 2).expand(n_pictures, -1, -1, -1)
            total = 0
            for number, (grid_maps, summary) in enumerate(maps):
                sample = functional.grid_sample(grid_maps, grid, align_corners=False)[..., 0]
                share = selector[rows, number].view(1, -1, 1)
                total = total + share * (sample.transpose(1, 2) + summary[:, None])
            out.append((total * weight[rows]).mean(-1) + bias[rows])
        return torch.cat(out, 1)


def plain_text_features(folder, ids, volume, n_volumes, dtype):
    """Hidden states of the whole causal model, its head included, averaged over volumes."""
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)

    def run():
        with torch.inference_mode():
            states = network(ids[None], output_hidden_states=True).hidden_states
        mean = torch.stack(states[-4:]).mean(0)[0]
        rows = [mean[volume == number].mean(0).float() for number in range(n_volumes)]
        return torch.stack(rows)

    return run
