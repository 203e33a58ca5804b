"""DINOv2's files come from the hub into the cache where they are looked for."""

import pytest

from models.decoders.image_features import fetch_dinov2, find_dinov2
from models.errors import Cancelled, WeightsError

REPO = "facebook/dinov2-small"


def test_config_and_weights_are_fetched_and_nothing_else(server, home, sources, patience):
    held = {"config.json": b"{}", "model.safetensors": b"w" * 3000, "pytorch_model.bin": b"p"}
    server.add_repository(REPO, held, commit="abc1")
    with pytest.raises(WeightsError, match="hf download"):
        find_dinov2("small", home)
    seen = []
    folder = fetch_dinov2(
        "small", home=home, report=seen.append, sources=sources, patience=patience
    )
    assert folder == find_dinov2("small", home)
    assert sorted(path.name for path in folder.iterdir() if path.name[0] != ".") == [
        "config.json",
        "model.safetensors",
    ]
    assert (folder / "model.safetensors").read_bytes() == b"w" * 3000
    assert seen[-1].total_bytes == 3002


def test_a_cancel_stops_before_anything_is_asked(server, home, sources, patience):
    server.add_repository(REPO, {"config.json": b"{}", "model.safetensors": b"w"})

    def stop(progress):
        raise Cancelled("no")

    with pytest.raises(Cancelled):
        fetch_dinov2("small", home=home, report=stop, sources=sources, patience=patience)


def test_a_repository_without_safe_weights_is_refused(server, home, sources, patience):
    server.add_repository(REPO, {"config.json": b"{}", "pytorch_model.bin": b"p"})
    with pytest.raises(WeightsError, match=r"no model\.safetensors"):
        fetch_dinov2("small", home=home, sources=sources, patience=patience)
