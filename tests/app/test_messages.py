import inspect

import pytest
from streamlit.testing.v1 import AppTest

from app.messages import WHAT_TO_DO, explain, plain
from models import errors
from models.errors import BoldcastError, Cancelled, OfflineError, StimulusError


def every_error() -> list[type[BoldcastError]]:
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass)]
    return [one for one in classes if issubclass(one, BoldcastError)]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_of_the_tree_has_its_own_advice(kind):
    assert kind in WHAT_TO_DO
    message = explain(kind("This happened."))
    assert message.sentence == "This happened."
    assert message.what_to_do == WHAT_TO_DO[kind]
    assert message.what_to_do.endswith(".")


def test_a_class_added_below_the_tree_inherits_the_nearest_advice():
    class LostCableError(OfflineError):
        pass

    assert explain(LostCableError("x")).what_to_do == WHAT_TO_DO[OfflineError]


def test_stopping_is_no_fault():
    assert not explain(Cancelled("Stopped.")).is_fault
    assert explain(StimulusError("Bad.")).is_fault


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (MemoryError(), "memory"),
        (PermissionError(13, "secret/path"), "file"),
        (ModuleNotFoundError("No module named 'x'"), "package"),
        (ZeroDivisionError("internal detail"), "our side"),
    ],
)
def test_errors_of_the_machine_are_worded_without_their_details(error, word):
    message = explain(error)
    assert word in message.sentence
    assert "secret" not in message.sentence
    assert "detail" not in message.sentence


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>.png",
        "![x](https://example.org/a.png)",
        "[a](javascript:b)",
        "$x^2$ :red[danger] `code` **bold** _it_",
        "a\n\n# Title",
    ],
)
def test_plain_leaves_no_markdown_character_unescaped(name):
    text = plain(name)
    assert "\n" not in text
    stripped = text.replace("\\\\", "")
    for letter in "<>[]()!`*_#$:":
        assert stripped.count(letter) == stripped.count("\\" + letter)


def test_plain_breaks_emoji_and_icon_codes_which_ignore_backslashes():
    unescaped = plain(":smile: :material/delete:").replace("\\", "")
    assert ":smile:" not in unescaped
    assert ":material/" not in unescaped


def test_an_uncaught_error_becomes_one_sentence_and_no_traceback():
    def script() -> None:
        from app.messages import show_script_error

        assert show_script_error(KeyError("secret"))

    test = AppTest.from_function(script).run()
    assert len(test.error) == 1
    assert "secret" not in test.error[0].value
    assert "Reload the page" in test.error[0].value
