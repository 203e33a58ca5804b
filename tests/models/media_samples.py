"""Frames for films, and readers of films that share no code with what wrote them."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
from PIL import Image

RAW = ("-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24")
FACTS = (("model", "Reference model (R1) [reference-vision]"), ("settings", '{"a=b;#": "ä\\n"}'))


def a_frame(index, height=40, width=330):
    """White ground, a block of one of six colours that moves to the right."""
    colours = [(200, 30, 30), (30, 60, 200), (20, 20, 20), (240, 200, 40), (0, 128, 0), (9, 9, 99)]
    frame = np.full((height, width, 3), 255, np.uint8)
    frame[8:24, 16 + 8 * index : 48 + 8 * index] = colours[index % len(colours)]
    return frame


def smooth_frames(n_frames, height=60, width=330):
    """Frames with thousands of colours between blue, white and red."""
    y, x = np.mgrid[:height, :width]
    for index in range(n_frames):
        wave = np.sin(x / 30 + index / 3) * np.cos(y / 20)
        red, blue = 255 * np.clip(1 + wave, 0, 1), 255 * np.clip(1 - wave, 0, 1)
        yield np.stack([red, np.minimum(red, blue), blue], axis=-1).astype(np.uint8)


def read_gif(content):
    """Frames (n, height, width, 3) and their durations in ms."""
    frames, durations = [], []
    with Image.open(content) as film:
        for number in range(film.n_frames):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
            durations.append(film.info["duration"])
        return np.stack(frames), durations, dict(film.info)


def read_video(path):
    """Frames (n, height, width, 3), start of each in s, and what ffmpeg says of the file."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    words = run([program, "-hide_banner", "-i", path, "-f", "ffmetadata", "-"])
    width, height = map(
        int, re.search(r"Video: .* (\d\d+)x(\d\d+)", words.stderr.decode()).groups()
    )
    raw = run([program, "-loglevel", "error", "-i", path, *RAW, "-"])
    frames = np.frombuffer(raw.stdout, np.uint8).reshape(-1, height, width, 3)
    listed = run([program, "-loglevel", "error", "-i", path, "-c", "copy", "-f", "framecrc", "-"])
    lines = listed.stdout.decode().splitlines()
    (base,) = [line.split(": ")[1] for line in lines if line.startswith("#tb")]
    top, bottom = map(int, base.split("/"))
    stamps = [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
    return frames, [stamp * top / bottom for stamp in sorted(stamps)], words


def run(command):
    """Output of a program that must end well."""
    return subprocess.run([str(word) for word in command], capture_output=True, check=True)
