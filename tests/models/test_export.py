import csv
import dataclasses
import io
import json
import re
import zipfile

import nibabel as nib
import numpy as np
import pandas
import pytest
from nilearn.surface import load_surf_data

from models.analysis.roi import region_means
from models.atlases import RegionMasks, load_atlas
from models.errors import SpaceMismatchError, UnknownRegionError
from models.export import (
    bundle_zip,
    courses_csv,
    file_name,
    gifti,
    npz,
    provenance_lines,
    region_csv,
)
from models.spaces import get_space
from models.types import Space
from tests.models.samples import TOY_ATLAS, a_blob, a_provenance, a_response

NAN = np.nan
EVIL = '=HYPERLINK("http://x"),<b>\nV"1'


def read_csv(content):
    """Comments as a dict and the table as dicts, with the standard library's reader."""
    text = content.decode("utf-8")
    comments, rest = {}, text
    while rest.startswith("#"):
        line, rest = rest.split("\r\n", 1)
        key, value = line.removeprefix("# ").split(": ", 1)
        comments[key] = value
    return comments, list(csv.DictReader(io.StringIO(rest, newline=""), strict=True))


def test_csv_says_where_the_numbers_come_from_before_the_numbers():
    comments, _ = read_csv(region_csv(a_response([[1] * 8]), TOY_ATLAS))
    assert comments["what"] == "Boldcast: prediction, not measured"
    assert comments["model"] == "Reference model (R1) [reference-vision]"
    assert comments["version"] == "R1 parameters 1"
    assert comments["subject"] == "Average brain"
    assert comments["unit"] == "relative response (model units)"
    assert comments["caveat"] == "Not a prediction for any individual."
    assert comments["space"] == "toy"
    assert comments["atlas"] == "toy areas"
    assert json.loads(comments["selection"]) == {"subjects": ["average"], "regions": ["V1"]}
    assert json.loads(comments["settings"]) == {"visual_angle_deg": 8.4}


def test_csv_holds_every_row_region_and_hemisphere_with_hand_computed_numbers():
    response = a_response([[0, 2, 4, 9, 6, 1, 5, 9], [NAN, 3, NAN, 9, 6, 1, 5, 9]])
    _, lines = read_csv(region_csv(response, TOY_ATLAS, low_confidence=("V2",)))
    assert len(lines) == 8
    assert lines[0] == {
        "row": "0",
        "row_label": "picture 0",
        "region": "V1",
        "hemisphere": "left",
        "mean": "1.0",
        "sd": "1.0",
        "minimum": "0.0",
        "maximum": "2.0",
        "n_vertices": "2",
        "n_modelled": "2",
        "confidence": "as stated",
    }
    second = [x for x in lines if x["row"] == "1" and x["hemisphere"] == "left"]
    assert [(x["mean"], x["n_modelled"]) for x in second] == [("3.0", "1"), ("", "0")]
    assert lines[2]["confidence"] == "low"


def test_csv_numbers_give_back_the_same_float32():
    values = np.random.default_rng(5).normal(size=(3, 8)).astype(np.float32) * 1e-7
    response = a_response(values)
    _, lines = read_csv(region_csv(response, TOY_ATLAS, ["V2"], ["left"]))
    read = np.array([float(line["mean"]) for line in lines])
    np.testing.assert_array_equal(read.astype(np.float32), values[:, 2])
    np.testing.assert_array_equal(read, region_means(response, TOY_ATLAS, "V2", "left"))


def test_csv_lines_end_as_rfc_4180_says_and_text_is_utf_8():
    content = region_csv(a_response([[1] * 8], row_labels=("größe 漢字.png",)), TOY_ATLAS)
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    _, lines = read_csv(content)
    assert lines[0]["row_label"] == "größe 漢字.png"


@pytest.mark.parametrize("label", [EVIL, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =1", "\t=1"])
def test_csv_text_is_never_a_formula_and_survives_quoting(label):
    content = region_csv(a_response([[1] * 8], row_labels=(label,)), TOY_ATLAS)
    _, lines = read_csv(content)
    assert lines[0]["row_label"] == "'" + label
    assert all(len(line) == 11 and None not in line for line in lines)


@pytest.mark.parametrize("label", ["-1.5", "plain", "a=b", "", '"quoted"', "<script>", "a,b", "#1"])
def test_csv_leaves_harmless_text_as_it_is(label):
    _, lines = read_csv(region_csv(a_response([[1] * 8], row_labels=(label,)), TOY_ATLAS))
    assert lines[0]["row_label"] == label


def test_csv_leaves_negative_numbers_as_they_are():
    _, lines = read_csv(region_csv(a_response([[-1] * 8], is_signed=True), TOY_ATLAS))
    assert lines[0]["mean"] == "-1.0"


def test_csv_comments_stay_on_their_line_and_hide_no_formula():
    origin = a_provenance(subject="x\r\n=1+1", caveat="first,=cmd() ; @x \x00end")
    text = region_csv(a_response([[1] * 8], provenance=origin), TOY_ATLAS).decode()
    assert "# subject: x =1+1\r\n" in text
    assert "# caveat: first,'=cmd() ; '@x end\r\n" in text
    for line in text.split("\r\n"):
        if line.startswith("#"):
            assert not any(cell.lstrip()[:1] in tuple("=+-@") for cell in re.split("[,;\t]", line))


def test_csv_is_read_by_pandas_as_the_docstring_says():
    response = a_response([[1, 2, 3, NAN, -5, 6, 7, 8]], row_labels=("a,#1\n.png",))
    content = region_csv(response, TOY_ATLAS)
    table = pandas.read_csv(io.BytesIO(content), comment="#")
    assert table["mean"].tolist() == [1.5, -5.0, 3.0, 6.5]
    assert table["row_label"].tolist() == ["a,#1\n.png"] * 4


def test_csv_refuses_what_the_table_refuses():
    with pytest.raises(UnknownRegionError):
        region_csv(a_response([[1] * 8]), TOY_ATLAS, ["V9"])


def over_time(values, **changes):
    """Response over time, 1.49 s a row."""
    labels = tuple(f"{1.49 * row:g}" for row in range(len(values)))
    return a_response(values, row_labels=labels, row_kind="seconds", **changes)


def test_courses_have_a_line_a_volume_and_a_column_a_region():
    response = over_time([[0, 2, 4, 9, 6, 1, 5, 9], [NAN, 3, NAN, 9, 6, 1, 5, 9]])
    content = courses_csv(response, TOY_ATLAS, tr_s=1.49, texts=["", "=one, two"])
    comments, lines = read_csv(content)
    assert comments["tr"] == "1.49 s"
    assert comments["what"] == "Boldcast: prediction, not measured"
    assert comments["limits"] == "0 to 9"
    assert lines == [
        {
            **{"tr": "1", "seconds": "0.0", "text": ""},
            **{"V1 left": "1.0", "V1 right": "6.0", "V2 left": "4.0", "V2 right": "3.0"},
        },
        {
            **{"tr": "2", "seconds": "1.49", "text": "'=one, two"},
            **{"V1 left": "3.0", "V1 right": "6.0", "V2 left": "", "V2 right": "3.0"},
        },
    ]


def test_courses_of_voxels_name_regions_without_a_side():
    space = Space("voxels", "volume", 4, 0)
    masks = RegionMasks("areas", "Areas", space, {"V1": [0, 1], "FFA": [1, 2]})
    response = a_response([[1, 3, 5, 7]], space, row_labels=("0",), row_kind="seconds")
    _, lines = read_csv(courses_csv(response, masks, ["FFA"], tr_s=2))
    assert lines == [{"tr": "1", "seconds": "0.0", "text": "", "FFA": "4.0"}]


def test_courses_are_read_by_pandas_as_the_docstring_says():
    content = courses_csv(over_time([[1] * 8] * 3), TOY_ATLAS, ["V2"], ["left"], tr_s=1.49)
    table = pandas.read_csv(io.BytesIO(content), comment="#")
    assert table["seconds"].tolist() == [0, 1.49, 2.98]
    assert table["V2 left"].tolist() == [1, 1, 1]


def test_courses_need_time_and_one_text_a_row():
    with pytest.raises(SpaceMismatchError, match="rows are pictures"):
        courses_csv(a_response([[1] * 8]), TOY_ATLAS, tr_s=2)
    with pytest.raises(SpaceMismatchError, match="1 rows, but 2 texts"):
        courses_csv(over_time([[1] * 8]), TOY_ATLAS, tr_s=2, texts=["a", "b"])
    with pytest.raises(UnknownRegionError):
        courses_csv(over_time([[1] * 8]), TOY_ATLAS, ["V9"], tr_s=2)


def test_npz_holds_time_and_words_where_they_are_given():
    content = npz(over_time([[1] * 8, [2] * 8]), tr_s=1.49, texts=["one", "zwei 漢"])
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert file["tr_s"].item() == 1.49
        assert file["texts"].tolist() == ["one", "zwei 漢"]
    with np.load(io.BytesIO(npz(a_response([[1] * 8]))), allow_pickle=False) as file:
        assert not {"tr_s", "texts"} & set(file)


def test_npz_gives_back_the_response_without_pickle():
    response = a_response([[1, NAN], [3, 4]], columns=[2, 6], row_labels=("ä", EVIL))
    with np.load(io.BytesIO(npz(response)), allow_pickle=False) as file:
        arrays = dict(file)
    assert arrays["values"].dtype == np.float32
    np.testing.assert_array_equal(arrays["values"], [[1, NAN], [3, 4]])
    np.testing.assert_array_equal(arrays["columns"], [2, 6])
    assert arrays["row_labels"].tolist() == ["ä", EVIL]
    assert arrays["space"].item() == "toy"
    assert arrays["units"].item() == response.units
    assert arrays["row_kind"].item() == "picture"
    assert not arrays["is_signed"].item()
    assert (arrays["n_left"].item(), arrays["n_right"].item()) == (4, 4)
    assert json.loads(arrays["provenance"].item()) == response.provenance.as_dict()
    assert json.loads(arrays["provenance"].item())["measured"] is False


def test_equal_responses_give_equal_files():
    assert npz(a_response([[1] * 8])) == npz(a_response([[1] * 8]))


def gifti_of(response, letter, **how):
    """Image of one hemisphere."""
    files = gifti(response, **how)
    (name,) = [name for name in files if name.endswith(f".{letter}.func.gii")]
    return nib.gifti.GiftiImage.from_bytes(files[name])


def test_gifti_has_each_hemisphere_with_its_name_and_all_rows_by_label():
    response = a_response([[0, 1, 2, NAN, 4, 5, 6, 7], [10, 11, 12, 13, 14, 15, NAN, 17]])
    left, right = gifti_of(response, "L"), gifti_of(response, "R")
    assert left.meta["AnatomicalStructurePrimary"] == "CortexLeft"
    assert right.meta["AnatomicalStructurePrimary"] == "CortexRight"
    np.testing.assert_array_equal(left.darrays[0].data, np.float32([0, 1, 2, NAN]))
    np.testing.assert_array_equal(right.darrays[0].data, np.float32([4, 5, 6, 7]))
    np.testing.assert_array_equal(right.darrays[1].data, np.float32([14, 15, NAN, 17]))
    assert [array.meta["Name"] for array in left.darrays] == ["picture 0", "picture 1"]


def test_gifti_carries_provenance_on_the_file_and_on_each_array():
    image = gifti_of(a_response([[1] * 8, [2] * 8]), "L")
    for meta in (image.meta, *(array.meta for array in image.darrays)):
        assert meta["Description"] == (
            "prediction, not measured; Not a prediction for any individual."
        )
        assert meta["boldcast_unit"] == "relative response (model units)"
        assert meta["boldcast_model"] == "Reference model (R1) [reference-vision]"
        assert json.loads(meta["boldcast_settings"]) == {"visual_angle_deg": 8.4}


def test_gifti_places_without_a_column_are_nan():
    image = gifti_of(a_response([[7]], columns=[1]), "L")
    np.testing.assert_array_equal(image.darrays[0].data, np.float32([NAN, 7, NAN, NAN]))
    assert np.isnan(gifti_of(a_response([[7]], columns=[1]), "R").darrays[0].data).all()


def test_gifti_can_hold_one_row():
    image = gifti_of(a_response([[1] * 8, [2] * 8]), "R", row=1)
    assert len(image.darrays) == 1
    np.testing.assert_array_equal(image.darrays[0].data, np.float32([2] * 4))


def test_gifti_of_seconds_is_a_time_series_and_of_pictures_is_not():
    pictures = gifti_of(a_response([[1] * 8]), "L")
    seconds = gifti_of(a_response([[1] * 8], row_labels=("0.5",), row_kind="seconds"), "L")
    codes = nib.nifti1.intent_codes
    assert pictures.darrays[0].intent == codes["NIFTI_INTENT_NONE"]
    assert seconds.darrays[0].intent == codes["NIFTI_INTENT_TIME_SERIES"]


def test_gifti_of_seconds_says_the_time_from_row_to_row():
    response = a_response([[1] * 8], row_labels=("0",), row_kind="seconds")
    image = gifti_of(response, "L", tr_s=1.49)
    assert float(image.darrays[0].meta["TimeStep"]) == 1490
    assert image.meta["boldcast_tr"] == "1.49 s"
    assert image.meta["boldcast_limits"] == "0 to 1"
    assert "TimeStep" not in gifti_of(response, "L").darrays[0].meta


def test_gifti_survives_a_label_that_xml_does_not():
    response = a_response([[1] * 8], row_labels=("<b>&\x00\x1b]]>\n",))
    assert gifti_of(response, "L").darrays[0].meta["Name"] == "<b>&]]>"


def test_gifti_is_read_by_nilearn_from_disk(tmp_path):
    response = a_blob("right", 2.5)
    for name, content in gifti(response).items():
        (tmp_path / name).write_bytes(content)
        data = load_surf_data(tmp_path / name)
        assert data.shape == (10242,)
        finite = data[~np.isnan(data)]
        expected = 300 if ".R." in name else 0
        assert finite.size == expected
        assert np.all(finite == np.float32(2.5))


def test_gifti_of_parcels_is_refused():
    parcels = Space("areas", "parcels", 1, 1)
    with pytest.raises(SpaceMismatchError, match=r"vertex.*parcels"):
        gifti(a_response([[1, 2]], parcels))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("subj 01", "boldcast_reference-vision_subj-01_regions.csv"),
        ("../../etc/passwd", "boldcast_reference-vision_etc-passwd_regions.csv"),
        ("a\\b:c*?<>|\x00", "boldcast_reference-vision_a-b-c_regions.csv"),
        ("漢字", "boldcast_reference-vision_unnamed_regions.csv"),
        ("é" * 200, "boldcast_reference-vision_" + "e" * 60 + "_regions.csv"),
    ],
)
def test_file_names_are_safe(subject, expected):
    response = a_response([[1] * 8], provenance=a_provenance(subject=subject))
    assert file_name(response, "regions", "csv") == expected


def test_bundle_holds_everything_and_a_readme_with_the_caveat_and_the_names():
    response, atlas = (
        a_blob("left", row_labels=("cat & dog.png",)),
        load_atlas("fsaverage5", "retinotopy"),
    )
    content = bundle_zip(response, atlas, extra={"../still.png": b"png", "C:\\x\\.hidden": b"h"})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    stem = "boldcast_reference-vision_Average-brain"
    assert list(files) == [
        "README.txt",
        f"{stem}_regions.csv",
        f"{stem}_values.npz",
        f"{stem}_values.L.func.gii",
        f"{stem}_values.R.func.gii",
        "still.png",
        "hidden",
    ]
    readme = files["README.txt"].decode()
    assert "prediction, not measured" in readme
    assert "Not a prediction for any individual." in readme
    assert "cat & dog.png" in readme
    assert all(name in readme for name in files if name != "README.txt")
    assert files[f"{stem}_regions.csv"] == region_csv(response, atlas)
    assert files[f"{stem}_values.npz"] == npz(response)
    assert files["still.png"] == b"png"


def test_bundle_of_parcels_has_no_gifti():
    parcels = Space("areas", "parcels", 4, 4)
    atlas = dataclasses.replace(TOY_ATLAS, space=parcels)
    with zipfile.ZipFile(io.BytesIO(bundle_zip(a_response([[1] * 8], parcels), atlas))) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".gii")]


def test_bundle_of_a_transcript_has_its_words_and_times_in_every_file():
    response, texts = over_time([[1] * 8, [2] * 8]), ("one", "two")
    content = bundle_zip(response, TOY_ATLAS, tr_s=1.49, texts=texts)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name.rpartition("_")[2]: archive.read(name) for name in archive.namelist()}
    assert files["volumes.csv"] == courses_csv(response, TOY_ATLAS, tr_s=1.49, texts=texts)
    with np.load(io.BytesIO(files["values.npz"])) as arrays:
        assert arrays["texts"].tolist() == ["one", "two"]
        assert arrays["tr_s"] == 1.49
    left = nib.gifti.GiftiImage.from_bytes(files["values.L.func.gii"])
    assert float(left.darrays[1].meta["TimeStep"]) == 1490
    assert "tr: 1.49 s" in files["README.txt"].decode()


def test_provenance_lines_leave_out_what_is_unknown():
    response = a_response([[1] * 8], provenance=a_provenance(citation="", licence=""))
    keys = [key for key, _ in provenance_lines(response)]
    assert "citation" not in keys
    assert "weights_sha256" in keys


def test_fsaverage5_values_land_in_their_own_hemisphere():
    left = gifti_of(a_blob("left"), "L").darrays[0].data
    assert left.shape == (get_space("fsaverage5").n_left,)
    assert np.nansum(left) == 300
