"""Built-in pictures: drawn from formulas and seeds, or photographs that scikit-image ships.

Degrees of visual angle hold at a set's suggested picture width; angles and directions as in
``models.patterns``.
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
from models.patterns import (
    checkerboard,
    pink_noise,
    ring_mask,
    soft_disc,
    stripes,
    to_grey_levels,
    wedge_mask,
)
from models.stimulus import Stimulus
from models.types import BoolArray, UInt8Array

__all__ = [
    "DEFAULT_SET",
    "GENERATED",
    "GallerySet",
    "get_set",
    "list_sets",
    "load_packaged",
    "reference_pictures",
]

#: What a first visit shows.
DEFAULT_SET = "wedge"

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

#: Terms of what is drawn here.
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


def _through_masks(masks: list[BoolArray], names: list[str]) -> tuple[Stimulus, ...]:
    """Checkerboard seen through masks; contrast reverses from picture to picture."""
    checks = checkerboard()
    pair = (to_grey_levels(checks), to_grey_levels(-checks))
    return tuple(
        Stimulus.from_pixels(np.where(mask, pair[number % 2], np.uint8(128)), name)
        for number, (mask, name) in enumerate(zip(masks, names, strict=True))
    )


def _wedge() -> tuple[Stimulus, ...]:
    centres = [360 * k / WEDGE_FRAMES for k in range(WEDGE_FRAMES)]
    masks = [wedge_mask(centre, WEDGE_WIDTH_DEG) for centre in centres]
    return _through_masks(masks, [f"Wedge at {centre:g}°" for centre in centres])


def _ring() -> tuple[Stimulus, ...]:
    inner = INNER_ECCENTRICITY_DEG / (RETINOTOPY_WIDTH_DEG / 2)
    masks = [ring_mask(k / RING_FRAMES, RING_DUTY, inner) for k in range(RING_FRAMES)]
    return _through_masks(masks, [f"Ring {k + 1} of {RING_FRAMES}" for k in range(RING_FRAMES)])


def _halves() -> tuple[Stimulus, ...]:
    names = ["Right half", "Upper half", "Left half", "Lower half"]
    return _through_masks([wedge_mask(centre, 180) for centre in (0, 90, 180, 270)], names)


def _gratings() -> tuple[Stimulus, ...]:
    disc = soft_disc()
    return tuple(
        Stimulus.from_pixels(
            to_grey_levels(disc * stripes(orientation, cycles)),
            f"Stripes at {orientation}°, {cycles} across",
        )
        for cycles in GRATING_CYCLES
        for orientation in GRATING_ORIENTATIONS_DEG
    )


def _contrast() -> tuple[Stimulus, ...]:
    pattern = soft_disc() * stripes(90, 12)
    return tuple(
        Stimulus.from_pixels(to_grey_levels(contrast * pattern), f"Contrast {contrast:.0%}")
        for contrast in CONTRASTS
    )


def _plaids() -> tuple[Stimulus, ...]:
    disc = 0.5 * soft_disc()
    pictures = []
    for first, second in ((90, 0), (45, 135)):
        one, other = disc * stripes(first, 12), disc * stripes(second, 12)
        pictures += [
            (f"Stripes at {first}°", one),
            (f"Stripes at {second}°", other),
            (f"Plaid {first}° + {second}°", one + other),
        ]
    return tuple(Stimulus.from_pixels(to_grey_levels(p), name) for name, p in pictures)


def _noise() -> tuple[Stimulus, ...]:
    return tuple(Stimulus.from_pixels(pink_noise(seed), f"Noise {seed + 1}") for seed in range(6))


def load_packaged(name: str) -> bytes:
    """Bytes of a picture in scikit-image's wheel, without importing the package.

    Raises
    ------
    StimulusError
        scikit-image is not installed.
    """
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
    return tuple(Stimulus.from_bytes(load_packaged(file), title)[0] for file, title, _ in rows)


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
    noise = [Stimulus.from_pixels(pink_noise(seed), f"Noise {seed}") for seed in range(100, 106)]
    return (*photographs, *textures, *noise)
