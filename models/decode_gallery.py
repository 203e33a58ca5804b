"""Pictures to tell apart: what the page "Decode" guesses from, built in.

Drawn things, scenes and patterns, and parts of the photographs that scikit-image ships. None is
from a data set that a published encoder was trained on (the Natural Scenes Dataset, THINGS,
BOLD5000).
"""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial

import numpy as np
from PIL import Image

from models._gallery_pen import PICTURE_SIDE
from models._gallery_scenes import SCENES
from models._gallery_things import THINGS
from models.errors import ParameterError
from models.gallery import GENERATED, load_packaged
from models.stimulus import Stimulus
from models.types import UInt8Array

__all__ = ["N_PER_CATEGORY", "DecodeGallery", "gallery"]

#: Drawn pictures of each category.
N_PER_CATEGORY = 18

#: Photographs in scikit-image 0.26, their terms as stated there, and the squares used: left, top
#: and side as parts of the shorter side (left and top of what is left beside the square).
_NASA = "public domain (NASA)"
_PHOTOGRAPHS: tuple[tuple[str, str, str, tuple[tuple[float, float, float], ...]], ...] = (
    ("astronaut.png", "Astronaut", _NASA, ((0.5, 0.5, 1), (0.4, 0.05, 0.45), (1, 0.9, 0.5))),
    ("camera.png", "Man with a camera", "CC0, Lav Varshney",
     ((0.5, 0.5, 1), (0.45, 0.1, 0.45), (1, 1, 0.5))),
    ("chelsea.png", "Cat", "CC0, Stefan van der Walt",
     ((0.5, 0.5, 1), (0.25, 0.5, 0.5), (0.9, 1, 0.6))),
    ("coffee.png", "Coffee", "CC0, Rachel Michetti",
     ((0.5, 0.5, 1), (0.45, 0.5, 0.5), (0, 0, 0.6), (1, 0.2, 0.5))),
    ("rocket.jpg", "Rocket", "public domain (SpaceX)",
     ((0.5, 0.5, 1), (0.5, 0.3, 0.4), (0, 0.9, 0.7))),
    ("hubble_deep_field.jpg", "Galaxies", _NASA, ((0.5, 0.5, 0.35), (0.1, 0.8, 0.25))),
    ("retina.jpg", "Back of an eye", "CC0, Mikael Häggström",
     ((0.5, 0.5, 1), (0.25, 0.5, 0.4), (0.75, 0.3, 0.4))),
    ("coins.png", "Coins", "no known copyright restrictions, Brooklyn Museum",
     ((0, 0, 1), (1, 0.8, 0.45), (0.2, 0.2, 0.3))),
    ("text.png", "Handwriting", "public domain", ((0.1, 0.5, 1), (1, 0.5, 0.6))),
    ("horse.png", "Horse", "CC0, Andreas Preuss", ((0.5, 0.5, 1), (0.1, 0.1, 0.5))),
    ("clock_motion.png", "Clock in motion", "public domain, Stefan van der Walt",
     ((0.5, 0.5, 1), (0.7, 0.3, 0.5))),
    ("cell.png", "Cell", "CC0, P. Müller and others", ((0.5, 0.5, 1),)),
    ("brick.png", "Bricks", "CC0, CC0Textures", ((0, 0, 0.25), (0.6, 0.4, 0.6))),
    ("grass.png", "Grass", "CC0, linolafett", ((0, 0, 0.2), (0.5, 0.5, 1))),
    ("gravel.png", "Gravel", "CC0, CC0Textures", ((0, 0.5, 0.2), (0.5, 0.5, 0.6))),
)  # fmt: skip

Random = np.random.Generator
_DRAWN: dict[str, Callable[[Random, int], UInt8Array]] = {**THINGS, **SCENES}


@dataclass(frozen=True, eq=False)
class DecodeGallery:
    """Pictures with names, categories and terms; drawn when they are first asked for.

    Parameters
    ----------
    names : tuple of str
        One a picture, all different.
    categories : tuple of str
        What each shows: "faces", "houses" ...
    licences : tuple of str
        Terms of each.
    makers : tuple of callable
        Draw or read each picture: (height, width, 3) uint8.
    """

    names: tuple[str, ...]
    categories: tuple[str, ...]
    licences: tuple[str, ...]
    makers: tuple[Callable[[], UInt8Array], ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def stimuli(self) -> tuple[Stimulus, ...]:
        """All pictures, in order, as PNG; the same bytes on every machine with the same Pillow.

        Raises
        ------
        StimulusError
            The photographs of scikit-image are not installed.
        """

        def make(number: int) -> Stimulus:
            return Stimulus.from_pixels(self.makers[number](), self.names[number])

        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
            return tuple(threads.map(make, range(len(self))))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the digests of all pictures, for exports."""
        joined = "".join(stimulus.digest for stimulus in self.stimuli)
        return hashlib.sha256(joined.encode()).hexdigest()

    def part(self, n_pictures: int) -> DecodeGallery:
        """Return a smaller gallery that takes in turn from every category.

        Raises
        ------
        ParameterError
            Fewer than one, or more than there are.
        """
        if not 1 <= n_pictures <= len(self):
            raise ParameterError(f"The gallery has {len(self)} pictures; asked for {n_pictures}.")
        seen: dict[str, int] = {}
        turns = []
        for category in self.categories:
            turns.append(seen.get(category, 0))
            seen[category] = turns[-1] + 1
        kept = sorted(np.argsort(turns, kind="stable")[:n_pictures].tolist())
        smaller = self._of(kept)
        if "stimuli" in self.__dict__:  # drawn already: shared, not drawn again
            smaller.__dict__["stimuli"] = tuple(self.stimuli[number] for number in kept)
        return smaller

    def _of(self, kept: list[int]) -> DecodeGallery:
        """Gallery of some pictures."""
        return DecodeGallery(
            tuple(self.names[number] for number in kept),
            tuple(self.categories[number] for number in kept),
            tuple(self.licences[number] for number in kept),
            tuple(self.makers[number] for number in kept),
        )


def _draw(category: str, number: int) -> UInt8Array:
    """Draw one picture; its random series depends on category and number only."""
    random = np.random.default_rng([zlib.crc32(category.encode()), number])
    return _DRAWN[category](random, number)


def _cut(file: str, square: tuple[float, float, float]) -> UInt8Array:
    """Cut a square out of a packaged photograph, at the size of the drawn pictures."""
    with Image.open(io.BytesIO(load_packaged(file))) as opened:
        picture = opened.convert("RGBA") if opened.mode == "RGBA" else opened.convert("RGB")
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    across, down, part = square
    side = round(part * min(picture.size))
    left, top = round(across * (picture.width - side)), round(down * (picture.height - side))
    box = (left, top, left + side, top + side)
    size = (PICTURE_SIDE, PICTURE_SIDE)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=3.0))


@lru_cache(maxsize=1)
def gallery() -> DecodeGallery:
    """Built-in pictures of the decoding page.

    Returns
    -------
    DecodeGallery
        At least 300 pictures of 16 categories, none nearly the same as another to the filter
        bank of the reference vision model (cosine at most 0.98). Made once a process; nothing is
        drawn before :attr:`DecodeGallery.stimuli` is asked for.

    Notes
    -----
    Licences: drawn pictures are the program's own; photographs are CC0 or in the public domain,
    as scikit-image states (:attr:`DecodeGallery.licences`).
    """
    rows: list[tuple[str, str, str, Callable[[], UInt8Array]]] = []
    for file, title, terms, squares in _PHOTOGRAPHS:
        for number, square in enumerate(squares):
            name = f"{title}, part {number + 1}" if len(squares) > 1 else title
            licence = f"From scikit-image: {terms}"
            rows.append((name, "photographs", licence, partial(_cut, file, square)))
    for category in _DRAWN:
        for number in range(N_PER_CATEGORY):
            name = f"{category.capitalize()} {number + 1}"
            rows.append((name, category, GENERATED, partial(_draw, category, number)))
    names, categories, licences, makers = zip(*rows, strict=True)
    return DecodeGallery(names, categories, licences, makers)
