"""The task ``fmri image`` end to end, on folders of a world whose answer is known."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from models.__main__ import main
from models.analysis.decode import HEADLINE, chance_top_k, retrieval_metrics
from models.decoders import image_features
from models.decoders.fitted import load_decoder
from models.decoders.task import TaskOptions, run_task
from models.decoders.task_folder import read_folder
from models.errors import Cancelled, OfflineError, ParameterError, StimulusError
from models.gallery import get_set
from tests.models.decoders.worlds import a_world

NETWORK = (
    *("--reader", "mlp", "--epochs", "3", "--learning-rate", "1e-2", "--device", "cpu"),
    *("--seeds", "0", "1"),
)


def write(folder, lines, responses, targets=None):
    """Write a folder: lines of the table as dicts, arrays as files."""
    folder.mkdir(exist_ok=True)
    with (folder / "trials.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    np.save(folder / "responses.npy", responses)
    if targets is not None:
        np.save(folder / "targets.npy", targets)
    return folder


def table(folder):
    """Lines of a folder's table."""
    with (folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """200 training pictures in 10 runs, 30 test pictures shown twice to each of two people."""
    training, test = a_world(200, 4.0), a_world(30, 4.0, first_image=1)
    again = [a_world(30, 4.0, seed=seed, first_image=1) for seed in range(4)]
    lines = [
        {"image": f"{name}.png", "split": "train", "subject": "s1", "run": str(number // 20)}
        for number, name in enumerate(training.images)
    ]
    for repeat in range(4):
        lines += [
            {"image": f"{name}.png", "split": "test", "subject": f"s{repeat % 2 + 1}", "run": "99"}
            for name in test.images
        ]
    responses = np.concatenate([training.patterns, *(own.patterns for own in again)])[..., 0]
    targets = np.concatenate([training.targets, *(own.targets for own in again)])
    return write(tmp_path_factory.mktemp("task") / "own", lines, responses, targets)


@pytest.fixture(scope="module")
def results(folder, tmp_path_factory):
    """What the command line writes for ridge."""
    top = tmp_path_factory.mktemp("out")
    words = ["fmri", "image", str(folder), "--output", str(top / "out.json")]
    assert main([*words, "--save-decoder", str(top / "own.safetensors")]) == 0
    return json.loads((top / "out.json").read_text()), top


def test_the_command_line_reads_test_pictures(results, folder):
    found, top = results
    metrics = found["metrics"]
    assert 0.5 < metrics[HEADLINE] < 1
    assert metrics["test/full_retrieval/top5_acc_instance-agg"] >= metrics[HEADLINE]
    assert found["trials"]["test"] == {"trials": 120, "images": 30, "subjects": 2}
    assert found["trials"]["val"] == {"trials": 40, "images": 40, "subjects": 1}
    assert "2 of 10 training runs were taken for validation." in found["caveats"]
    assert any("not independent" in words for words in found["caveats"])
    assert any("Targets are targets.npy" in words for words in found["caveats"])
    assert [file.name for file in sorted(top.iterdir())] == ["out.json", "own.safetensors"]


def test_metrics_are_those_of_the_saved_decoder(results, folder):
    found, top = results
    decoder = load_decoder(top / "own.safetensors")
    responses, targets = np.load(folder / "responses.npy"), np.load(folder / "targets.npy")
    own = read_folder(folder)
    expected = retrieval_metrics(
        decoder.predict(responses[200:]),
        decoder.candidates(targets[200:]),
        own.images[200:],
        own.subjects[200:],
    )
    for name, value in expected.items():
        assert found["metrics"][name] == pytest.approx(value), name
    names = {name for name in found["metrics"] if "full_retrieval" not in name}
    kinds = [f"batch_{kind}_rank" for kind in ("median", "mean", "std")]
    kinds += [f"batch_top{k}_acc" for k in (1, 5, 10)] + ["batch_pearson_corr"]
    assert names == {f"{part}/{kind}" for part in ("val", "test") for kind in kinds}


def test_chance_and_the_dummy_stand_beside_it(results):
    found, _ = results
    top = found["runs"][0]["against_chance_subject-agg"]["top5"]
    assert (top["queries"], top["chance"]) == (60, chance_top_k(5, 30))
    assert top["hits"] == round(60 * found["metrics"][HEADLINE])
    assert top["words"] == "better than guessing"
    assert top["wilson_95"][0] < found["metrics"][HEADLINE] < top["wilson_95"][1]
    dummy = found["baselines"]["dummy"][HEADLINE]
    assert dummy == pytest.approx(5 / 30)  # one ordering for all queries
    expected = (found["metrics"][HEADLINE] - dummy) / (1 - dummy)
    assert found["normalised_headline"] == pytest.approx(expected)
    assert len(found["gallery"]["sha256"]) == 64
    assert found["versions"]["numpy"] == np.__version__


def test_a_network_with_two_seeds(folder, tmp_path, capsys):
    output = tmp_path / "mlp.json"
    assert main(["fmri", "image", str(folder), *NETWORK, "--output", str(output)]) == 0
    found = json.loads(output.read_text())
    assert [run["seed"] for run in found["runs"]] == [0, 1]
    values = [run["metrics"][HEADLINE] for run in found["runs"]]
    assert found["metrics"][HEADLINE] == pytest.approx(np.mean(values))
    assert found["runs"][0]["training"]["recipe"]["n_epochs"] == 3
    assert HEADLINE in found["baselines"]["untrained"]
    said = capsys.readouterr().out
    assert "seed 1: the right picture was among the five best guesses in" in said
    assert "not its trained model or its score" in said
    assert [file.name for file in tmp_path.iterdir()] == ["mlp.json"]


def test_an_interrupted_task_goes_on_and_ends_the_same(folder, tmp_path):
    options = TaskOptions(
        "mlp", seeds=(0, 1), changes=(("n_epochs", 3), ("device", "cpu")), checkpoints=tmp_path
    )

    def stop(stage, done, total):
        if stage == "training 2 of 2" and done == 4:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run_task(folder, options, stop)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        *("seed-0.checkpoint", "seed-1.checkpoint")
    ]
    steps = []
    resumed, _ = run_task(folder, options, lambda *words: steps.append(words))
    assert steps[0] == ("training 2 of 2", 3, 9)
    whole, _ = run_task(folder, TaskOptions("mlp", seeds=(0, 1), changes=options.changes))
    assert resumed["metrics"] == whole["metrics"]


def test_shuffled_targets_cannot_be_told_from_guessing(folder, tmp_path):
    targets = np.load(folder / "targets.npy")
    targets[:200] = np.random.default_rng(0).permutation(targets[:200])
    lines = table(folder)
    shuffled = write(tmp_path / "own", lines, np.load(folder / "responses.npy"), targets)
    found, _ = run_task(shuffled, TaskOptions())
    top = found["runs"][0]["against_chance_subject-agg"]["top5"]
    assert top["words"] == "cannot be told from guessing"


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Eight pictures of one colour each, four volumes a trial, and a feature that is the colour."""
    folder = tmp_path / "own"
    (folder / "images").mkdir(parents=True)
    colours = np.random.default_rng(4).integers(0, 256, (8, 3), np.uint8)
    for number, colour in enumerate(colours):
        Image.new("RGB", (32, 32), tuple(map(int, colour))).save(
            folder / "images" / f"p{number}.png"
        )
    splits = ["train"] * 4 + ["val"] * 2 + ["test"] * 2
    lines = [
        {"row": str(7 - number), "image": f"p{number}.png", "split": split}
        for number, split in enumerate(splits)
    ]
    responses = np.repeat(colours[::-1, :, None].astype(np.float32), 4, axis=2)
    write(folder, lines, responses)
    monkeypatch.setattr(
        image_features,
        "filter_bank_features",
        lambda stimuli, report: np.stack(
            [stimulus.pixels().reshape(-1, 3).mean(0) for stimulus in stimuli]
        ),
    )
    return folder


def test_targets_come_from_the_pictures_where_there_are_none(pictures):
    """Responses are the colours, in reverse rows: both test pictures are found."""
    found, _ = run_task(pictures, TaskOptions(penalties=(1e-6,)))
    assert found["reader"]["targets"] == image_features.FILTER_BANK_NAME
    assert found["metrics"]["test/full_retrieval/top1_acc"] == 1
    assert "Only 2 test pictures: guessing is often right." in found["caveats"]
    assert not any("Volumes of a trial" in words for words in found["caveats"])


def rewrite(folder, change):
    """Change the lines of a table."""
    lines = table(folder)
    change(lines)
    write(folder, lines, np.load(folder / "responses.npy"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[7].update(image="p0.png"), "p0.png: all trials of a picture"),
        (lambda lines: lines[0].update(split="holdout"), r"got \['holdout'\]"),
        (lambda lines: lines[0].update(image=""), "a line without image"),
        (lambda lines: lines[0].update(row="8"), r"numbers in 0\.\.7"),
        (lambda lines: [line.update(split="train") for line in lines], "part 'test'"),
        (lambda lines: [line.pop("split") for line in lines], "columns image and split"),
        (lambda lines: [line.update(row="") for line in lines] and lines.pop(), "8 trials"),
        (lambda lines: lines[0].update(image="none.png"), "images/none.png cannot be read"),
        (lambda lines: lines[0].update(image="../../x.png"), "outside images"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_a_sentence(pictures, change, words, capsys):
    rewrite(pictures, change)
    with pytest.raises((ParameterError, StimulusError), match=words):
        run_task(pictures, TaskOptions())
    assert main(["fmri", "image", str(pictures)]) == 1
    assert capsys.readouterr().err.strip()


def test_the_same_file_under_another_name_is_a_leak(pictures):
    (pictures / "images" / "p7.png").write_bytes((pictures / "images" / "p1.png").read_bytes())
    with pytest.raises(ParameterError, match=r"p7\.png is the same file as p1\.png"):
        run_task(pictures, TaskOptions())


def test_a_fifth_of_the_pictures_is_validation_where_there_are_no_runs(pictures):
    rewrite(pictures, lambda lines: [x.update(split="train") for x in lines[4:6]])
    own = read_folder(pictures)
    parts = own.parts(np.eye(8, dtype=np.float32))
    assert (len(parts.training), len(parts.validation)) == (5, 1)
    assert parts.notes == ("1 of 6 training pictures were taken for validation.",)
    assert not set(parts.training.images) & set(parts.validation.images)


def test_runs_of_two_people_are_different_runs(folder):
    lines = table(folder)[:200]
    own = read_folder(folder)
    splits, _ = own._with_validation()
    taken = {line["run"] for line, split in zip(lines, splits[:200], strict=True) if split == "val"}
    assert len(taken) == 2
    assert (splits == "val").sum() == 40


@pytest.mark.parametrize("name", ["trials.csv", "responses.npy"])
def test_an_absent_file_is_named(pictures, name):
    (pictures / name).unlink()
    with pytest.raises(ParameterError, match=name):
        run_task(pictures, TaskOptions())


def test_an_array_of_objects_is_not_opened(pictures):
    np.save(pictures / "responses.npy", np.array([{}] * 8), allow_pickle=True)
    with pytest.raises(ParameterError, match="no array that can be read"):
        run_task(pictures, TaskOptions())


def test_targets_by_picture_follow_the_order_of_appearance(folder, tmp_path):
    lines = table(folder)
    targets = np.load(folder / "targets.npy")
    by_picture = write(tmp_path / "own", lines, np.load(folder / "responses.npy"), targets[:230])
    found, name = read_folder(by_picture).targets(None)
    np.testing.assert_array_equal(found, targets)
    assert name == "targets.npy"
    np.save(by_picture / "targets.npy", targets[:9])
    with pytest.raises(ParameterError, match="230 pictures in order"):
        read_folder(by_picture).targets(None)


def test_pictures_are_read_by_the_filter_bank(tmp_path):
    """Responses are the features themselves: a picture is then its own best match."""
    pictures = get_set("noise").stimuli()[:4] + get_set("gratings").stimuli()[:8]
    (tmp_path / "own" / "images").mkdir(parents=True)
    lines = []
    for number, stimulus in enumerate(pictures):
        name = f"p{number}.png"
        Image.fromarray(stimulus.pixels()).save(tmp_path / "own" / "images" / name)
        lines.append({"image": name, "split": ["train", "val", "test"][number % 3]})
    features = image_features.filter_bank_features(pictures)
    folder = write(tmp_path / "own", lines, features)
    found, _ = run_task(folder, TaskOptions(features="filter-bank"))
    assert found["reader"]["n_features"] == 1296
    targets, _ = read_folder(folder).targets(None)
    np.testing.assert_allclose(targets, features, atol=1e-6)
    assert any("not DINOv2" in words for words in found["caveats"])


def test_weights_are_fetched_only_where_asked_for(pictures, monkeypatch, tmp_path, capsys):
    def offline(size, *, home, report):
        raise OfflineError(f"No way to {size}.")

    monkeypatch.setattr(image_features, "fetch_dinov2", offline)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "none"))
    words = ["--home", str(tmp_path / "home"), "fmri", "image", str(pictures)]
    assert main([*words, "--features", "dinov2-small"]) == 1
    assert "facebook/dinov2-small is not here" in capsys.readouterr().err
    assert main([*words, "--features", "dinov2-small", "--fetch"]) == 1
    assert "No way to small." in capsys.readouterr().err
    assert main([*words, "--fetch"]) == 1
    assert "Only DINOv2 has weights" in capsys.readouterr().err
