"""Carry out the Dockerfile's steps in a clean Debian root, for machines without a Docker engine.

Run as root on Debian or Ubuntu with ``debootstrap`` installed::

    python tests/house/dockerfile_steps.py /tmp/boldcast-root [--bind FOLDER ...]

Every instruction is executed in order inside a fresh ``debootstrap --variant=minbase`` root (the
same suite the image starts from), then the CMD is started as the image's user and the HEALTHCHECK
is asked until it answers. PIP_* variables of the caller are passed on; ``--bind`` makes a folder
(a wheel cache, say) visible inside. What it cannot show: layer caching and the base image's own
trimming. Prints one line a step and ends with exit code 0 when the container would be healthy.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE_SUITES = {"debian:bookworm-slim": "bookworm", "debian:trixie-slim": "trixie"}


def read_instructions(text: str) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile: (name, arguments), continued lines joined."""
    joined, pending = [], ""
    for line in text.splitlines():
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        pending += line.rstrip("\\") if line.endswith("\\") else line
        if not line.endswith("\\"):
            name, _, arguments = pending.strip().partition(" ")
            joined.append((name.upper(), arguments.strip()))
            pending = ""
    return joined


class CleanRoot:
    """A debootstrapped folder in which steps run by ``chroot``."""

    def __init__(self, folder: Path, binds: list[Path]) -> None:
        self.folder = folder
        self.binds = [Path("/proc"), Path("/dev"), *binds]
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.pip = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
        self.workdir = "/"
        self.user = "root"

    def create(self, suite: str) -> None:
        """Fill the folder with a minimal Debian and the caller's certificates."""
        mirror = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[0]
        subprocess.run(
            ["debootstrap", "--variant=minbase", suite, str(self.folder), mirror],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")
        if Path("/etc/pip.conf").exists():
            shutil.copy("/etc/pip.conf", self.folder / "etc/pip.conf")
        if "PIP_CERT" in os.environ:  # a bundle of the caller's own, under a name apt leaves alone
            shutil.copy(os.environ["PIP_CERT"], self.folder / "etc/pip-certificates.crt")
            self.pip["PIP_CERT"] = "/etc/pip-certificates.crt"
        for bind in self.binds:
            target = self.folder / bind.relative_to("/")
            target.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--rbind", str(bind), str(target)], check=True)

    def close(self) -> None:
        """Take the mounts away again."""
        for bind in reversed(self.binds):
            target = self.folder / bind.relative_to("/")
            subprocess.run(["umount", "-R", "-l", str(target)], check=False)

    def command(self, words: list[str]) -> list[str]:
        """Words that run ``words`` inside, as the current user in the current folder."""
        variables = [f"{key}={value}" for key, value in (self.pip | self.environment).items()]
        inner = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(words)}"
        user = [] if self.user == "root" else [f"--userspec={self.user}"]
        return ["chroot", *user, str(self.folder), "env", "-i", *variables, "sh", "-c", inner]

    def copy(self, sources: list[str], target: str) -> None:
        """Do a COPY: folders give their contents, files keep their name."""
        base = self.folder / (self.workdir if not target.startswith("/") else "").lstrip("/")
        for source in sources:
            path = ROOT / source
            if path.is_dir():
                shutil.copytree(
                    path,
                    base / target.lstrip("/"),
                    dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__"),
                )
            else:
                shutil.copy(path, base / target.lstrip("/"))


def words_of(arguments: str) -> list[str]:
    """Exec form (JSON) or shell form of CMD and HEALTHCHECK."""
    return json.loads(arguments) if arguments.startswith("[") else ["sh", "-c", arguments]


def carry_out(root: CleanRoot, instructions: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Execute every instruction; return the CMD and the health check."""
    command: list[str] = []
    health: list[str] = []
    for name, arguments in instructions:
        print(f"{name} {arguments[:90]}", flush=True)
        if name == "FROM":
            root.create(BASE_SUITES[arguments])
        elif name == "RUN":
            subprocess.run(root.command(["sh", "-c", arguments]), check=True)
        elif name == "WORKDIR":
            root.workdir = arguments
            (root.folder / arguments.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            *sources, target = arguments.split()
            root.copy(sources, target)
        elif name == "ENV":
            key, _, value = arguments.partition("=")
            root.environment[key] = value.replace("$PATH", root.environment["PATH"])
        elif name == "USER":
            root.user = arguments
        elif name == "HEALTHCHECK":
            health = words_of(arguments[arguments.index("CMD") + 3 :].strip())
        elif name == "CMD":
            command = words_of(arguments)
        elif name != "EXPOSE":
            raise ValueError(f"This script does not know the instruction {name}.")
    return command, health


def wait_until_healthy(root: CleanRoot, health: list[str], seconds: float) -> float:
    """Ask the health check until it answers; return how long it took."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if subprocess.run(root.command(health), capture_output=True).returncode == 0:
            return time.monotonic() - start
        time.sleep(0.5)
    raise TimeoutError(f"Not healthy after {seconds:.0f} s.")


def main() -> int:
    """Run all steps, start the app, ask for its health, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="an absent or empty folder for the clean root")
    parser.add_argument(
        "--bind", type=Path, action="append", default=[], help="make visible inside"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    root = CleanRoot(options.folder.resolve(), options.bind)
    try:
        text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        command, health = carry_out(root, read_instructions(text))
        process = subprocess.Popen(root.command(command))
        try:
            print(f"healthy after {wait_until_healthy(root, health, 60):.1f} s as {root.user}")
        finally:
            process.terminate()
            process.wait(20)
    finally:
        root.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
