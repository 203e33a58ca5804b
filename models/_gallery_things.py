"""Drawn things for the decoding gallery: faces, houses, plants, animals, vehicles, objects, signs.

Each function draws one picture from a generator of random numbers; ``k`` is its number in its
category, so that what must differ (place, size, kind) is spread and not left to chance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models._gallery_pen import Colour, Pen, hue_colour, shade
from models.types import UInt8Array

__all__ = ["THINGS"]

Random = np.random.Generator
_DARK: Colour = (25, 22, 28)
_WHITE: Colour = (245, 245, 240)


def _ground(random: Random, darkest: float = 0.15, brightest: float = 0.95) -> Colour:
    """Plain ground of a thing."""
    value = random.uniform(darkest, brightest)
    return hue_colour(random.random(), random.uniform(0.05, 0.5), value)


def _place(random: Random, k: int) -> tuple[float, float, float]:
    """Centre and size: nine places, three sizes."""
    size = (0.16, 0.24, 0.34)[k % 3]
    reach = 0.46 - size
    x, y = 0.5 + reach * ((k // 3) % 3 - 1), 0.5 + reach * ((k // 9 + k) % 3 - 1)
    return x + random.uniform(-0.03, 0.03), y + random.uniform(-0.03, 0.03), size


def _face(random: Random, k: int) -> UInt8Array:
    pen = Pen(_ground(random))
    x, y, r = _place(random, k)
    r *= 1.15
    skin = hue_colour(0.07, random.uniform(0.25, 0.6), random.uniform(0.35, 0.95))
    hair = hue_colour(random.uniform(0, 0.12), 0.6, random.uniform(0.05, 0.7))
    slim = random.uniform(0.7, 0.95)
    pen.oval(x, y - 0.15 * r, slim * 1.12 * r, 1.05 * r, hair)
    if k % 2:
        pen.box(x - slim * 1.12 * r, y, x + slim * 1.12 * r, y + r, hair)
    pen.oval(x, y + 0.08 * r, slim * r, r, skin)
    apart, high = random.uniform(0.28, 0.42) * r, random.uniform(0.02, 0.22) * r
    for side in (-1, 1):
        eye_x = x + side * apart
        pen.oval(eye_x, y - high, 0.17 * r, random.uniform(0.07, 0.13) * r, _WHITE)
        pen.oval(eye_x, y - high, 0.08 * r, 0.08 * r, _DARK)
        lift = random.uniform(0.22, 0.34) * r
        pen.line([(eye_x - 0.2 * r, y - high - lift), (eye_x + 0.2 * r, y - high - lift)], 0.05 * r,
                 hair)  # fmt: skip
    pen.polygon([(x, y - 0.05 * r), (x - 0.12 * r, y + 0.36 * r), (x + 0.12 * r, y + 0.36 * r)],
                shade(skin, 0.75))  # fmt: skip
    mouth = random.uniform(0.2, 0.45) * r
    if k % 3 == 0:
        pen.oval(x, y + 0.62 * r, mouth * 0.7, random.uniform(0.08, 0.2) * r, (120, 20, 30))
    elif k % 3 == 1:
        pen.arc(x, y + 0.35 * r, mouth, 30, 150, 0.06 * r, (140, 30, 40))
    else:
        pen.arc(x, y + 0.95 * r, mouth, 210, 330, 0.06 * r, (140, 30, 40))
    if k % 4 == 0:
        for side in (-1, 1):
            pen.arc(x + side * apart, y - high, 0.26 * r, 0, 360, 0.05 * r, _DARK)
    return pen.pixels()


def _house(random: Random, k: int) -> UInt8Array:
    pen = Pen(hue_colour(random.uniform(0.2, 0.4), 0.5, random.uniform(0.2, 0.7)))
    horizon = random.uniform(0.55, 0.8)
    pen.sky(hue_colour(0.58, 0.5, random.uniform(0.5, 1)), hue_colour(0.55, 0.15, 1), horizon)
    width, height = random.uniform(0.22, 0.75), random.uniform(0.18, 0.5)
    left = random.uniform(0.03, 0.97 - width)
    bottom = horizon + random.uniform(0.02, 0.15)
    top = bottom - height
    wall = hue_colour(random.random(), random.uniform(0.05, 0.6), random.uniform(0.3, 1))
    roof = hue_colour(random.uniform(-0.05, 0.1), 0.7, random.uniform(0.15, 0.6))
    pen.box(left, top, left + width, bottom, wall)
    peak = left + width * random.choice([0.0, 0.3, 0.5, 0.7, 1.0])
    pen.polygon([(left - 0.03, top), (left + width + 0.03, top),
                 (peak, top - random.uniform(0.06, 0.28))], roof)  # fmt: skip
    n_columns, n_rows = int(random.integers(1, 6)), int(random.integers(1, 5))
    pane = hue_colour(0.15 if k % 2 else 0.6, 0.4, 0.95 if k % 2 else 0.25)
    for row in range(n_rows):
        for column in range(n_columns):
            x, y = left + width * (column + 0.5) / n_columns, top + height * (row + 0.4) / n_rows
            w, h = 0.3 * width / n_columns, 0.28 * height / n_rows
            pen.box(x - w, y - h, x + w, y + h, pane)
            pen.line([(x, y - h), (x, y + h)], 0.006, _WHITE)
    door = left + width * random.uniform(0.1, 0.75)
    pen.box(door, bottom - 0.35 * height, door + 0.14 * width, bottom, shade(roof, 0.7))
    return pen.pixels()


def _branch(
    pen: Pen, random: Random, x: float, y: float, angle: float, length: float, depth: int, c: Colour
) -> None:
    """One branch and what grows from it."""
    tip = (x + length * np.cos(angle), y - length * np.sin(angle))
    pen.line([(x, y), tip], 0.09 * length, c)
    if depth:
        for turn in (-0.45, 0.4):
            bend = turn + random.uniform(-0.2, 0.2)
            part = length * random.uniform(0.62, 0.82)
            _branch(pen, random, *tip, angle + bend, part, depth - 1, c)


def _plant(random: Random, k: int) -> UInt8Array:
    pen = Pen(_ground(random, 0.65, 1))
    x, y, r = _place(random, k)
    green = hue_colour(random.uniform(0.2, 0.42), 0.7, random.uniform(0.2, 0.85))
    bark = hue_colour(0.07, 0.6, random.uniform(0.1, 0.4))
    kind = k % 4
    if kind == 0:
        _branch(pen, random, x, min(y + r, 0.98), np.pi / 2, 0.75 * r, 6, bark)
    elif kind == 1:
        pen.box(x - 0.08 * r, y, x + 0.08 * r, y + r, bark)
        for _ in range(int(random.integers(4, 30))):
            dx, dy = random.normal(0, 0.32 * r, 2)
            size = random.uniform(0.1, 0.35) * r
            pen.oval(x + dx, y - 0.3 * r + dy, size, size, shade(green, random.uniform(0.6, 1.5)))
    elif kind == 2:
        n_tiers = int(random.integers(2, 6))
        pen.box(x - 0.07 * r, y + 0.6 * r, x + 0.07 * r, y + r, bark)
        for tier in range(n_tiers):
            low = y + 0.7 * r - 1.4 * r * tier / n_tiers
            half = r * (0.75 - 0.6 * tier / n_tiers)
            pen.polygon([(x - half, low), (x + half, low), (x, low - 0.8 * r)],
                        shade(green, 1 - 0.1 * (tier % 2)))  # fmt: skip
    else:
        n_petals = int(random.integers(5, 14))
        petal = hue_colour(random.random(), 0.8, random.uniform(0.5, 1))
        pen.line([(x, y), (x + random.uniform(-0.2, 0.2) * r, 0.99)], 0.03, green)
        for turn in np.linspace(0, 2 * np.pi, n_petals, endpoint=False):
            px, py = x + 0.6 * r * np.cos(turn), y + 0.6 * r * np.sin(turn)
            pen.oval(px, py, 1.5 * r / n_petals, 1.5 * r / n_petals, petal)
        pen.oval(x, y, 0.32 * r, 0.32 * r, hue_colour(0.12, 0.9, random.uniform(0.3, 1)))
    return pen.pixels()


def _animal(random: Random, k: int) -> UInt8Array:
    pen = Pen(_ground(random))
    x, y, r = _place(random, k)
    r *= 1.15
    coat = hue_colour(random.random(), random.uniform(0.3, 0.9), random.uniform(0.2, 1))
    other = hue_colour(random.random(), 0.7, random.uniform(0.1, 1))
    way = -1 if k % 2 else 1
    kind = k % 4
    if kind == 0:  # fish
        pen.polygon([(x - way * 0.6 * r, y), (x - way * 1.1 * r, y - 0.4 * r),
                     (x - way * 1.1 * r, y + 0.4 * r)], other)  # fmt: skip
        pen.oval(x, y, 0.8 * r, random.uniform(0.3, 0.6) * r, coat)
        for stripe in range(int(random.integers(0, 5))):
            sx = x + way * (0.3 - 0.22 * stripe) * r
            pen.line([(sx, y - 0.28 * r), (sx, y + 0.28 * r)], 0.07 * r, other)
        pen.oval(x + way * 0.55 * r, y - 0.1 * r, 0.09 * r, 0.09 * r, _WHITE)
    elif kind == 1:  # butterfly
        for side in (-1, 1):
            pen.oval(
                x + side * 0.45 * r, y - 0.35 * r, 0.42 * r, random.uniform(0.3, 0.5) * r, coat
            )
            pen.oval(x + side * 0.4 * r, y + 0.4 * r, 0.33 * r, 0.33 * r, other)
            pen.oval(x + side * 0.45 * r, y - 0.35 * r, 0.15 * r, 0.15 * r, other)
        pen.oval(x, y, 0.08 * r, 0.75 * r, _DARK)
    elif kind == 2:  # four legs
        long, tall = random.uniform(0.55, 0.85) * r, random.uniform(0.25, 0.45) * r
        for leg in (-0.8, -0.5, 0.5, 0.8):
            pen.box(
                x + leg * long - 0.06 * r, y, x + leg * long + 0.06 * r, y + r, shade(coat, 0.8)
            )
        pen.oval(x, y, long, tall, coat)
        head = (x + way * long, y - random.uniform(0.3, 0.8) * r)
        pen.line([(x + way * 0.6 * long, y), head], 0.2 * r, coat)
        pen.oval(*head, 0.27 * r, 0.2 * r, coat)
        for spot in range(k % 7):
            pen.oval(x + (spot / 3 - 0.9) * 0.8 * long, y + random.uniform(-0.1, 0.1) * r,
                     0.09 * r, 0.09 * r, other)  # fmt: skip
    else:  # bird
        pen.oval(x, y, 0.6 * r, 0.4 * r, coat)
        pen.oval(x + way * 0.55 * r, y - 0.4 * r, 0.25 * r, 0.25 * r, coat)
        pen.polygon([(x + way * 0.75 * r, y - 0.5 * r), (x + way * 0.75 * r, y - 0.3 * r),
                     (x + way * 1.05 * r, y - 0.38 * r)], (235, 160, 30))  # fmt: skip
        lift = random.uniform(-0.9, 0.9) * r
        pen.polygon([(x - 0.3 * r, y), (x + 0.3 * r, y), (x - way * 0.4 * r, y + lift)], other)
        for leg in (-0.12, 0.12):
            pen.line([(x + leg * r, y + 0.35 * r), (x + leg * r, y + 0.85 * r)], 0.012, _DARK)
    return pen.pixels()


def _vehicle(random: Random, k: int) -> UInt8Array:
    horizon = random.uniform(0.5, 0.85)
    is_boat = k % 3 == 1
    pen = Pen(hue_colour(0.58 if is_boat else 0.1, 0.5 if is_boat else 0.1,
                         random.uniform(0.25, 0.6)))  # fmt: skip
    pen.sky(hue_colour(random.uniform(0.5, 0.65), 0.5, random.uniform(0.3, 1)),
            hue_colour(random.random(), 0.15, 0.95), horizon)  # fmt: skip
    x, _, r = _place(random, k)
    r *= random.uniform(0.9, 1.3)
    paint = hue_colour(random.random(), 0.8, random.uniform(0.3, 1))
    if k % 3 == 0:  # car or bus
        roof = random.uniform(0.3, 0.9) * r
        pen.box(x - r, horizon - 0.45 * r, x + r, horizon, paint)
        pen.box(x - 0.6 * r, horizon - 0.45 * r - roof, x + 0.5 * r, horizon - 0.4 * r, paint)
        for window in range(int(random.integers(1, 4))):
            left = x - 0.52 * r + 0.36 * r * window
            pen.box(left, horizon - 0.35 * r - roof, left + 0.28 * r, horizon - 0.5 * r, _WHITE)
        for wheel in (-0.6, 0.6):
            pen.oval(x + wheel * r, horizon, 0.24 * r, 0.24 * r, _DARK)
            pen.oval(x + wheel * r, horizon, 0.1 * r, 0.1 * r, _WHITE)
    elif is_boat:
        deck, keel = horizon - 0.1, horizon + 0.15 * r
        pen.polygon([(x - r, deck), (x + r, deck), (x + 0.6 * r, keel), (x - 0.6 * r, keel)],
                    paint)  # fmt: skip
        mast = random.uniform(0.9, 1.7) * r
        pen.line([(x, horizon - 0.1), (x, horizon - 0.1 - mast)], 0.012, _DARK)
        lean = random.uniform(0.4, 0.95) * r * (-1 if k % 2 else 1)
        pen.polygon([(x, horizon - 0.13), (x + lean, horizon - 0.13), (x, horizon - 0.1 - mast)],
                    _WHITE)  # fmt: skip
        pen.polygon([(x, horizon - 0.13), (x - 0.5 * lean, horizon - 0.13),
                     (x, horizon - 0.1 - 0.7 * mast)], shade(paint, 1.4))  # fmt: skip
    else:  # train
        n_cars, tall = int(random.integers(2, 6)), random.uniform(0.09, 0.24)
        for car in range(n_cars):
            left = car / n_cars
            pen.box(left + 0.01, horizon - tall, left + 1 / n_cars - 0.01, horizon, paint)
            n_panes = int(random.integers(1, 5))
            for pane in range(n_panes):
                at = left + (pane + 0.5) / n_panes / n_cars
                half = 0.28 / n_panes / n_cars
                pen.box(at - half, horizon - 0.8 * tall, at + half, horizon - 0.4 * tall, _WHITE)
            for wheel in (0.25, 0.75):
                pen.oval(left + wheel / n_cars, horizon, 0.2 * tall, 0.2 * tall, _DARK)
        pen.line([(0, horizon + 0.2 * tall), (1, horizon + 0.2 * tall)], 0.015, _DARK)
    return pen.pixels()


def _cup(pen: Pen, random: Random, x: float, y: float, r: float, c: Colour) -> None:
    low = random.uniform(0.4, 1) * 0.7 * r
    pen.arc(x + 0.75 * r, y, 0.35 * r, 0, 360, 0.1 * r, c)
    pen.polygon([(x - 0.7 * r, y - 0.7 * r), (x + 0.7 * r, y - 0.7 * r), (x + low, y + 0.8 * r),
                 (x - low, y + 0.8 * r)], c)  # fmt: skip
    pen.oval(x, y - 0.7 * r, 0.7 * r, 0.16 * r, shade(c, 0.5))


def _bottle(pen: Pen, random: Random, x: float, y: float, r: float, c: Colour) -> None:
    half = random.uniform(0.25, 0.55) * r
    pen.box(x - 0.12 * r, y - r, x + 0.12 * r, y, c)
    pen.oval(x, y - 0.1 * r, half, 0.35 * r, c)
    pen.box(x - half, y - 0.1 * r, x + half, y + r, c)
    pen.box(x - half, y + 0.2 * r, x + half, y + random.uniform(0.4, 0.8) * r, _WHITE)


def _clock(pen: Pen, random: Random, x: float, y: float, r: float, c: Colour) -> None:
    pen.oval(x, y, r, r, c)
    pen.oval(x, y, 0.86 * r, 0.86 * r, _WHITE)
    for hour in range(12):
        out = np.array([np.cos(hour * np.pi / 6), np.sin(hour * np.pi / 6)])
        (ax, ay), (bx, by) = 0.68 * r * out, 0.82 * r * out
        pen.line([(x + ax, y + ay), (x + bx, y + by)], 0.05 * r, _DARK)
    for length, width in ((0.45, 0.09), (0.65, 0.05)):
        turn = random.uniform(0, 2 * np.pi)
        tip = (x + length * r * np.cos(turn), y + length * r * np.sin(turn))
        pen.line([(x, y), tip], width * r, _DARK)


def _lamp(pen: Pen, random: Random, x: float, y: float, r: float, c: Colour) -> None:
    top, low = random.uniform(0.15, 0.6) * r, random.uniform(0.6, 0.9) * r
    pen.line([(x, y - 0.2 * r), (x, y + r)], 0.05, _DARK)
    pen.box(x - 0.5 * r, y + 0.9 * r, x + 0.5 * r, y + r, _DARK)
    pen.polygon([(x - top, y - r), (x + top, y - r), (x + low, y), (x - low, y)], c)


def _key(pen: Pen, random: Random, x: float, y: float, r: float, c: Colour) -> None:
    pen.arc(x - 0.6 * r, y, 0.38 * r, 0, 360, 0.14 * r, c)
    pen.box(x - 0.25 * r, y - 0.07 * r, x + r, y + 0.07 * r, c)
    for tooth in range(int(random.integers(2, 5))):
        at = x + (0.9 - 0.2 * tooth) * r
        pen.box(at - 0.06 * r, y, at + 0.06 * r, y + random.uniform(0.2, 0.45) * r, c)


def _chair(pen: Pen, random: Random, x: float, y: float, r: float, c: Colour) -> None:
    wide = random.uniform(0.45, 0.75) * r
    for leg in (-wide, wide):
        pen.box(x + leg - 0.05 * r, y - (r if leg < 0 else 0), x + leg + 0.05 * r, y + r, c)
    pen.box(x - wide, y, x + wide, y + 0.15 * r, c)
    for slat in range(int(random.integers(1, 5))):
        top = y - (0.95 - 0.22 * slat) * r
        pen.box(x - wide, top, x + 0.3 * wide, top + 0.1 * r, c)


_OBJECTS = (_cup, _bottle, _clock, _lamp, _key, _chair)


def _object(random: Random, k: int) -> UInt8Array:
    kind, again = k % len(_OBJECTS), k // len(_OBJECTS)
    is_light = (kind + again) % 2 == 0
    pen = Pen(_ground(random, 0.75, 1) if is_light else _ground(random, 0.05, 0.3))
    x, y, r = _place(random, kind + 4 * again)
    value = random.uniform(0.05, 0.4) if is_light else random.uniform(0.7, 1)
    if k % 2:
        pen.box(0, min(y + r, 0.97), 1, 1, _ground(random))
    colour = hue_colour(random.random(), random.uniform(0.2, 0.7), value)
    _OBJECTS[kind](pen, random, x, y, r, colour)
    return pen.pixels()


_WORDS = ("A", "go", "&", "tree", "7", "M", "house", "?", "42", "sea", "R", "milk", "S", "1969",
          "bird", "x", "moon light", "E", "stop", "wind", "Q", "book", "%", "one two three",
          "o")  # fmt: skip


def _sign(random: Random, k: int) -> UInt8Array:
    is_light = bool(k % 2)
    pen = Pen(hue_colour(random.random(), 0.3, 0.92 if is_light else 0.12))
    word = _WORDS[k % len(_WORDS)]
    lines = word.split(" ")
    ink = hue_colour(random.random(), 0.8, 0.2 if is_light else 0.95)
    room = 1.5 / max(map(len, lines))
    height = min(room, 0.85 / len(lines)) * (0.55, 0.8, 1.0)[k % 3]
    x, y = 0.5 + random.uniform(-0.12, 0.12), 0.5 + random.uniform(-0.15, 0.15)
    for number, line in enumerate(lines):
        pen.text(line, x, y + (number - (len(lines) - 1) / 2) * height, height, ink)
    return pen.pixels()


#: Category -> how to draw its picture number k.
THINGS: dict[str, Callable[[Random, int], UInt8Array]] = {
    "faces": _face,
    "houses": _house,
    "plants": _plant,
    "animals": _animal,
    "vehicles": _vehicle,
    "objects": _object,
    "letters": _sign,
}
