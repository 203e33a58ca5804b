"""Drawn scenes and patterns for the decoding gallery; see ``models._gallery_things``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from models._gallery_pen import PICTURE_SIDE, Colour, Pen, hue_colour, ridge, shade
from models.patterns import grid, to_grey_levels
from models.types import FloatArray, UInt8Array

__all__ = ["SCENES"]

Random = np.random.Generator
_WHITE: Colour = (250, 250, 245)
_BLACK: Colour = (8, 8, 10)


def _landscape(random: Random, k: int) -> UInt8Array:
    """Ridges behind each other under a sky; every third with water."""
    hue = random.random()
    pen = Pen(_BLACK)
    bright = (0.25, 0.6, 1.0)[k % 3]
    pen.sky(hue_colour(hue, 0.6, bright * 0.8), hue_colour(hue + 0.1, 0.25, bright))
    sun = random.uniform(0.04, 0.12)
    pen.oval(random.uniform(0.1, 0.9), random.uniform(0.1, 0.4), sun, sun, _WHITE)
    n_ridges = int(random.integers(1, 5))
    for number in range(n_ridges):
        level = 0.35 + 0.5 * (number + random.random()) / n_ridges
        line = ridge(random, level, random.uniform(0.08, 0.3), random.uniform(0.45, 0.68))
        points = [(place / 128, float(y)) for place, y in enumerate(line)]
        colour = hue_colour(hue + 0.3, 0.5, bright * (0.75 - 0.6 * (number + 1) / n_ridges) + 0.05)
        pen.polygon([(0, 1), *points, (1, 1)], colour)
    if k % 3 == 0:
        shore = random.uniform(0.68, 0.85)
        pen.box(0, shore, 1, 1, hue_colour(0.58, 0.5, random.uniform(0.2, 0.6)))
        for _ in range(60):
            x, y = random.random(), random.uniform(shore, 1)
            pen.line([(x, y), (x + random.uniform(0.02, 0.12), y)], 0.006, _WHITE)
    return pen.pixels()


def _city(random: Random, k: int) -> UInt8Array:
    """Blocks with lit windows, by day or by night."""
    is_night = bool(k % 2)
    pen = Pen(_BLACK)
    pen.sky(hue_colour(0.62, 0.6, 0.12 if is_night else 0.85),
            hue_colour(0.55, 0.2, 0.35 if is_night else 1.0))  # fmt: skip
    n_blocks = (3, 5, 8, 12)[k % 4]
    edges = np.sort(np.append(random.random(n_blocks - 1), [0, 1]))
    for left, right in pairwise(edges):
        top = random.uniform(0.1, 0.75)
        pen.box(left, top, right, 1, hue_colour(random.random(), 0.2, random.uniform(0.05, 0.6)))
        step = random.uniform(0.035, 0.11)
        lit = hue_colour(0.14, 0.6, 1) if is_night else hue_colour(0.6, 0.4, 0.9)
        for x in np.arange(left + 0.02, right - 0.3 * step - 0.01, step):
            for y in np.arange(top + 0.03, 0.97, step):
                if random.random() < 0.7:
                    pen.box(x, y, x + 0.5 * step, y + 0.55 * step, lit)
    return pen.pixels()


def _room(random: Random, k: int) -> UInt8Array:
    """Room or corridor in perspective: floor, walls, a back wall, a door or a window."""
    x, y = random.uniform(0.25, 0.75), random.uniform(0.25, 0.75)
    deep = random.uniform(0.08, 0.6)
    left, top = x * (1 - deep), y * (1 - deep)
    right, bottom = left + deep, top + deep
    hue, value = random.random(), random.uniform(0.3, 0.9)
    pen = Pen(hue_colour(hue, 0.15, value))
    pen.polygon(
        [(0, 0), (1, 0), (right, top), (left, top)], hue_colour(hue, 0.1, min(1, value * 1.3))
    )
    floor = hue_colour(0.08, 0.5, random.uniform(0.15, 0.7))
    pen.polygon([(0, 1), (1, 1), (right, bottom), (left, bottom)], floor)
    pen.polygon([(0, 0), (left, top), (left, bottom), (0, 1)], hue_colour(hue, 0.2, value * 0.6))
    pen.box(left, top, right, bottom, hue_colour(hue + 0.1, 0.3, random.uniform(0.2, 1)))
    ink = shade(floor, 0.4 if k % 2 else 1.9)
    for share in np.linspace(0, 1, int(random.integers(2, 12))):
        pen.line([(share, 1), (left + share * deep, bottom)], 0.006, ink)
    for number in range(int(random.integers(0, 6))):
        near = 0.75**number
        y = bottom + (1 - bottom) * near
        pen.line([(left * (1 - near), y), (right + (1 - right) * near, y)], 0.006, ink)
    pane = deep * random.uniform(0.15, 0.35)
    middle = left + deep * random.uniform(0.3, 0.7)
    pen.box(middle - pane / 2, bottom - 1.9 * pane, middle + pane / 2,
            bottom if k % 2 else bottom - 0.6 * pane, _WHITE if k % 3 else _BLACK)  # fmt: skip
    table = random.uniform(0.1, 0.8)
    pen.box(table, 0.75, table + 0.2, 0.79, shade(floor, 0.6))
    for leg in (0.01, 0.17):
        pen.box(table + leg, 0.79, table + leg + 0.02, 0.95, shade(floor, 0.6))
    return pen.pixels()


def _shape(random: Random, k: int) -> UInt8Array:
    """One to four plain shapes."""
    value = (0.1, 0.5, 0.9)[k % 3]
    pen = Pen(hue_colour(random.random(), 0.15, value))
    for number in range(1 + k % 4):
        x, y = random.uniform(0.15, 0.85, 2)
        r = random.uniform(0.06, 0.3)
        far = random.uniform(0.35, 0.55) * (1 if value < 0.5 else -1)
        colour = hue_colour(random.random(), random.uniform(0.1, 0.5), value + far)
        n_corners = (0, 3, 4, 5, 10, 6, 16)[(k + number) % 7]
        if not n_corners:
            pen.oval(x, y, r, r * random.uniform(0.5, 1), colour)
            continue
        turn = random.uniform(0, 2 * np.pi)
        points = []
        for corner in range(n_corners):
            reach = r * (0.45 if n_corners >= 10 and corner % 2 else 1)
            angle = turn + 2 * np.pi * corner / n_corners
            points.append((x + reach * np.cos(angle), y + reach * np.sin(angle)))
        pen.polygon(points, colour)
    return pen.pixels()


def _soft_patch(x0: float, y0: float, radius: float) -> FloatArray:
    """Window on the grid from -1 to 1, y upwards: 1 in the middle, a Gaussian around it."""
    x, y = grid(PICTURE_SIDE)
    window: FloatArray = np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * radius**2))
    return window


def _grating(random: Random, k: int) -> UInt8Array:
    """Windowed stripes: nine places, three sizes, four frequencies."""
    radius = (0.16, 0.26, 0.4)[k % 3]
    reach = 0.62
    x0, y0 = reach * ((k // 3) % 3 - 1), reach * ((k // 9 + k) % 3 - 1)
    cycles = (4, 9, 18, 32)[(k // 2) % 4] * random.uniform(0.85, 1.2)
    turn = random.uniform(0, np.pi)
    x, y = grid(PICTURE_SIDE)
    wave = np.cos(np.pi * cycles * (y * np.cos(turn) - x * np.sin(turn)) + random.uniform(0, 6))
    return to_grey_levels(_soft_patch(x0, y0, radius) * wave * (1.0, 0.4)[k % 2])


def _swirl(random: Random, k: int) -> UInt8Array:
    """Rings, rays, spirals and checks around a point, in a part of the picture."""
    x, y = grid(PICTURE_SIDE)
    x0, y0 = random.uniform(-0.5, 0.5, 2)
    radius, angle = np.hypot(x - x0, y - y0), np.arctan2(y - y0, x - x0)
    n_rays, n_rings = int(random.integers(3, 18)), random.uniform(3, 14)
    wave = (
        np.cos(n_rays * angle),
        np.cos(2 * np.pi * n_rings * radius),
        np.cos(n_rays * angle + 2 * np.pi * n_rings * radius),
        np.cos(n_rays * angle) * np.cos(2 * n_rings * np.log(radius + 0.02)),
    )[k % 4]
    start, width = random.uniform(-np.pi, np.pi), random.uniform(1.2, 5)
    is_inside = (angle - start) % (2 * np.pi) < width
    is_inside &= (radius > random.uniform(0, 0.2)) & (radius < random.uniform(0.6, 1.6))
    return to_grey_levels(np.where(is_inside, np.sign(wave) if k % 2 else wave, 0))


def _cells(random: Random, k: int) -> UInt8Array:
    """Patches around random points, as in a mosaic; sizes differ across the picture."""
    n_points = (6, 14, 40, 120)[k % 4]
    lean = random.uniform(0.3, 3, 2)
    points = random.random((n_points, 2)) ** lean
    steps = (np.arange(PICTURE_SIDE) + 0.5) / PICTURE_SIDE
    offsets = steps[:, None, None] - points.T  # (side, 2, n): rows and columns at once
    distance = offsets[:, None, 1] ** 2 + offsets[None, :, 0] ** 2
    values = random.uniform(0.05, 1, n_points)
    hues, saturation = random.random(n_points), random.uniform(0, 0.5)
    palette = [hue_colour(h, saturation, v) for h, v in zip(hues, values, strict=True)]
    patches: UInt8Array = np.array(palette, np.uint8)[distance.argmin(-1)]
    return patches


def _cloud(random: Random, k: int) -> UInt8Array:
    """Noise with a falling spectrum, cut by soft patches or hard levels."""
    white = random.standard_normal((PICTURE_SIDE, PICTURE_SIDE))
    frequency = np.hypot(
        np.fft.fftfreq(PICTURE_SIDE)[:, None], np.fft.rfftfreq(PICTURE_SIDE)[None, :]
    )
    frequency[0, 0] = np.inf
    slope = (0.6, 1.0, 1.5, 2.2)[k % 4]
    noise = np.fft.irfft2(np.fft.rfft2(white) / frequency**slope, s=white.shape)
    noise = noise / noise.std()
    if k % 3 == 0:
        noise = np.sign(noise - random.uniform(-0.8, 0.8))
    x0, y0 = random.uniform(-0.7, 0.7, 2)
    return to_grey_levels(0.5 * noise * _soft_patch(x0, y0, random.uniform(0.25, 0.7)))


#: Category -> how to draw its picture number k.
SCENES: dict[str, Callable[[Random, int], UInt8Array]] = {
    "landscapes": _landscape,
    "cities": _city,
    "rooms": _room,
    "shapes": _shape,
    "gratings": _grating,
    "swirls": _swirl,
    "mosaics": _cells,
    "clouds": _cloud,
}
