"""``python -m models``: every command, as a person types it."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from models.__main__ import main
from models.weights import adopt, files, locations, plans
from models.weights.adopt import import_folder
from tests.models.weights import malicious
from tests.models.weights.test_files import put_things


@pytest.fixture
def run(home, capsys):
    def one(*arguments):
        code = main(["--home", str(home), *arguments])
        out = capsys.readouterr()
        return code, out.out, out.err

    return one


def test_list_names_every_subject_with_its_state(run, home):
    put_things(home, 2)
    code, out, _ = run("list")
    assert code == 0
    assert all(model_id in out for model_id in plans.PUBLISHED_IDS)
    assert "subject 2: ready" in out
    assert "subject 1: needs about 700.00 MB (weights_sub-01.npy, …)" in out


def test_fetch_shows_sizes_then_progress(run, home, s3, faulty_s3, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", faulty_s3.url)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    data = malicious.save_object(tmp_path / "x.npy", {"x": np.zeros(50_000)}).read_bytes()
    for file in plans.needed_files(plans.MOSAIC, 1, home=home):
        s3.put(file.key, data)
    code, out, error = run("fetch", plans.MOSAIC, "--subject", "1")
    assert code == 0
    lines = out.splitlines()
    assert "400." in lines[0]
    assert lines[0].endswith("vertices-all.pth")
    assert "to come" in lines[2]
    assert "converted form" in lines[3]
    assert lines[-1] == "Done."
    assert "100%" in error
    assert files.state(plans.MOSAIC, 1, home=home).is_ready
    assert run("fetch", plans.MOSAIC, "--subject", "1")[1] == "Everything is here.\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("answer", "is_fetched"), [("n\n", False), ("\n", True)])
def test_fetch_asks_a_person_first(
    run, home, s3, faulty_s3, monkeypatch, tmp_path, answer, is_fetched
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", faulty_s3.url)
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    data = malicious.save_object(tmp_path / "x.npy", {"x": 1}).read_bytes()
    for file in plans.needed_files(plans.MOSAIC, 1, home=home):
        s3.put(file.key, data)
    code, out, _ = run("fetch", plans.MOSAIC, "--subject", "1")
    assert "Fetch? [Y/n]" in out
    assert (code == 0) is is_fetched
    assert files.state(plans.MOSAIC, 1, home=home).is_ready is is_fetched


def test_errors_are_one_line_and_a_bad_end(run):
    code, _out, error = run("fetch", plans.MOSAIC, "--subject", "9")
    assert code == 1
    assert error == "There is no subject '9'; this model has [1, 2, 3, 4, 5, 6, 7, 8].\n"


def test_interrupt_says_how_to_go_on(run, monkeypatch):
    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr("models.weights.fetch.plan_fetch", interrupt)
    code, _, error = run("fetch", plans.MOSAIC, "--subject", "1")
    assert code == 130
    assert "goes on from there" in error


def test_verify_ends_badly_when_something_is_damaged(run, home):
    weights = put_things(home, 1)[1].path
    code, out, _ = run("verify")
    assert code == 0
    assert out.count("recorded") == 3
    assert run("verify", plans.THINGS, "--subject", "1")[0] == 0
    weights.write_bytes(b"x")
    code, out, _ = run("verify")
    assert code == 1
    assert "damaged" in out
    assert run("verify", plans.HUZE, "--subject", "1")[0] == 1  # asked for, and not here


def test_du_and_remove(run, home):
    put_things(home, 1)
    total = sum(file.path.stat().st_size for file in plans.needed_files(plans.THINGS, 1, home=home))
    code, out, _ = run("du")
    assert code == 0
    assert len(out.splitlines()) == len(plans.PUBLISHED_IDS) + 1
    code, out, _ = run("remove", plans.THINGS)
    assert out == f"{files.size_words(total)} set free.\n"
    assert not files.state(plans.THINGS, 1, home=home).is_ready


def test_it_runs_as_a_module_without_heavy_packages(home):
    code = (
        "import runpy, sys; sys.argv = ['models', '--home', sys.argv[1], 'list']\n"
        "try: runpy.run_module('models', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = ['torch', 'transformers', 'boto3', 'huggingface_hub', 'requests', 'nilearn']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True
    )
    assert out.stdout.splitlines()[-1] == "[]"


# -- import ---------------------------------------------------------------------------------


@pytest.fixture
def download(tmp_path):
    """An existing BERG directory with a hub cache in it."""
    berg = tmp_path / "berg"
    put_things(berg, 1)
    cache = locations.weights_folder(plans.TEXT, berg)
    repo = cache / f"models--{plans.DEFAULT_TEXT_VARIANT.replace('/', '--')}"
    (repo / "snapshots" / "c1").mkdir(parents=True)
    (repo / "blobs").mkdir()
    (repo / "blobs" / "abc").write_text(json.dumps({"extractor_LLM": "a/b"}))
    (repo / "snapshots" / "c1" / "config.json").symlink_to("../../blobs/abc")
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("c1")
    return berg


@pytest.mark.parametrize("option", [(), ("--link",)])
def test_import_takes_a_berg_directory(run, home, download, option):
    code, out, _ = run("import", str(download), *option)
    assert code == 0
    assert "5 of 5 files taken." in out
    assert files.state(plans.THINGS, 1, home=home).is_ready
    assert plans.known_llm(plans.DEFAULT_TEXT_VARIANT, home) == "a/b"
    weights = plans.needed_files(plans.THINGS, 1, home=home)[1].path
    source = plans.needed_files(plans.THINGS, 1, home=download)[1].path
    assert source.read_bytes() == weights.read_bytes()
    assert os.path.samefile(source, weights) is bool(option)
    code, out, _ = run("import", str(download))
    assert code == 0
    assert "0 of 5 files taken." in out


def test_import_takes_loose_files_by_their_names(home, tmp_path):
    loose = tmp_path / "Downloads"
    loose.mkdir()
    torch.save({"w": torch.zeros(2)}, loose / "subj03_part2.pth")
    malicious.save_object(loose / "holiday.npy", {"x": 1})
    (adopted,) = import_folder(loose, home=home)
    assert adopted.words == ""
    assert adopted.path == locations.weights_folder(plans.HUZE, home) / "subj03_part2.pth"
    assert adopted.path.is_file()


def test_import_leaves_out_what_is_damaged_or_holds_code(run, home, download, tmp_path):
    _, weights, metadata = (f.path for f in plans.needed_files(plans.THINGS, 1, home=download))
    malicious.save_object(weights, {"x": malicious.CallsSystem(tmp_path / "ran")})
    metadata.write_bytes(metadata.read_bytes()[:200])
    code, out, _ = run("import", str(download))
    assert code == 1
    assert "3 of 5 files taken." in out
    assert "nothing was run" in out
    assert "cut short" in out
    assert not (tmp_path / "ran").exists()
    missing = files.state(plans.THINGS, 1, home=home).missing
    assert [file.path.name for file in missing] == [weights.name, metadata.name]


def test_import_of_nothing_is_said(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no file of a published model" in run("import", str(tmp_path / "empty"))[2]
    assert "is no folder" in run("import", str(tmp_path / "absent"))[2]
    assert adopt.__doc__
