"""The Models page: what it says of each state, and what its buttons begin; nothing is fetched."""

import threading

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import downloads
from app.downloads import Downloads, Progress
from app.views import model_jobs, models
from models.catalog import CATALOG
from models.errors import DiskFullError, OfflineError
from models.weights import convert, files, locations, plans
from models.weights.ask import FetchPlan, Item
from models.weights.remote import NotThereError, RemoteFile
from models.weights.transfer import part_path
from tests.models.weights import malicious
from tests.models.weights.test_files import put_things

THINGS = "fmri-things_fmri_1-vit_b_32"
HUZE = "fmri-nsd_fsaverage-huze"
TEXT = "fmri-cneuromod_algo2025-text2fmri"
FETCH_THINGS_1 = f"python -m models fetch {THINGS} --subject 1"


def page() -> None:
    from app.views import models

    models.render()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty place for files, without the user's caches and settings."""
    names = ["TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "HF_HUB_OFFLINE"]
    for name in [*names, "NILEARN_DATA", "NILEARN_SHARED_DATA", downloads.SWITCH]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("BOLDCAST_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def jobs(monkeypatch):
    """Jobs of this test alone."""
    one = Downloads()
    monkeypatch.setattr(downloads, "shared", lambda: one)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _at_this_computer(monkeypatch):
    """The visitor sits at this computer; the test client has no address to tell it by."""
    monkeypatch.setattr(models, "_may_change", lambda: downloads.is_allowed(None, None, False))


class FakeFetch:
    """Stands in for the fetch: tells progress, waits at a gate, then ends as it is told."""

    def __init__(self):
        self.calls = []
        self.gate = threading.Event()
        self.at_gate = threading.Event()
        self.error = None

    def __call__(self, model_id, subjects, *, variant, report):
        self.calls.append((model_id, tuple(subjects), variant))
        report(Progress("downloading", "weights_sub-01.npy", 3 * 10**8, 12 * 10**8, 2.5e7, 36.0))
        self.at_gate.set()
        while not self.gate.wait(0.01):
            report(
                Progress("downloading", "weights_sub-01.npy", 3 * 10**8, 12 * 10**8, 2.5e7, 36.0)
            )
        if self.error is not None:
            raise self.error
        return ("one", "two")


@pytest.fixture
def fetch(monkeypatch):
    fake = FakeFetch()
    monkeypatch.setattr(downloads, "fetch", fake)
    yield fake
    fake.gate.set()


def open_page() -> AppTest:
    return run(AppTest.from_function(page, default_timeout=60))


def run(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception, test.exception[0].message
    return test


def words(test: AppTest) -> str:
    """Everything written on the page, without the backslashes of plain text."""
    kinds = (test.markdown, test.caption, test.warning, test.error, test.info, test.success)
    text = "\n".join(element.value for kind in kinds for element in kind)
    return text.replace("\\", "").replace("\u2060", "")


def button(test: AppTest, kind: str, model_id: str = THINGS):
    return next(one for one in test.button if one.key == f"{kind}:{model_id}")


def keys(test: AppTest) -> set[str]:
    return {one.key for one in test.button if one.key}


def click(test: AppTest, kind: str, model_id: str = THINGS) -> AppTest:
    button(test, kind, model_id).click()
    return run(test)


def finish(test: AppTest, jobs: Downloads, model_id: str = THINGS) -> AppTest:
    """Wait for the model's jobs, then draw the page anew."""
    for job in jobs.jobs(model_id):
        assert job.wait(20)
    return run(test)


# What the page says -------------------------------------------------------------------------


def test_every_model_has_its_facts_and_the_embedded_one_comes_first():
    test = open_page()
    titles = [heading.value for heading in test.subheader]
    assert set(titles) == {card.title for card in CATALOG}
    assert titles[0] == CATALOG[0].title
    text = words(test)
    for card in CATALOG:
        for fact in (card.summary, card.training, card.output, card.units, card.licence):
            assert fact in text
        assert card.citation in text
        assert card.accuracy in text


def test_the_folder_and_its_use_are_shown(home):
    put_things(home, 1)
    used = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    text = words(open_page())
    assert f"`{home}`: {files.size_words(used)} used" in text


def test_nothing_here_is_said_with_the_size_told_from_shapes():
    test = open_page()
    text = words(test)
    assert "needs about 1.05 GB for one subject" in text
    assert "1–3 not here" in text
    assert "**About 1.05 GB** to fetch, told from published shapes" in text
    assert "1.04 GB more for the converted form" in text
    assert button(test, "fetch").label == "Fetch about 1.05 GB"
    assert not keys(test) & {f"verify:{THINGS}", f"remove:{THINGS}", f"drop:{THINGS}"}


def test_each_subject_is_said_to_be_here_or_not_and_verified_or_not(home):
    put_things(home, 1, 2)
    files.verify(THINGS, 1, home=home)
    weights = plans.needed_files(THINGS, 3, home=home)[1]
    part_path(weights.path).write_bytes(bytes(5000))
    text = words(open_page())
    assert "1 here, verified; 2 here, not verified yet; 3 begun" in text
    assert "ready for 1, 2" in text


def test_the_size_follows_the_picked_subjects():
    test = open_page()
    test.pills(key=f"files-of:{THINGS}").set_value(["sub-01", "sub-03"])
    assert button(run(test), "fetch").label == "Fetch about 1.75 GB"
    test.pills(key=f"files-of:{THINGS}").set_value([])
    assert f"fetch:{THINGS}" not in keys(run(test))
    assert "Pick at least one subject." in words(test)


def test_a_broken_transfer_is_continued_and_says_so(home):
    weights = plans.needed_files(THINGS, 1, home=home)[1].path
    part_path(weights).parent.mkdir(parents=True)
    part_path(weights).write_bytes(bytes(3_000_000))
    test = open_page()
    assert "3.00 MB came before a transfer broke off: fetching goes on from there." in words(test)
    assert button(test, "fetch").label == "Go on fetching about 1.05 GB"


def test_variants_are_offered_with_their_sizes_and_one_download_serves_all(fetch, jobs):
    test = open_page()
    picker = test.selectbox(key=f"variant:{TEXT}")
    assert picker.options == ["Qwen-2.5-0.5B, about 1.21 GB", "Qwen-2.5-3B, about 6.39 GB"]
    assert "One download serves all 4 subjects." in words(test)
    assert not [one for one in test.pills if one.key == f"files-of:{TEXT}"]
    picker.set_value("ShreyDixit/Text2fMRI-Qwen-2.5-3B")
    assert button(run(test), "fetch", TEXT).label == "Fetch about 6.39 GB"
    click(test, "fetch", TEXT)
    assert fetch.at_gate.wait(20)
    subjects = ("sub-01", "sub-02", "sub-03", "sub-05")
    assert fetch.calls == [(TEXT, subjects, "ShreyDixit/Text2fMRI-Qwen-2.5-3B")]


def test_other_variants_are_looked_for_only_on_request(monkeypatch, jobs):
    monkeypatch.setattr(
        downloads.hub, "list_published_variants", lambda: ("ShreyDixit/Text2fMRI-big",)
    )
    test = open_page()
    finish(click(test, "variants", TEXT), jobs, TEXT)
    assert "The hub lists 1 variant." in words(test)
    picker = test.selectbox(key=f"variant:{TEXT}")
    assert [option.partition(",")[0] for option in picker.options][-1] == "big"


def test_the_size_of_an_unknown_language_model_is_not_made_up(home):
    put_config(home, "x/Text2fMRI-new", "")
    test = open_page()
    test.selectbox(key=f"variant:{TEXT}").set_value("x/Text2fMRI-new")
    assert "without the language model, which the hub names when asked" in words(run(test))


def test_a_damaged_file_spoils_its_own_card_only(home):
    put_config(home, plans.DEFAULT_TEXT_VARIANT, "{")
    test = open_page()
    assert len(test.error) == 1
    assert "is damaged: delete it" in test.error[0].value.replace("\\", "").replace("\u2060", "")
    assert len(test.subheader) == len(CATALOG)
    assert f"fetch:{THINGS}" in keys(test)


def put_config(home, variant, text):
    """Begin a variant in BERG's own cache; an empty text leaves its config out."""
    cache = locations.weights_folder(TEXT, home)
    folder = locations.hub_snapshot_folder(cache, variant)
    folder.mkdir(parents=True)
    if text:
        (folder / "config.json").write_text(text)


# Fetching -----------------------------------------------------------------------------------


def test_progress_is_shown_with_bytes_rate_and_remaining_time(fetch):
    test = click(open_page(), "fetch")
    assert fetch.at_gate.wait(20)
    run(test)
    (bar,) = test.get("progress")
    text = bar.proto.text.replace("\\", "").replace("\u2060", "")
    assert text == ("weights_sub-01.npy: 300.00 MB of 1.20 GB, 25.00 MB/s, about 36 s left")
    assert bar.proto.value == 25
    assert "fetching" in words(test)
    assert f"fetch:{THINGS}" not in keys(test)


def test_after_a_fetch_the_page_says_what_came(fetch, jobs):
    fetch.gate.set()
    test = finish(click(open_page(), "fetch"), jobs)
    assert "2 files came, checked." in words(test)
    next(one for one in test.button if one.key.startswith("dismiss:")).click()
    assert "came, checked" not in words(run(test))


def test_a_second_visitor_joins_the_fetch_and_may_stop_it(fetch, jobs):
    first, second = open_page(), open_page()
    click(first, "fetch")
    assert fetch.at_gate.wait(20)
    click(second, "fetch")
    assert len(fetch.calls) == 1
    run(second)
    assert second.get("progress")
    next(one for one in second.button if one.key.startswith("cancel:")).click()
    run(second)
    finish(first, jobs)
    assert "Stopped. What came is kept: fetching goes on from there." in words(first)


def test_a_fetch_survives_a_new_session(fetch):
    click(open_page(), "fetch")
    assert fetch.at_gate.wait(20)
    assert open_page().get("progress")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            OfflineError(f"x.npy is missing (no line): run `{FETCH_THINGS_1}` when there is one."),
            f"x.npy is missing (no line): run `{FETCH_THINGS_1}` when there is one.",
        ),
        (
            NotThereError("s3://b/x.npy is not there (answer 404)."),
            f"s3://b/x.npy is not there (answer 404). In a terminal: `{FETCH_THINGS_1}`",
        ),
        (
            NotThereError("s3://b/x.npy is not open to the public (answer 403)."),
            f"(answer 403). In a terminal: `{FETCH_THINGS_1}`",
        ),
        (
            DiskFullError("The disk filled up at /data; make room and fetch again."),
            f"make room and fetch again. In a terminal: `{FETCH_THINGS_1}`",
        ),
    ],
)
def test_what_went_wrong_is_one_sentence_with_the_command(fetch, jobs, error, expected):
    fetch.error = error
    fetch.gate.set()
    test = finish(click(open_page(), "fetch"), jobs)
    (shown,) = test.error
    assert expected in shown.value.replace("\\", "").replace("\u2060", "")
    assert button(test, "fetch").label == "Fetch about 1.05 GB"


def test_without_a_network_the_hub_is_not_asked(monkeypatch, jobs, home):
    """The real question with HF_HUB_OFFLINE; all but the hub's files are here."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for file in plans.needed_files(TEXT, home=home):
        if file.kind != "hub":
            file.path.parent.mkdir(parents=True, exist_ok=True)
            put_array(file.path)
    test = finish(click(open_page(), "size", TEXT), jobs, TEXT)
    (shown,) = test.error
    text = shown.value.replace("\\", "")
    assert "config.json is missing" in text
    assert "HF_HUB_OFFLINE is set" in text
    assert f"`python -m models fetch {TEXT} --subject 1 2 3 5`" in text


def put_array(path):
    if path.suffix == ".npy":
        malicious.save_object(path, {"x": np.zeros(3)})
    else:
        path.write_bytes(b"x")


# Sizes, verifying, removing -----------------------------------------------------------------


@pytest.fixture
def sizes(monkeypatch, home):
    """Stands in for the publishers: two files of 3 MB each."""
    asked = []

    def plan(model_id, subjects, *, variant, report):
        asked.append((model_id, tuple(subjects)))
        needed = plans.needed_files(model_id, subjects, variant=variant)[-2:]
        items = tuple(Item(file.path, RemoteFile(3_000_000), None) for file in needed)
        return FetchPlan(items, (), 1_500_000, FETCH_THINGS_1, home)

    monkeypatch.setattr(downloads, "plan_fetch", plan)
    return asked


def test_the_exact_size_comes_when_it_is_asked_for(sizes, jobs):
    test = open_page()
    assert sizes == []
    test = finish(click(test, "size"), jobs)
    assert sizes == [(THINGS, ("sub-01",))]
    text = words(test)
    assert "**6.00 MB** to fetch, as the publishers say (2 files)" in text
    assert "about 1.50 MB more for the converted form" in text
    assert button(test, "fetch").label == "Fetch 6.00 MB"
    test.pills(key=f"files-of:{THINGS}").set_value(["sub-02"])
    assert button(run(test), "fetch").label == "Fetch about 1.05 GB"  # nobody asked for these


def test_what_came_since_is_taken_off_the_exact_size(sizes, jobs, home):
    test = finish(click(open_page(), "size"), jobs)
    metadata = plans.needed_files(THINGS, 1, home=home)[2].path
    metadata.parent.mkdir(parents=True)
    metadata.write_bytes(bytes(3_000_000))
    weights = plans.needed_files(THINGS, 1, home=home)[1].path
    part_path(weights).parent.mkdir(parents=True)
    part_path(weights).write_bytes(bytes(1_000_000))
    assert button(run(test), "fetch").label == "Go on fetching 2.00 MB"


def test_too_little_room_is_said_before_anything_is_begun(monkeypatch, home):
    monkeypatch.setattr(downloads.files, "free_bytes", lambda folder: 1_000_000_000)
    text = words(open_page())
    assert f"Only 1.00 GB are free at `{home}`: make room, or set `BOLDCAST_HOME`" in text


def test_verifying_tells_good_files_from_damaged_ones(home, jobs):
    weights = put_things(home, 1)[1].path
    test = finish(click(open_page(), "verify"), jobs)
    assert "3 files read for the first time, readable, hash noted." in words(test)
    assert "1 here, verified" in words(test)
    weights.write_bytes(weights.read_bytes()[:-100])
    test = finish(click(test, "verify"), jobs)
    text = words(test)
    assert "2 files unchanged since first found good." in text
    assert "**Damaged**: weights_sub-01.npy." in text
    assert "Remove it, then fetch it again." in text
    assert weights.is_file()


def open_dialog(test: AppTest, kind: str) -> str:
    click(test, kind)
    return words(test)


def test_removing_says_first_what_goes_and_what_stays(home, jobs):
    needed = put_things(home, 1, 2)
    freed = sum(needed[index].path.stat().st_size for index in (1, 2))
    test = open_page()
    text = open_dialog(test, "remove")
    assert f"**{files.size_words(freed)}** would be set free:" in text
    assert "`weights_sub-01.npy`" in text
    assert "`vit_b_32-d86f8d99.pth`: other subjects need it" in text
    assert all(file.path.is_file() for file in needed)
    next(one for one in test.button if one.key == "confirm").click()
    run(test)
    finish(test, jobs)
    assert f"{files.size_words(freed)} set free." in words(test)
    assert "2 here, not verified yet; 1, 3 not here" in words(test)
    assert needed[0].path.is_file()


def test_a_model_is_forgotten_before_and_after_its_files_go(home):
    weights = put_things(home, 1)[1].path
    seen = []
    one = Downloads(forget=lambda model_id: seen.append((model_id, weights.exists())))
    assert one.start(downloads.Task("verify", THINGS, ("sub-01",))).wait(20)
    assert seen == []
    assert one.start(downloads.Task("remove", THINGS, ("sub-01",))).wait(20)
    assert seen == [(THINGS, True), (THINGS, False)]
    assert not weights.exists()
    one.close()


def test_removing_can_be_declined(home, jobs):
    put_things(home, 1)
    test = open_page()
    open_dialog(test, "remove")
    next(one for one in test.button if one.key == "decline").click()
    run(test)
    assert jobs.jobs(THINGS) == ()
    assert files.state(THINGS, 1, home=home).is_ready


def test_originals_are_dropped_once_they_are_converted(home, jobs):
    weights = put_things(home, 1)[1].path
    assert f"drop:{THINGS}" not in keys(open_page())
    size = weights.stat().st_size
    convert.converted(
        [weights], "things", 1, lambda folder: np.save(folder / "a.npy", np.zeros(10))
    )
    test = open_page()
    assert button(test, "drop").label == f"Drop originals ({files.size_words(size)})"
    open_dialog(test, "drop")
    next(one for one in test.button if one.key == "confirm").click()
    run(test)
    finish(test, jobs)
    assert not weights.exists()
    text = words(test)
    assert f"{files.size_words(size)} set free." in text
    assert "Originals were dropped; their converted form stands in for them." in text
    assert button(test, "fetch").label == "Fetch the dropped originals"


def test_files_in_use_are_not_taken_away(home, fetch, jobs):
    put_things(home, 1)
    test = open_page()
    open_dialog(test, "remove")
    jobs.start(downloads.Task("fetch", THINGS, ("sub-02",)))
    assert fetch.at_gate.wait(20)
    next(one for one in test.button if one.key == "confirm").click()
    run(test)
    assert "Files of this model are in use; stop that first." in words(test)
    assert files.state(THINGS, 1, home=home).is_ready


# Who may ------------------------------------------------------------------------------------


def test_where_fetching_is_switched_off_the_page_only_tells(monkeypatch, home):
    put_things(home, 2)
    monkeypatch.setenv(downloads.SWITCH, "0")
    test = open_page()
    assert keys(test) == set()
    assert not test.button
    assert "read-only here" in words(test)
    assert f"{FETCH_THINGS_1}" in [one.value for one in test.code]


@pytest.mark.parametrize(
    ("setting", "url", "address", "is_forwarded", "expected"),
    [
        ("", "http://localhost:8501/models", None, False, True),
        ("", "http://127.0.0.1:8501/", None, False, True),
        ("", "http://[::1]:8501/", None, False, True),
        ("", "http://booth.example.org/", None, False, False),
        ("", "http://127.0.0.1:8501/", "::ffff:127.0.0.1", False, True),
        ("", "http://localhost:8501/", "::ffff:192.168.1.7", False, False),
        ("", "http://localhost:8501/", "192.168.1.7", False, False),
        ("", "http://localhost:8501/", "unknown", False, False),
        ("", "http://localhost:8501/", None, True, False),
        ("0", "http://localhost:8501/", None, False, False),
        ("off", "http://localhost:8501/", None, False, False),
        ("1", "http://booth.example.org/", "192.168.1.7", True, True),
        ("yes", "http://booth.example.org/", None, False, True),
    ],
)
def test_only_who_sits_at_this_computer_may_unless_the_switch_says_otherwise(
    monkeypatch, setting, url, address, is_forwarded, expected
):
    monkeypatch.setenv(downloads.SWITCH, setting)
    assert downloads.is_allowed(url, address, is_forwarded) is expected


# Small words --------------------------------------------------------------------------------


def test_runs_of_numbers_are_joined():
    runs = models._runs
    assert runs(["1", "2", "3", "5"]) == "1–3, 5"
    assert runs(["1", "2"]) == "1, 2"
    assert runs(["2"]) == "2"
    assert runs(["Average brain"]) == "Average brain"


def test_times_are_said_in_the_unit_a_person_would_use():
    say = model_jobs._duration
    assert [say(s) for s in (0.4, 59.4, 59.6, 150, 3599, 3600, 7500)] == [
        "0 s",
        "59 s",
        "1 min",
        "2 min",
        "1 h 0 min",
        "1 h 0 min",
        "2 h 5 min",
    ]


@pytest.mark.parametrize(
    ("kind", "progress", "expected"),
    [
        ("fetch", Progress("waiting", "", 0, 0), "Waits until another one is finished"),
        (
            "fetch",
            Progress("waiting", "a.npy", 5, 10),
            "Waits for a.npy: the line is down, or another process fetches it",
        ),
        ("size", Progress("asking", "a.npy", 0, 0), "Asks how large a.npy is"),
        ("fetch", Progress("checking", "a.npy", 10, 10), "Checks a.npy"),
        ("verify", Progress("reading", "a.npy", 5, 10), "Reads a.npy: 5 B of 10 B"),
        ("remove", Progress("removing", "", 0, 0), "Removing"),
    ],
)
def test_every_stage_has_its_words(kind, progress, expected):
    text = model_jobs._progress_words(downloads.Task(kind, THINGS), progress)
    assert text.replace("\\", "") == expected
