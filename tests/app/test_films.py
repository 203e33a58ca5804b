"""The glass brain, films, pictures and volumes of an answer: on the page, and what files hold."""

import gzip
import io
import json
import time

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from app import film_cache
from app.film_cache import Order
from components.glass.wire import decode_glass
from components.message import decode_message, decode_values
from models.drawing.glass import NAN_CODE, GlassProjector
from models.errors import Cancelled
from tests.app import test_transcripts_parcels as parcels_page
from tests.app.test_transcripts import SRT, answer_of, engine, open_page, paste, widget
from tests.app.test_transcripts_parcels import here
from tests.models.media_samples import read_gif, read_video

__all__ = ["engine", "here"]  # fixtures


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    """Volume with all 1,000 parcels: boxes of 8 mm in MNI space, the left ones at x < 0."""
    numbers = np.arange(1000).reshape(10, 10, 10)
    labels = np.kron(numbers, np.ones((8, 8, 8), int)).astype(np.int16) + 1
    affine = np.eye(4)
    affine[:3, 3] = (-40, -60, -20)
    path = tmp_path_factory.mktemp("atlas") / "atlas.nii.gz"
    nib.save(nib.Nifti1Image(labels, affine), path)
    return path


@pytest.fixture
def short(engine):
    """Answer to subtitles of 9 volumes of 2 s."""
    return answer_of(paste(open_page(), SRT))


def glass_of(test):
    """What the glass brain got; it comes when its projection is worked out."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [one for one in test.get("bidi_component") if is_glass(one)]
        if found:
            (view,) = found
            return view.proto
        time.sleep(0.1)
        test.run()
    raise AssertionError("The glass brain never came.")


def is_glass(element):
    return "boldcast_glass" in element.proto.component_name


@pytest.mark.usefixtures("engine")
def test_the_glass_brain_shows_the_answer_and_follows_the_cortex():
    test = open_page()
    view = glass_of(test)
    assert view.component_name.endswith("transcripts-glass_transcripts")
    header, codes, _ = decode_glass(view.bytes)
    response = answer_of(test).response
    sequence = GlassProjector("mmp360").project_response(response)
    np.testing.assert_array_equal(codes, sequence.codes)
    assert header["n_frames"] == 66
    assert header["frame_rate_hz"] == 0.5
    titles = [(one["title"], one["left"], one["right"]) for one in header["views"]]
    assert titles[0] == ("left hemisphere", "A", "P")
    assert titles[1] == ("from behind", "L", "R")
    assert (header["names"][23], header["names"][203]) == ("A1 · left", "A1 · right")
    assert (codes == NAN_CODE).any()  # areas that are not modelled are no zeros


@pytest.mark.usefixtures("engine")
def test_both_brains_start_with_the_same_colours():
    test = open_page()
    (cortex,) = [
        one for one in test.get("bidi_component") if "boldcast_brain" in one.proto.component_name
    ]
    ours, _ = decode_message(glass_of(test).bytes)
    theirs, _ = decode_message(cortex.proto.bytes)
    for name in ("limit", "colormap", "minimum", "maximum", "units", "is_signed"):
        assert ours[name] == theirs[name], name
    assert film_cache.colour_limit(answer_of(test)) == pytest.approx(theirs["limit"])


def test_a_gif_has_every_volume_in_real_time_or_at_the_stated_factor(short):
    film = film_cache.make(short, Order("gif", rate_hz=0.5))
    frames, durations, info = read_gif(io.BytesIO(film))
    assert len(frames) == 9
    assert durations == [2000] * 9
    facts = json.loads(info["comment"])
    assert facts["what"].endswith("prediction, not measured")
    assert facts["model"].startswith("Reference model of language areas (R2)")
    assert (facts["tr"], facts["speed"], facts["subject"]) == ("2 s", "1 x real time", "average")
    assert len({frame.tobytes() for frame in frames}) == 9
    fast = film_cache.make(short, Order("gif", rate_hz=2.0))
    _, durations, info = read_gif(io.BytesIO(fast))
    assert durations == [500] * 9
    assert json.loads(info["comment"])["speed"] == "4 x real time"


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_film_of_the_cortex_has_every_volume_at_its_time(short, kind, tmp_path):
    path = tmp_path / f"film.{kind}"
    path.write_bytes(film_cache.make(short, Order(kind, "four", rate_hz=0.5)))
    frames, starts, _ = read_video(path)
    assert len(frames) == 9
    np.testing.assert_allclose(starts, 2.0 * np.arange(9), atol=1e-3)


def test_long_films_of_parcels_put_few_rows_on_the_mesh_at_once(short, monkeypatch):
    monkeypatch.setattr(film_cache, "_ROWS_AT_ONCE", 4)
    frames = lambda: list(film_cache._frames(short, short.response, "four", look))  # noqa: E731
    look = film_cache._look(short, 0.0)
    cut = frames()
    monkeypatch.setattr(film_cache, "_ROWS_AT_ONCE", 100)
    np.testing.assert_array_equal(cut, frames())


def test_a_picture_is_its_frame_of_the_film_with_the_footer(short):
    one, other = (
        film_cache.make(short, Order("png", "glass", row=row, threshold=threshold))
        for row, threshold in ((4, 0.0), (4, 0.9 * film_cache.colour_limit(short)))
    )
    with Image.open(io.BytesIO(one)) as picture:
        facts = json.loads(picture.text["Provenance"])
        assert "real time" not in picture.text["Description"]
        assert "TR 2 s" in picture.text["Description"]
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert facts["tr"] == "2 s"
    look = film_cache._look(short, 0.0)
    frames = list(film_cache._frames(short, short.response, "glass", look))
    top = 28  # the label's height
    shown = pixels[top : top + len(frames[4])]
    assert np.abs(shown - frames[4]).max() <= 4  # 255 steps over its own range, or over all rows'
    with Image.open(io.BytesIO(other)) as picture:
        hidden = np.asarray(picture.convert("RGB")).astype(int)
        assert "|value| from" in picture.text["Description"]

    def n_red(shown):
        shown = shown[top : top + 250]
        return (shown[..., 0] - shown[..., 2] > 60).sum()

    assert 0 < n_red(hidden) < n_red(pixels) / 2


def test_vertices_of_an_area_get_its_value_in_files_for_other_viewers(short):
    dense = film_cache.make(short, Order("dense"))
    image = nib.cifti2.Cifti2Image.from_bytes(dense)
    series, axis = image.header.get_axis(0), image.header.get_axis(1)
    assert (series.step, series.size, axis.size) == (2.0, 9, 59_412)
    left = film_cache.make(short, Order("gifti-left"))
    gifti = nib.gifti.GiftiImage.from_bytes(left)
    assert len(gifti.darrays) == 9
    values = np.stack([one.data for one in gifti.darrays])
    assert values.shape == (9, 32_492)
    response = short.response
    held = response.values[:, response.column_indices < 180]
    known = np.isfinite(values[0])
    np.testing.assert_array_equal(np.unique(values[3, known]), np.unique(held[3]))


def test_what_cannot_be_made_is_not_offered(short):
    assert film_cache.kinds(short) == (
        *("gif", "mp4", "webm", "png", "dense", "gifti-left", "gifti-right"),
    )
    names = {film_cache.file_name(short, Order(kind)) for kind in film_cache.kinds(short)}
    assert len(names) == 7
    assert "boldcast_reference-language_average_glass-brain.gif" in names


def test_a_film_can_be_stopped(short):
    def stop(stage, done, total):
        if done == 3:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        film_cache.make(short, Order("gif"), stop)


@pytest.mark.usefixtures("engine")
def test_the_page_makes_a_picture_and_offers_it():
    test = paste(open_page(), SRT)
    assert widget(test.selectbox, "File").options[0] == "GIF film"
    assert any(
        "9 volumes of 2 s, real time: the film lasts 18 s." in one.value for one in test.caption
    )
    widget(test.selectbox, "File").set_value("png").run()
    widget(test.selectbox, "Volume").set_value(4).run()
    widget(test.button, "Make the file").click().run()
    while not test.session_state["boldcast:memory:film"].is_finished:
        time.sleep(0.05)
    test.run()
    assert not test.exception
    (save,) = [one for one in test.get("download_button") if "Save the file" in one.proto.label]
    assert save.proto.url.endswith(".png") or save.proto.url
    widget(test.selectbox, "Volume").set_value(5).run()  # another picture must be made first
    assert widget(test.button, "Make the file")


@pytest.mark.usefixtures("here")
def test_parcels_of_a_volume_are_seen_through_glass_and_become_volumes(monkeypatch, atlas):
    monkeypatch.setattr("app.cache.find_atlas_file", lambda name: atlas)
    test = parcels_page.open_page()
    answer = answer_of(test)
    header, _, _ = decode_glass(glass_of(test).bytes)
    assert header["note"] == "Voxels in MNI space."
    assert (header["n_frames"], header["marks"]["n_left"]) == (answer.response.n_rows, 10242)
    assert header["names"][6] == "Vis · left · parcel 6"
    assert "nifti" in film_cache.kinds(answer)
    image = nib.Nifti1Image.from_bytes(gzip.decompress(film_cache.make(answer, Order("nifti"))))
    assert image.header.get_zooms()[3] == pytest.approx(1.49)
    assert image.header.get_xyzt_units() == ("mm", "sec")
    assert image.shape[3] == answer.response.n_rows
    # Parcel 123 (column) fills x 40 + 8 .. 40 + 16 mm from the corner: its middle in mm.
    i, j, k = np.unravel_index(123, (10, 10, 10))
    place = np.array([-40 + 8 * i + 4, -60 + 8 * j + 4, -20 + 8 * k + 4, 1])
    voxel = tuple(np.rint(np.linalg.inv(image.affine) @ place)[:3].astype(int))
    np.testing.assert_array_equal(image.get_fdata()[voxel], answer.response.values[:, 123])
    (cortex,) = [
        one for one in test.get("bidi_component") if "boldcast_brain" in one.proto.component_name
    ]
    assert np.isfinite(decode_values(*decode_message(cortex.proto.bytes))).any()
