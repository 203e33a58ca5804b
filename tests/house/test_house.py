"""The top level says what it promises: Docker, make and the README use one launch command."""

import re
import tomllib

import pytest

from tests.house.dockerfile_steps import BASE_SUITES, ROOT, read_instructions, words_of

LAUNCH = ["python", "-m", "streamlit", "run", "app/server.py"]


@pytest.fixture(scope="module")
def instructions():
    return read_instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))


def test_dockerfile_uses_the_launch_command_of_make_app(instructions):
    (command,) = [words_of(rest) for name, rest in instructions if name == "CMD"]
    assert command[: len(LAUNCH)] == LAUNCH
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(BIN)/" + " ".join(LAUNCH) in makefile


def test_dockerfile_ends_as_an_ordinary_user_with_a_health_check(instructions):
    users = [rest for name, rest in instructions if name == "USER"]
    assert users
    assert users[-1] not in ("root", "0")
    assert any(name == "HEALTHCHECK" for name, _ in instructions)
    assert instructions[0][1] in BASE_SUITES


def test_dockerfile_copies_every_room_the_app_imports(instructions):
    copied = {rest.split()[0] for name, rest in instructions if name == "COPY"}
    assert {"app", "components", "models", "assets", ".streamlit", "requirements.txt"} <= copied


def test_continued_lines_are_one_instruction():
    text = "FROM a\n# note\nRUN one \\\n && two\nUSER me\n"
    assert read_instructions(text) == [("FROM", "a"), ("RUN", "one  && two"), ("USER", "me")]


def test_every_requirement_is_pinned_exactly():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?==[0-9.]+", line), line


def test_version_of_package_and_changelog_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {project['version']}" in changelog
