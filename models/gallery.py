"""Built-in pictures: drawn from formulas and seeds, or photographs that scikit-image ships.

Conventions. Row 0 is the top of the visual field. Positions run in units of half the picture's
width: x to the right, y upwards, 0 at the centre. Angles are measured from the right horizontal
meridian, counter-clockwise. Grey 128 is "nothing there"; contrast is around it. Degrees of
visual angle hold at a set's suggested picture width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from models.errors import StimulusError
from models.stimulus import Stimulus
from models.types import BoolArray, FloatArray, UInt8Array

__all__ = ["DEFAULT_SET", "GallerySet", "get_set", "list_sets", "reference_pictures"]

#: What a first visit shows.
DEFAULT_SET = "wedge"

#: Width and height of generated pictures in pixels.
SIDE = 384

WEDGE_FRAMES = 24
WEDGE_WIDTH_DEG = 45.0
RING_FRAMES = 16
RING_DUTY = 0.25
RETINOTOPY_WIDTH_DEG = 16.0
INNER_ECCENTRICITY_DEG = 0.25

GRATING_WIDTH_DEG = 12.0
GRATING_ORIENTATIONS_DEG = (0, 45, 90, 135)
GRATING_CYCLES = (6, 12, 24)
CONTRASTS = (0.03, 0.06, 0.12, 0.25, 0.5, 1.0)

#: Visual angle of the photographs' longer side; that of the Natural Scenes Dataset
#: (Allen et al. 2022).
PHOTOGRAPH_WIDTH_DEG = 8.4

GENERATED = "Drawn by this program; MIT, as the code"

_NASA = "public domain (NASA)"
_PHOTOGRAPHS = (
    ("astronaut.png", "Astronaut Eileen Collins", _NASA),
    ("camera.png", "Man with a camera", "CC0, Lav Varshney"),
    ("chelsea.png", "Chelsea the cat", "CC0, Stefan van der Walt"),
    ("coffee.png", "Coffee cup", "CC0, Rachel Michetti"),
    ("rocket.jpg", "Rocket before its launch", "public domain (SpaceX)"),
    ("hubble_deep_field.jpg", "Hubble eXtreme Deep Field", _NASA),
    ("retina.jpg", "Back of an eye", "CC0, Mikael Häggström"),
)
_TEXTURES = (
    ("brick.png", "Bricks", "CC0, CC0Textures"),
    ("grass.png", "Grass", "CC0, linolafett"),
    ("gravel.png", "Gravel", "CC0, CC0Textures"),
)
#: Everyday scenes only: the last two photographs are mostly black.
_REFERENCE_PHOTOGRAPHS = _PHOTOGRAPHS[:5]


@dataclass(frozen=True)
class GallerySet:
    """Pictures that belong together.

    Parameters
    ----------
    id : str
        For the URL.
    title, description : str
        Words for a person.
    licence : str
        Terms of the pictures, with whom to name.
    kind : {"sequence", "set"}
        A sequence is meant to be played, a set to be looked through.
    visual_angle_deg : float
        Suggested width of the picture.
    frame_rate_hz : float
        Pictures a second when played; 0 for a set.
    """

    id: str
    title: str
    description: str
    licence: str
    kind: Literal["sequence", "set"]
    visual_angle_deg: float
    draw: Callable[[], tuple[Stimulus, ...]] = field(repr=False)
    frame_rate_hz: float = 0.0

    def stimuli(self) -> tuple[Stimulus, ...]:
        """Pictures of the set; drawn on first use, then remembered.

        Raises
        ------
        StimulusError
            The photographs of scikit-image are not installed.
        """
        return _draw(self.id)


@lru_cache(maxsize=16)
def _draw(set_id: str) -> tuple[Stimulus, ...]:
    return get_set(set_id).draw()


def _grid(side: int = SIDE) -> tuple[FloatArray, FloatArray]:
    """Positions x (1, side) and y (side, 1) of pixel centres, from -1 to 1, y upwards."""
    steps = ((np.arange(side) + 0.5) / side * 2 - 1).astype(np.float32)
    return steps[None, :], -steps[:, None]


def _polar() -> tuple[FloatArray, FloatArray]:
    """Radius (1 at the picture's edge) and angle in degrees, counter-clockwise from the right."""
    x, y = _grid()
    return np.hypot(x, y), np.degrees(np.arctan2(y, x))


def _to_grey_levels(contrast: FloatArray) -> UInt8Array:
    """-1..1 around mid-grey -> 1..255."""
    return np.rint(128 + 127 * np.clip(contrast, -1, 1)).astype(np.uint8)


def _checkerboard(radius: FloatArray, angle_deg: FloatArray) -> FloatArray:
    """Black and white checks that grow with eccentricity, +1 or -1; 24 sectors of 15 degrees."""
    # a ring is as wide as a sector is long: sectors of pi / 12, so rings of exp(pi / 12)
    rings = np.floor(np.log(np.maximum(radius, 1e-3)) * 12 / np.pi)
    sectors = np.floor(angle_deg * 12 / 180)
    return np.where((rings + sectors) % 2 == 0, np.float32(1), np.float32(-1))


def _mask_frames(
    masks: list[BoolArray], names: list[str], checks: FloatArray
) -> tuple[Stimulus, ...]:
    """Checkerboard seen through masks; contrast reverses from frame to frame."""
    pair = (_to_grey_levels(checks), _to_grey_levels(-checks))
    return tuple(
        Stimulus.from_pixels(np.where(mask, pair[number % 2], np.uint8(128)), name)
        for number, (mask, name) in enumerate(zip(masks, names, strict=True))
    )


def _wedge() -> tuple[Stimulus, ...]:
    radius, angle = _polar()
    centres = [360 * k / WEDGE_FRAMES for k in range(WEDGE_FRAMES)]
    masks = [
        (np.abs((angle - centre + 180) % 360 - 180) <= WEDGE_WIDTH_DEG / 2) & (radius <= 1)
        for centre in centres
    ]
    return _mask_frames(
        masks, [f"Wedge at {centre:g}°" for centre in centres], _checkerboard(radius, angle)
    )


def _ring() -> tuple[Stimulus, ...]:
    radius, angle = _polar()
    inner = INNER_ECCENTRICITY_DEG / (RETINOTOPY_WIDTH_DEG / 2)
    # 0 at the innermost ring, 1 at the picture's edge, logarithmic between as cortex is
    depth = 1 - np.log(np.maximum(radius, 1e-3)) / np.log(inner)
    is_inside = (depth >= 0) & (radius <= 1)
    masks = [
        ((depth - k / RING_FRAMES + RING_DUTY / 2) % 1 < RING_DUTY) & is_inside
        for k in range(RING_FRAMES)
    ]
    names = [f"Ring {k + 1} of {RING_FRAMES}" for k in range(RING_FRAMES)]
    return _mask_frames(masks, names, _checkerboard(radius, angle))


def _halves() -> tuple[Stimulus, ...]:
    radius, angle = _polar()
    x, y = _grid()
    ones = np.ones((SIDE, SIDE), np.bool_)
    masks = [ones & (x > 0), ones & (y > 0), ones & (x < 0), ones & (y < 0)]
    names = ["Right half", "Upper half", "Left half", "Lower half"]
    masks = [mask & (radius <= 1) for mask in masks]
    return _mask_frames(masks, names, _checkerboard(radius, angle))


def _soft_disc() -> FloatArray:
    """1 in the middle, falling to 0 at the edge along half a cosine over the outer fifth."""
    radius, _ = _polar()
    disc: FloatArray = 0.5 + 0.5 * np.cos(np.pi * np.clip((radius - 0.8) / 0.2, 0, 1))
    return disc


def _stripes(orientation_deg: float, cycles: float) -> FloatArray:
    """Sine stripes, -1..1; 0 degrees lie flat, 90 stand upright, counter-clockwise."""
    x, y = _grid()
    tilt = np.radians(orientation_deg)
    across = y * np.cos(tilt) - x * np.sin(tilt)
    # across runs from -1 to 1, so 2 is the whole picture
    stripes: FloatArray = np.cos(np.pi * cycles * across)
    return stripes


def _gratings() -> tuple[Stimulus, ...]:
    disc = _soft_disc()
    return tuple(
        Stimulus.from_pixels(
            _to_grey_levels(disc * _stripes(orientation, cycles)),
            f"Stripes at {orientation}°, {cycles} across",
        )
        for cycles in GRATING_CYCLES
        for orientation in GRATING_ORIENTATIONS_DEG
    )


def _contrast() -> tuple[Stimulus, ...]:
    pattern = _soft_disc() * _stripes(90, 12)
    return tuple(
        Stimulus.from_pixels(_to_grey_levels(contrast * pattern), f"Contrast {contrast:.0%}")
        for contrast in CONTRASTS
    )


def _plaids() -> tuple[Stimulus, ...]:
    disc = 0.5 * _soft_disc()
    pictures = []
    for first, second in ((90, 0), (45, 135)):
        one, other = disc * _stripes(first, 12), disc * _stripes(second, 12)
        pictures += [
            (f"Stripes at {first}°", one),
            (f"Stripes at {second}°", other),
            (f"Plaid {first}° + {second}°", one + other),
        ]
    return tuple(Stimulus.from_pixels(_to_grey_levels(p), name) for name, p in pictures)


def _pink(seed: int, side: int = SIDE) -> UInt8Array:
    """Noise whose amplitude falls as 1/f, as in photographs (Field 1987); r.m.s. contrast 0.3."""
    white = np.random.default_rng(seed).standard_normal((side, side))
    spectrum = np.fft.rfft2(white)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf  # no mean: the noise stays around mid-grey
    noise = np.fft.irfft2(spectrum / frequency, s=(side, side))
    return _to_grey_levels(0.3 * noise / noise.std())


def _noise() -> tuple[Stimulus, ...]:
    return tuple(Stimulus.from_pixels(_pink(seed), f"Noise {seed + 1}") for seed in range(6))


def _load_packaged(name: str) -> bytes:
    """Bytes of a picture in scikit-image's wheel, without importing the package."""
    spec = find_spec("skimage")
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        path = Path(folder) / "data" / name
        if path.is_file():
            return path.read_bytes()
    raise StimulusError(
        f"The photograph {name} comes with scikit-image, which is not installed here. "
        "Install scikit-image, or pick a drawn picture."
    )


def _packaged(rows: tuple[tuple[str, str, str], ...]) -> tuple[Stimulus, ...]:
    return tuple(Stimulus.from_bytes(_load_packaged(file), title)[0] for file, title, _ in rows)


def _photographs() -> tuple[Stimulus, ...]:
    return _packaged(_PHOTOGRAPHS)


def _textures() -> tuple[Stimulus, ...]:
    return _packaged(_TEXTURES)


def _credit(rows: tuple[tuple[str, str, str], ...]) -> str:
    """One line that names the terms of each picture."""
    return "From scikit-image: " + "; ".join(f"{title}: {terms}" for _, title, terms in rows)


_SETS = (
    GallerySet(
        id="wedge",
        title="Rotating wedge",
        description=(
            "A checkerboard wedge turns once around the point you look at. The response travels "
            "over V1: right of centre is seen by the left brain, above by the lower bank."
        ),
        licence=GENERATED,
        kind="sequence",
        visual_angle_deg=RETINOTOPY_WIDTH_DEG,
        draw=_wedge,
        frame_rate_hz=2.0,
    ),
    GallerySet(
        id="ring",
        title="Growing ring",
        description=(
            "A checkerboard ring grows from the centre outwards. The response travels from the "
            "back of the brain forwards."
        ),
        licence=GENERATED,
        kind="sequence",
        visual_angle_deg=RETINOTOPY_WIDTH_DEG,
        draw=_ring,
        frame_rate_hz=2.0,
    ),
    GallerySet(
        id="halves",
        title="Right, upper, left, lower half",
        description="Half a checkerboard: each half of what you see is mapped on its own side.",
        licence=GENERATED,
        kind="set",
        visual_angle_deg=RETINOTOPY_WIDTH_DEG,
        draw=_halves,
    ),
    GallerySet(
        id="gratings",
        title="Stripes, coarse to fine",
        description=(
            "Four orientations at 6, 12 and 24 stripes: 0.5, 1 and 2 cycles a degree when the "
            "picture is 12° wide. The centre of gaze prefers finer stripes than the periphery."
        ),
        licence=GENERATED,
        kind="set",
        visual_angle_deg=GRATING_WIDTH_DEG,
        draw=_gratings,
    ),
    GallerySet(
        id="contrast",
        title="Contrast, 3 to 100 %",
        description="The same stripes, fainter and stronger: responses rise steeply, then level.",
        licence=GENERATED,
        kind="sequence",
        visual_angle_deg=GRATING_WIDTH_DEG,
        draw=_contrast,
        frame_rate_hz=1.0,
    ),
    GallerySet(
        id="plaids",
        title="Stripes and their sums",
        description=(
            "Two gratings of half contrast, and both laid over each other: the sum drives less "
            "than the sum of the responses."
        ),
        licence=GENERATED,
        kind="set",
        visual_angle_deg=GRATING_WIDTH_DEG,
        draw=_plaids,
    ),
    GallerySet(
        id="noise",
        title="Pink noise",
        description="No objects, but as much coarse and fine detail as a photograph has.",
        licence=GENERATED,
        kind="set",
        visual_angle_deg=PHOTOGRAPH_WIDTH_DEG,
        draw=_noise,
    ),
    GallerySet(
        id="textures",
        title="Textures",
        description="Bricks, grass and gravel: even texture from edge to edge.",
        licence=_credit(_TEXTURES),
        kind="set",
        visual_angle_deg=PHOTOGRAPH_WIDTH_DEG,
        draw=_textures,
    ),
    GallerySet(
        id="photographs",
        title="Photographs",
        description="People, a cat, a cup of coffee, a rocket, far galaxies, the back of an eye.",
        licence=_credit(_PHOTOGRAPHS),
        kind="set",
        visual_angle_deg=PHOTOGRAPH_WIDTH_DEG,
        draw=_photographs,
    ),
)


def list_sets() -> tuple[GallerySet, ...]:
    """All sets, in the order to show them."""
    return _SETS


def get_set(set_id: str) -> GallerySet:
    """One set by its id.

    Raises
    ------
    StimulusError
        No such set; the text lists near matches.
    """
    for gallery_set in _SETS:
        if gallery_set.id == set_id:
            return gallery_set
    ids = [gallery_set.id for gallery_set in _SETS]
    near = get_close_matches(set_id, ids) or ids
    raise StimulusError(f"There is no picture set {set_id!r}. Did you mean {', '.join(near)}?")


def _corner_crops(pixels: UInt8Array) -> list[UInt8Array]:
    """Three squares of 3/4 of the shorter side: top left, middle, bottom right."""
    height, width = pixels.shape[:2]
    side = min(height, width) * 3 // 4
    down, right = height - side, width - side
    corners = ((0, 0), (down // 2, right // 2), (down, right))
    return [pixels[top : top + side, left : left + side] for top, left in corners]


@lru_cache(maxsize=1)
def reference_pictures() -> tuple[Stimulus, ...]:
    """Pictures whose mean response is "the average picture".

    Returns
    -------
    tuple of Stimulus
        24 square pictures: three crops (top left, middle, bottom right; 3/4 of the shorter
        side) of each of five everyday photographs, the middle of three textures, and six of
        pink noise (amplitude 1/f, r.m.s. contrast 0.3, seeds 100 to 105). The same on every
        machine.

    Raises
    ------
    StimulusError
        The photographs of scikit-image are not installed.

    Notes
    -----
    Source: scikit-image's data folder (licences in ``get_set("photographs")`` and
    ``get_set("textures")``); the composition is ours, a stand-in for "many natural pictures".
    """
    photographs = [
        Stimulus.from_pixels(crop, f"{photograph.name}, part {number + 1}")
        for photograph in _packaged(_REFERENCE_PHOTOGRAPHS)
        for number, crop in enumerate(_corner_crops(photograph.pixels()))
    ]
    textures = [
        Stimulus.from_pixels(_corner_crops(texture.pixels())[1], texture.name)
        for texture in _packaged(_TEXTURES)
    ]
    noise = [Stimulus.from_pixels(_pink(seed), f"Noise {seed}") for seed in range(100, 106)]
    return (*photographs, *textures, *noise)
