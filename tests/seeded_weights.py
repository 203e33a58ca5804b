"""Random weights in the layout of published files, the same on every machine.

Every tensor is drawn from a generator seeded with its name, so a file can be made again from
these few lines and the responses to it can be kept (``tests/golden_data``) instead of the file.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

SEED = 20261121
N_VERTICES = 327_684
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def generator(name):
    """Random numbers that depend on the name alone."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def normal(name, shape, deviation=1.0, mean=0.0):
    """Normal float32 numbers."""
    values = generator(name).standard_normal(size=shape, dtype=np.float32)
    values *= np.float32(deviation)
    if mean:
        values += np.float32(mean)
    return values


def tensor(name, shape, deviation=1.0, mean=0.0):
    return torch.from_numpy(normal(name, shape, deviation, mean))


def make_folder(*parts):
    folder = Path(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# huze


@dataclass(frozen=True)
class HuzeSize:
    """Sizes of a checkpoint; the default is that of the golden arrays."""

    tag: str = "tiny"
    width: int = 128
    depth: int = 4
    layers: tuple = (0, 1, 2, 3)
    readout_width: int = 16
    n_first: int = 3000
    rank: int = 4


FULL_HUZE = HuzeSize("full", 768, 12, (2, 5, 8, 11), 256, 39_548)
HUZE = "encoding_models/modality-fmri/train_dataset-nsd_fsaverage/model-huze"
HUZE_REGIONS = (
    "V1v",
    "V1d",
    "V2v",
    "V2d",
    "V3v",
    "V3d",
    "hV4",
    "EBA",
    "FBA-1",
    "FBA-2",
    "mTL-bodies",
    "OFA",
    "FFA-1",
    "FFA-2",
    "mTL-faces",
    "aTL-faces",
    "OPA",
    "PPA",
    "RSC",
    "OWFA",
    "VWFA-1",
    "VWFA-2",
    "mfs-words",
    "mTL-words",
    "early",
    "midventral",
    "midlateral",
    "midparietal",
    "ventral",
    "lateral",
    "parietal",
    "nsdgeneral",
)


def huze_backbone(tag, size):
    """Vision transformer with LoRA and the inert adaLN, under the checkpoint's names."""
    state = {}

    def put(name, shape, deviation, mean=0.0):
        state[name] = tensor(f"huze/{tag}/{name}", shape, deviation, mean)

    C = size.width
    put("cls_token", (1, 1, C), 0.3)
    put("pos_embed", (1, 1 + 37 * 37, C), 0.3)
    put("mask_token", (1, C), 0.02)
    put("patch_embed.proj.weight", (C, 3, 14, 14), 0.04)
    put("patch_embed.proj.bias", (C,), 0.02)
    for number in range(size.depth):
        block = f"blocks.{number}.block."
        for name in ("norm1", "norm2"):
            put(f"{block}{name}.weight", (C,), 0.1, 1.0)
            put(f"{block}{name}.bias", (C,), 0.05)
        put(block + "ls1.gamma", (C,), 0.1, 0.5)
        put(block + "ls2.gamma", (C,), 0.1, 0.5)
        for name, n_out, n_in in (
            ("attn.qkv", 3 * C, C),
            ("attn.proj", C, C),
            ("mlp.fc1", 4 * C, C),
            ("mlp.fc2", C, 4 * C),
        ):
            put(f"{block}{name}.fc.weight", (n_out, n_in), n_in**-0.5)
            put(f"{block}{name}.fc.bias", (n_out,), 0.05)
            put(f"{block}{name}.fc_lora.down.weight", (size.rank, n_in), 1 / size.rank)
            put(f"{block}{name}.fc_lora.up.weight", (n_out, size.rank), 0.1)
        put(f"blocks.{number}.adaLN.adaLN_modulation.0.weight", (6 * C, 256), 0.5)
    put("norm.weight", (C,), 0.1, 1.0)
    put("norm.bias", (C,), 0.05)
    return state


def huze_part(tag, subject, size, coordinates):
    """One part of a subject's checkpoint."""
    C, W = size.width, size.readout_width
    state = {}

    def put(name, shape, deviation, mean=0.0):
        state["model." + name] = tensor(f"huze/{tag}/{name}", shape, deviation, mean)

    for name, value in huze_backbone(tag + "/bb", size).items():
        state["model.backbone.vision_model." + name] = value
    for layer in size.layers:
        stack = f"conv_blocks.blocks_dict.{layer}.block."
        for step in (0, 1):
            put(f"{stack}{step}.0.weight", (C, C, 5, 5), (25 * C) ** -0.5)
            put(f"{stack}{step}.1.weight", (C,), 0.1, 1.0)
            put(f"{stack}{step}.1.bias", (C,), 0.05)
        put(stack + "2.0.weight", (W, C, 5, 5), (25 * C) ** -0.5)
        n_in = C if layer == size.depth - 1 else 2 * C
        summary = f"cls_blocks.mlp_dict.{layer}."
        put(summary + "fc1.weight", (n_in, n_in), n_in**-0.5)
        put(summary + "fc1.bias", (n_in,), 0.05)
        put(summary + "fc2.weight", (W, n_in), n_in**-0.5)
        put(summary + "fc2.bias", (W,), 0.05)
    for name, n_out in (("layer_selector", len(size.layers)), ("retina_mapper", 2)):
        for number, shape in ((1, (128, 192)), (3, (128, 128)), (5, (n_out, 128))):
            put(f"{name}.{subject}.mlp.{number}.weight", shape, 2.0 * shape[1] ** -0.5)
            put(f"{name}.{subject}.mlp.{number}.bias", shape[:1], 0.1)
    put(f"voxel_outs_weight.{subject}.weight", (len(coordinates), W), 1.0)
    put(f"voxel_outs_weight.{subject}.bias", (len(coordinates),), 0.1)
    state[f"coord_dict.{subject}"] = torch.from_numpy(coordinates)
    return state


def write_huze(home, size=HuzeSize(), subjects=(1, 2)):
    """BERG's folders of huze; subject 2's part 2 holds only what part 1 has not."""
    weights = make_folder(home, HUZE, "encoding_models_weights")
    indices = {}
    for number in subjects:
        subject = f"subj{number:02d}"
        tag = f"{size.tag}/{subject}"
        draw = generator(f"huze/{tag}/idx")
        index = np.sort(draw.choice(N_VERTICES, size=size.n_first, replace=False))
        indices[subject] = index.astype(np.int64)
        coordinates = normal(f"huze/{tag}/coords", (N_VERTICES, 3), 30.0)
        keep = np.ones(N_VERTICES, bool)
        if number == 2:
            keep[index] = False
        for part, some in (("1", coordinates[index]), ("2", coordinates[keep])):
            state = huze_part(f"{tag}/p{part}", subject, size, some)
            torch.save(state, weights / f"{subject}_part{part}.pth")
        write_huze_regions(home, number, tag, index)
    torch.save(indices, weights / "part1_voxel_indices.pt")
    return home


def write_huze_regions(home, number, tag, index):
    """Metadata of one subject: V1v lies inside part 1, the others in both; some are empty."""
    fmri = {}
    for side, start in (("lh", 0), ("rh", 163_842)):
        draw = generator(f"huze/{tag}/{side}roi")
        inside = index[(index >= start) & (index < start + 163_842)] - start
        regions = {}
        for name in HUZE_REGIONS:
            if name in ("mTL-faces", "mTL-bodies") or (name == "FFA-2" and side == "lh"):
                regions[name] = np.array([], np.int64)
            elif name == "V1v":
                regions[name] = np.sort(draw.choice(inside, 60, replace=False))
            else:
                some = [draw.choice(inside, 30), draw.choice(163_842, 40)]
                regions[name] = np.unique(np.concatenate(some))
        fmri[f"{side}_fsaverage_rois"] = regions
    folder = make_folder(home, HUZE, "metadata")
    content = {"fmri": fmri, "encoding_models": {}}
    np.save(folder / f"metadata_subject-{number:02d}.npy", content, allow_pickle=True)


# Text2fMRI


@dataclass(frozen=True)
class TextSize:
    """Sizes of a variant; the default is that of the golden arrays."""

    tag: str = "tiny"
    n_layers: int = 2
    n_heads: int = 4
    width: int = 128
    subject_width: int = 16
    llm: str = "synthetic/tiny-qwen"
    llm_width: int = 48
    llm_layers: int = 5
    llm_heads: int = 4
    llm_key_heads: int = 2
    llm_inner: int = 96
    n_words: int = 320
    context: int = 64
    dtype: torch.dtype = torch.float32


FULL_TEXT = TextSize(
    "default", 4, 8, 1024, 128, "Qwen/Qwen2.5-0.5B", 896, 24, 14, 2, 4864, 151_936, 32_768,
    torch.bfloat16,
)  # fmt: skip
TEXT = "encoding_models/modality-fmri/train_dataset-cneuromod_algo2025/model-text2fmri"
TINY_VARIANT = "synthetic/Text2fMRI-tiny"
NETWORKS = ("Vis", "SomMot", "DorsAttn", "SalVentAttn", "Limbic", "Cont", "Default")
PARCELS_A_SIDE = (81, 93, 66, 58, 26, 73, 103)


def text_head(size):
    """State of a head."""
    state = {}
    D, F = size.width, size.llm_width
    n_in = F + size.subject_width

    def put(name, shape, deviation, mean=0.0):
        state[name] = tensor(f"text/{size.tag}/{name}", shape, deviation, mean)

    put("subj_emb.weight", (4, size.subject_width), 1.0)
    put("inp.weight", (D, n_in), n_in**-0.5)
    put("inp.bias", (D,), 0.05)
    for number in range(size.n_layers):
        attention, forward = f"encoder.layers.{2 * number}.", f"encoder.layers.{2 * number + 1}."
        put(attention + "0.0.g", (1,), 0.2)
        for name in ("to_q", "to_k", "to_v", "to_out"):
            put(f"{attention}1.{name}.weight", (D, D), D**-0.5)
        put(forward + "0.0.g", (1,), 0.2)
        put(forward + "1.ff.0.0.weight", (4 * D, D), D**-0.5)
        put(forward + "1.ff.0.0.bias", (4 * D,), 0.05)
        put(forward + "1.ff.2.weight", (D, 4 * D), (4 * D) ** -0.5)
        put(forward + "1.ff.2.bias", (D,), 0.05)
    head_width = D // size.n_heads
    steps = np.arange(0, head_width, 2, dtype=np.float32) / head_width
    state["encoder.rotary_pos_emb.inv_freq"] = torch.from_numpy(
        (1.0 / 10000**steps).astype(np.float32)
    )
    put("encoder.final_norm.g", (1,), 0.2)
    put("out.weight", (1000, D), D**-0.5)
    put("out_bias.weight", (4, 1000), 0.3)
    return state


def llm_state(size):
    """State of a Qwen2 language model."""
    state = {}
    D, inner = size.llm_width, size.llm_inner
    head_width = D // size.llm_heads
    n_all, n_key = size.llm_heads * head_width, size.llm_key_heads * head_width

    def put(name, shape, deviation, mean=0.0):
        full = f"llm/{D}x{size.llm_layers}/{name}"
        state[name] = tensor(full, shape, deviation, mean).to(size.dtype)

    put("model.embed_tokens.weight", (size.n_words, D), 0.5)
    for number in range(size.llm_layers):
        layer = f"model.layers.{number}."
        put(layer + "input_layernorm.weight", (D,), 0.1, 1.0)
        put(layer + "post_attention_layernorm.weight", (D,), 0.1, 1.0)
        for name, n_out in (("q_proj", n_all), ("k_proj", n_key), ("v_proj", n_key)):
            put(f"{layer}self_attn.{name}.weight", (n_out, D), D**-0.5)
            put(f"{layer}self_attn.{name}.bias", (n_out,), 0.1)
        put(layer + "self_attn.o_proj.weight", (D, n_all), D**-0.5)
        put(layer + "mlp.gate_proj.weight", (inner, D), D**-0.5)
        put(layer + "mlp.up_proj.weight", (inner, D), D**-0.5)
        put(layer + "mlp.down_proj.weight", (D, inner), inner**-0.5)
    put("model.norm.weight", (D,), 0.1, 1.0)
    return state


def hub_folder(cache, repository):
    """Snapshot folder of a repository in a Hugging Face cache."""
    base = make_folder(cache, "models--" + repository.replace("/", "--"))
    make_folder(base, "refs").joinpath("main").write_text(COMMIT)
    return make_folder(base, "snapshots", COMMIT)


def write_tokenizer(folder):
    """Byte-pair tokenizer with Qwen's pre-tokenizer and a vocabulary of 320."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    text = [
        "Hello, are you awake? Yes, I am here.\n",
        "\n\n",
        "\n\n\n",
        "the cat sat on the mat.\n\n",
        "What is it, really?\n",
    ] * 60
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    content = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 131072,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(content))


def write_text(home, size=TextSize(), variant=TINY_VARIANT):
    """BERG's folders of Text2fMRI: language model, head, networks."""
    from safetensors.torch import save_file
    from transformers import Qwen2Config

    cache = make_folder(home, TEXT, "encoding_models_weights")
    folder = hub_folder(cache, size.llm)
    write_tokenizer(folder)
    config = Qwen2Config(
        hidden_size=size.llm_width,
        num_hidden_layers=size.llm_layers,
        num_attention_heads=size.llm_heads,
        num_key_value_heads=size.llm_key_heads,
        intermediate_size=size.llm_inner,
        vocab_size=size.n_words,
        max_position_embeddings=size.context,
        tie_word_embeddings=True,
        rms_norm_eps=1e-6,
        architectures=["Qwen2ForCausalLM"],
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
    )
    config.save_pretrained(folder)
    save_file(llm_state(size), folder / "model.safetensors", metadata={"format": "pt"})
    folder = hub_folder(cache, variant)
    content = {
        "architectures": ["Text2fMRIModel"],
        "tr": 1.49,
        "num_subjects": 4,
        "num_rois": 1000,
        "num_transformer_layers": size.n_layers,
        "num_transformer_heads": size.n_heads,
        "transformer_dim": size.width,
        "subject_embedding_dim": size.subject_width,
        "extractor_LLM": size.llm,
        "extractor_LLM_feature_size": size.llm_width,
        "extractor_LLM_dtype": "float32",
        "extractor_LLM_num_last_hidden_states": 4,
    }
    (folder / "config.json").write_text(json.dumps(content))
    torch.save(text_head(size), folder / "model.pt")
    network = np.repeat(NETWORKS * 2, PARCELS_A_SIDE * 2)
    masks = {name: (network == name).astype(int) for name in sorted(NETWORKS)}
    metadata = make_folder(home, TEXT, "metadata")
    np.save(metadata / "metadata.npy", {"roi_masks": masks}, allow_pickle=True)
    return home
