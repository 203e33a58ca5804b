"""The binary message: what goes in comes out, in Python and in the browser's own code."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from components.brain.wire import (
    NAN_CODE,
    decode_message,
    decode_values,
    pack_response,
    strongest_regions,
)
from models.types import Provenance, Response, Space

SHARED = Path(__file__).parents[2] / "components" / "shared"
PROVENANCE = Provenance("m", "A model", "1", "0" * 64, "subject 1", "Only a guess.", "GUESS")
SPACE = Space("tiny", "surface", 4, 3)
NODE = shutil.which("node")


@dataclass(frozen=True)
class TinyAtlas:
    name: str
    names: tuple[str, ...]
    labels: np.ndarray


ATLAS = TinyAtlas("areas", ("V1", "V2"), np.array([1, 1, 2, 0, 1, 2, 2], np.int16))


def response(values, space=SPACE, is_signed=True):
    labels = tuple(f"picture {i}" for i in range(len(values)))
    return Response(np.asarray(values, "f4"), space, labels, "z", is_signed, PROVENANCE)


def random_values(shape=(5, 7), seed=0):
    values = np.random.default_rng(seed).normal(scale=3.0, size=shape).astype("f4")
    values[:, 3] = np.nan
    return values


def test_u8_frames_are_right_to_half_a_step_and_nan_stays_nan():
    values = random_values()
    header, payload = decode_message(pack_response(response(values), mesh_url="m"))
    decoded = decode_values(header, payload)
    step = (np.nanmax(values) - np.nanmin(values)) / 254
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(values))
    assert np.nanmax(np.abs(decoded - values)) <= step / 2 * 1.001


def test_u8_codes_are_as_computed_by_hand():
    values = [[0.0, 1.0, 2.0, np.nan, 254.0, 100.4, 100.6]]
    header, payload = decode_message(pack_response(response(values), mesh_url="m"))
    assert list(payload[:7]) == [0, 1, 2, NAN_CODE, 254, 100, 101]
    assert (header["minimum"], header["maximum"]) == (0.0, 254.0)


def test_one_byte_a_vertex_and_frame():
    for frames in (1, 40):
        values = np.ones((frames, 7)) * np.arange(7)
        header, payload = decode_message(pack_response(response(values), mesh_url="m"))
        assert header["n_frames"] == frames
        assert len(payload) == 7 * frames + (-7 * frames) % 4


def test_f16_frames_are_halves_of_the_values():
    values = random_values()
    header, payload = decode_message(pack_response(response(values), mesh_url="m", encoding="f16"))
    np.testing.assert_array_equal(decode_values(header, payload), values.astype("f2").astype("f4"))


def test_a_value_too_large_for_a_half_is_refused():
    with pytest.raises(ValueError, match="65504"):
        pack_response(response([[1e6, 0, 0, 0, 0, 0, 0]]), mesh_url="m", encoding="f16")


@pytest.mark.parametrize("value", [np.nan, 0.0, 5.0])
def test_a_constant_map_packs(value):
    header, payload = decode_message(pack_response(response([[value] * 7]), mesh_url="m"))
    assert header["maximum"] > header["minimum"]
    assert header["limit"] > 0
    np.testing.assert_array_equal(decode_values(header, payload), np.float32([[value] * 7]))


def test_limit_is_the_99th_percentile_over_all_frames():
    values = np.zeros((2, 7), "f4")
    values[1] = [-10, 1, 2, 3, 4, 5, 6]
    header, _ = decode_message(pack_response(response(values), mesh_url="m"))
    # 14 magnitudes; rank 0.99 * 13 = 12.87 lies between 6 and 10
    assert header["limit"] == pytest.approx(6 + 0.87 * 4)


def test_header_carries_what_must_be_read_with_the_picture():
    header, _ = decode_message(pack_response(response(random_values()), mesh_url="a/mesh.bin.gz"))
    assert header["footer"] == "A model · subject 1 · tiny · z · prediction, not measured"
    assert header["badge"] == "GUESS"
    assert header["caveat"] == "Only a guess."
    assert header["units"] == "z"
    assert header["mesh"] == "a/mesh.bin.gz"
    assert header["row_labels"] == [f"picture {i}" for i in range(5)]
    assert header["colormap"] == "RdBu_r"


def test_unsigned_values_get_a_sequential_map():
    header, _ = decode_message(
        pack_response(response(np.abs(random_values()), is_signed=False), mesh_url="m")
    )
    assert header["colormap"] == "viridis"
    assert "RdBu_r" not in [one["name"] for one in header["colormaps"]]


def test_id_follows_content_and_header():
    values = random_values()
    ids = {
        decode_message(message)[0]["id"]
        for message in (
            pack_response(response(values), mesh_url="m"),
            pack_response(response(values), mesh_url="m"),
            pack_response(response(values + 1), mesh_url="m"),
            pack_response(response(values), mesh_url="other"),
        )
    }
    assert len(ids) == 3


def test_payload_starts_aligned_whatever_the_header():
    for word in ("", "é", "abc", "abcd€"):
        message = pack_response(response(random_values()), mesh_url=word)
        length = int.from_bytes(message[4:8], "little")
        assert (8 + length) % 4 == 0


def test_pictures_come_as_one_strip():
    pictures = [np.full((30, 60, 3), 10 * i, np.uint8) for i in range(5)]
    header, payload = decode_message(
        pack_response(response(random_values()), mesh_url="m", thumbnails=pictures)
    )
    place = header["thumbnails"]
    strip = payload[place["offset"] : place["offset"] + place["length"]]
    assert strip[:2] == b"\xff\xd8"
    assert (place["count"], place["width"], place["height"]) == (5, 48, 48)
    assert place["offset"] == 36  # 35 codes, padded to 4


def test_what_is_said_travels_with_its_rows():
    one = response([[1.0] * 7, [2.0] * 7])
    header, _ = decode_message(pack_response(one, mesh_url="m", row_texts=["Hello <b>", ""]))
    assert header["row_texts"] == ["Hello <b>", ""]
    assert "row_texts" not in decode_message(pack_response(one, mesh_url="m"))[0]
    with pytest.raises(ValueError, match="1 texts for 2 rows"):
        pack_response(one, mesh_url="m", row_texts=["Hello"])


def test_thumbnails_must_match_the_rows():
    with pytest.raises(ValueError, match="2 thumbnails for 5 rows"):
        pack_response(
            response(random_values()),
            mesh_url="m",
            thumbnails=[np.zeros((4, 4, 3), np.uint8)] * 2,
        )


def test_strongest_regions_are_means_without_nan():
    values = np.float32([[1, 3, 5, 9, -7, np.nan, 2], [np.nan] * 7])
    summary = strongest_regions(values, 4, ATLAS)
    assert summary["names"] == ["V1 left", "V1 right", "V2 left", "V2 right"]
    assert summary["rows"] == [[[1, -7.0], [2, 5.0], [0, 2.0], [3, 2.0]], []]


def parcel_message(encoding="u8"):
    space = Space("two", "parcels", 2, 2)
    values = np.float32([[1, 2, 3, 4], [5, 6, np.nan, 8], [0, -1, -2, -3]])
    atlas = TinyAtlas("areas", ("V1", "V2"), np.array([1, 2, 1, 2], np.int16))
    return values, pack_response(
        response(values, space),
        mesh_url="m",
        mesh_vertices=(4, 3),
        mesh_space="tiny",
        atlas=atlas,
        encoding=encoding,
    )


def test_parcels_travel_as_frames_by_parcels():
    values, message = parcel_message()
    header, payload = decode_message(message)
    assert (header["kind"], header["n_parcels"], header["n_parcels_left"]) == ("parcels", 4, 2)
    assert (header["n_left"], header["n_right"], header["space"]) == (4, 3, "tiny")
    np.testing.assert_allclose(decode_values(header, payload), values, atol=11 / 254 / 2 * 1.001)


def test_parcels_need_a_mesh_size_and_an_atlas():
    with pytest.raises(ValueError, match="mesh_vertices"):
        pack_response(response([[1, 2, 3, 4]], Space("two", "parcels", 2, 2)), mesh_url="m")


if NODE:

    @pytest.mark.parametrize("kind", ["u8", "f16", "parcels", "parcels f16"])
    def test_the_browsers_code_reads_the_same_numbers(kind, tmp_path):
        if kind.startswith("parcels"):
            _, message = parcel_message("f16" if "f16" in kind else "u8")
        else:
            message = pack_response(response(random_values()), mesh_url="é", encoding=kind)
        path = tmp_path / "message.bin"
        path.write_bytes(message)
        script = f"""
          import {{ readFileSync }} from "node:fs";
          import * as wire from {json.dumps(SHARED.joinpath("wire.js").as_uri())};
          const {{ header, payload }} = wire.decodeMessage(readFileSync({json.dumps(str(path))}));
          const codes = wire.frameCodes(header, payload);
          const width = wire.frameLength(header);
          const rows = [];
          for (let t = 0; t < header.n_frames; t++)
            rows.push([...Array(width).keys()].map(
              (i) => wire.decodeValue(header, codes, t, i)));
          console.log(JSON.stringify({{ id: header.id, rows }}));
        """
        done = subprocess.run(
            [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
        )
        answer = json.loads(done.stdout)
        header, payload = decode_message(message)
        browser = np.array(answer["rows"], dtype=float)  # JSON writes NaN as null
        assert answer["id"] == header["id"]
        np.testing.assert_allclose(browser, decode_values(header, payload), rtol=1e-6, atol=1e-6)
