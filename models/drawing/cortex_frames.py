"""The cortex as frames of a film: what stays is worked out once, a frame is a few look-ups.

For four samples in each pixel the stage holds the three places whose values meet there, with
their weights, and the light. A frame then costs one sparse product and a table of colours.
Interpolation is that of the stills: of values, and only where half of the weight has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw
from scipy.sparse import csr_array

from models.drawing.colormaps import lut
from models.drawing.drawn import drawn_space, to_drawn
from models.drawing.letters import load_font
from models.drawing.paint import Look, Patch, brightness, paint
from models.drawing.panels import Frame, arrange, frame_view, side_letters, visible
from models.errors import RenderError
from models.spaces import get_space
from models.types import BoolArray, FloatArray, IntArray, Response, UInt8Array

__all__ = ["draw_cortex_frames"]

_OVER = 2  # samples a pixel, along each side
_N_SAMPLES = _OVER * _OVER
_LEVELS = 32  # of light
_MARGIN, _HEAD, _GAP = 14, 18, 8
_TITLE_SIZE = 11
_INK = (91, 97, 108)
_NARROWEST, _WIDEST = 160, 2000
_CHUNK = 1 << 21  # pixels tried at once


@dataclass(frozen=True, eq=False)
class _Samples:
    """What four samples of each covered pixel show.

    Parameters
    ----------
    pixels : ndarray of shape (n,), int64
        Index of each pixel in the flat picture.
    places : ndarray of shape (n * 4, 3), int32
        Vertices around each sample; of no account where the weights are 0.
    weights : ndarray of shape (n * 4, 3), float32
        Their shares; 0 on the white ground.
    light : ndarray of shape (n * 4,), int32
        Level of light on a value, 0 to 31.
    ground : ndarray of shape (n * 4,), uint32
        Packed colour where no value is drawn.
    """

    pixels: IntArray
    places: IntArray
    weights: FloatArray
    light: IntArray
    ground: IntArray


@dataclass(frozen=True, eq=False)
class _Stage:
    """A picture without values, and the samples that values colour."""

    picture: UInt8Array
    samples: _Samples


def draw_cortex_frames(
    response: Response,
    look: Look,
    *,
    views: str | Sequence[str] = "four",
    shape: str = "inflated",
    width_px: int = 720,
) -> Iterator[UInt8Array]:
    """Draw each row of a response, one after the other.

    Parameters
    ----------
    response : Response
        On a surface; full fsaverage is drawn on fsaverage5.
    look : Look
        Colours of all frames.
    views : str or sequence of str
        As in :func:`models.drawing.still.draw_still`.
    shape : str
        A surface shape of the space that is drawn.
    width_px : int
        Of a frame; its height follows.

    Yields
    ------
    ndarray of shape (height, width_px, 3), uint8
        sRGB on white; what is not modelled shows the grey folds, as in a still.

    Raises
    ------
    RenderError
        The response does not live on a surface, or the width or a view makes no sense.
    SpaceMismatchError
        There is no such shape or view.
    """
    if response.space.kind != "surface":
        raise RenderError(f"Only surfaces can be drawn; {response.space.name} is none.")
    if not _NARROWEST <= width_px <= _WIDEST:
        raise RenderError(
            f"A frame is {_NARROWEST} to {_WIDEST} pixels wide; {width_px} were asked for."
        )
    drawn = to_drawn(response, drawn_space(response.space.name))
    rows = arrange(views, shape)
    stage = _stage(drawn.space.name, shape, rows, width_px, look.colormap)
    return _draw(drawn, look, stage)


def _draw(response: Response, look: Look, stage: _Stage) -> Iterator[UInt8Array]:
    """Colour the stage for one row after the other."""
    table, samples = _packed_table(look), stage.samples
    held = np.zeros(response.space.n_places, bool)
    held[response.column_indices] = True
    samples = _touching(samples, held)
    light = samples.light * 256
    is_known = np.zeros_like(held)
    weights, has_value = _weights(samples, is_known)
    values = np.zeros(response.space.n_places, np.float32)
    for row in response.values:
        values[response.column_indices] = row
        now = np.zeros_like(held)
        now[response.column_indices] = ~np.isnan(row)
        if not np.array_equal(now, is_known):
            is_known = now
            weights, has_value = _weights(samples, is_known)
        shown = weights @ np.where(is_known, values, 0)
        codes = (shown - look.minimum) * (256 / (look.maximum - look.minimum))
        codes = np.clip(codes, 0, 255).astype(np.int32)
        is_drawn = (
            has_value if not look.threshold else has_value & (np.abs(shown) >= look.threshold)
        )
        packed = np.where(is_drawn, table[light + codes], samples.ground)
        picture = stage.picture.copy()
        picture.reshape(-1, 3)[samples.pixels] = _mean(packed)
        yield picture


def _touching(samples: _Samples, held: BoolArray) -> _Samples:
    """Pixels that a held place reaches; the others never change."""
    reached = held[samples.places].any(axis=1) & samples.weights.any(axis=1)
    pixels = reached.reshape(-1, _N_SAMPLES).any(axis=1)
    each = np.repeat(pixels, _N_SAMPLES)
    return _Samples(
        samples.pixels[pixels],
        samples.places[each],
        samples.weights[each],
        samples.light[each],
        samples.ground[each],
    )


def _weights(samples: _Samples, is_known: BoolArray) -> tuple[csr_array, BoolArray]:
    """Matrix from places to samples, places without a value left out; where half has one."""
    shares = samples.weights * is_known[samples.places]
    total = shares.sum(axis=1)
    shares /= np.maximum(total, 1e-6)[:, None]
    starts = np.arange(len(shares) + 1, dtype=np.int32) * 3
    size = (len(shares), is_known.size)
    matrix = csr_array((shares.ravel(), samples.places.ravel(), starts), shape=size)
    return matrix, total >= 0.5


def _packed_table(look: Look) -> IntArray:
    """Packed colour of each code under each level of light; (32 * 256,) uint32."""
    lights = (np.arange(_LEVELS) + 1) / _LEVELS
    shaded = np.rint(lut(look.colormap) * lights[:, None, None]).astype(np.uint8)
    return _pack(shaded.reshape(-1, 3))


def _pack(colours: UInt8Array) -> IntArray:
    """Three channels with room for the sum of four: 10 bits each; (n, 3) -> (n,) uint32."""
    wide = colours.astype(np.uint32)
    packed: IntArray = wide[:, 0] | wide[:, 1] << 10 | wide[:, 2] << 20
    return packed


def _mean(packed: IntArray) -> UInt8Array:
    """Mean colour of each four samples; (n * 4,) -> (n, 3)."""
    four = packed.reshape(-1, _N_SAMPLES)
    total = four[:, 0] + four[:, 1] + four[:, 2] + four[:, 3]
    mean = np.empty((len(total), 3), np.uint8)
    for channel in range(3):
        mean[:, channel] = ((total >> np.uint32(10 * channel)) & 1023) >> 2
    return mean


@lru_cache(maxsize=2)
def _stage(
    space: str, shape: str, rows: tuple[tuple[str, ...], ...], width: int, colormap: str
) -> _Stage:
    """Work out everything that does not change from frame to frame; cached."""
    # Each place is its own number, so that a view's triangles still name their places.
    numbers = np.arange(get_space(space).n_places, dtype=np.float32)
    frames = [[frame_view(get_space(space), numbers, name, shape) for name in r] for r in rows]
    scale = min(
        (width - 2 * _MARGIN * len(line)) / sum(float(frame.size[0]) for frame in line)
        for line in frames
    )
    heights = [max(round(float(frame.size[1]) * scale) for frame in line) for line in frames]
    height = sum(heights) + len(frames) * (_HEAD + _GAP)
    page = Image.new("RGB", (width, height), (255, 255, 255))
    look, parts, top = Look(colormap, 0, 1), [], 0
    for line, line_height in zip(frames, heights, strict=True):
        free = width - sum(float(frame.size[0]) for frame in line) * scale
        left = free / (2 * len(line))
        for frame in line:
            size = [max(1, round(float(side) * scale)) for side in frame.size]
            corner = (round(left), top + _HEAD + (line_height - size[1]) // 2)
            _write_titles(page, frame, corner, size, top)
            parts.append(_sample(frame, look, scale, (size[0], size[1]), corner, width))
            left += size[0] + free / len(line)
        top += _HEAD + line_height + _GAP
    samples = _Samples(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    picture = np.asarray(page).copy()
    picture.reshape(-1, 3)[samples.pixels] = _mean(samples.ground)
    return _Stage(picture, samples)


def _write_titles(
    page: Image.Image, frame: Frame, corner: tuple[int, int], size: Sequence[int], top: int
) -> None:
    """Name of a view above it, letters of its sides beside it."""
    pen, font = ImageDraw.Draw(page), load_font(_TITLE_SIZE)
    (left, upper), (width, height) = corner, size
    pen.text((left + width / 2, top + _HEAD / 2), frame.view.title, _INK, font, anchor="mm")
    for x, letter in zip((left - 6, left + width + 6), side_letters(frame.view), strict=True):
        pen.text((x, upper + height / 2), letter, _INK, font, anchor="mm")


def _sample(
    frame: Frame,
    look: Look,
    scale: float,
    size: tuple[int, int],
    corner: tuple[int, int],
    page_width: int,
) -> tuple[IntArray, IntArray, FloatArray, IntArray, IntArray]:
    """Take the samples of one view, as the fields of :class:`_Samples`."""
    patch, (width, height) = visible(frame), size
    origin = np.array([*frame.low, 0], np.float32)
    points = (patch.positions - origin) * (scale * _OVER)
    points[:, 1] = height * _OVER - points[:, 1]  # rows count downwards
    cells, faces, shares = _rasterise(points, patch.faces, width * _OVER, height * _OVER)
    corners = patch.faces[faces]
    light = (shares * brightness(patch.normals, np.ones(len(points), bool))[corners]).sum(axis=1)
    grey = (shares[..., None] * _bare(patch, look)[corners]).sum(axis=1)
    row, column = np.divmod(cells, width * _OVER)
    pixel = (row // _OVER) * width + column // _OVER
    covered, index = np.unique(pixel, return_inverse=True)
    slot = index * _N_SAMPLES + (row % _OVER) * _OVER + column % _OVER
    n_slots = len(covered) * _N_SAMPLES
    places, weights = np.zeros((n_slots, 3), np.int32), np.zeros((n_slots, 3), np.float32)
    levels, ground = np.zeros(n_slots, np.int32), np.full(n_slots, _pack(_WHITE)[0], np.uint32)
    places[slot] = np.rint(patch.values).astype(np.int32)[corners]
    weights[slot] = shares
    levels[slot] = np.clip(np.rint(light * _LEVELS) - 1, 0, _LEVELS - 1)
    ground[slot] = _pack(np.rint(grey).astype(np.uint8))
    flat = (covered // width + corner[1]) * page_width + covered % width + corner[0]
    return flat, places, weights, levels, ground


_WHITE = np.full((1, 3), 255, np.uint8)


def _bare(patch: Patch, look: Look) -> UInt8Array:
    """Colours of a patch without values, (n, 3)."""
    nothing = np.zeros_like(patch.values)
    return paint(
        Patch(patch.positions, patch.normals, patch.faces, nothing, nothing, patch.sulcus), look
    )


def _rasterise(
    points: FloatArray, faces: IntArray, width: int, height: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Find the nearest triangle at the middle of each cell.

    Parameters
    ----------
    points : ndarray of shape (n, 3), float32
        Cells from the left and from the top; nearness.
    faces : ndarray of shape (m, 3), int32
    width, height : int
        Cells of the picture.

    Returns
    -------
    cells : ndarray of shape (k,), int64
        Covered cells, row by row; each once.
    triangles : ndarray of shape (k,), int64
    shares : ndarray of shape (k, 3), float32
        Weights of the triangle's corners.
    """
    low = np.floor(points[faces][:, :, :2].min(axis=1)).astype(np.int64)
    high = np.floor(points[faces][:, :, :2].max(axis=1)).astype(np.int64) + 1
    low, high = np.clip(low, 0, (width, height)), np.clip(high, 0, (width, height))
    areas = (high - low).prod(axis=1)
    nearness = np.full(width * height, -np.inf, np.float32)
    triangle = np.full(width * height, -1, np.int64)
    shares = np.zeros((width * height, 3), np.float32)
    for part in np.split(np.arange(len(faces)), _cuts(areas)):
        cells, found, weights = _try(points, faces, part, low, high, areas, width)
        depth = (weights * points[faces[found], 2]).sum(axis=1).astype(np.float32)
        order = np.argsort(depth, kind="stable")  # of several, the last one written stays
        order = order[depth[order] > nearness[cells[order]]]
        nearness[cells[order]] = depth[order]
        triangle[cells[order]] = found[order]
        shares[cells[order]] = weights[order]
    covered = np.flatnonzero(triangle >= 0)
    return covered, triangle[covered], shares[covered]


def _cuts(areas: IntArray) -> IntArray:
    """Where to cut a list of triangles into parts of about equally many cells."""
    done = np.cumsum(areas)
    cuts: IntArray = np.searchsorted(done, np.arange(_CHUNK, done[-1], _CHUNK))
    return cuts


def _try(
    points: FloatArray,
    faces: IntArray,
    part: IntArray,
    low: IntArray,
    high: IntArray,
    areas: IntArray,
    width: int,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Cells in the boxes around some triangles whose middle lies inside; with their shares."""
    found = np.repeat(part, areas[part])
    nth = np.arange(found.size) - np.repeat(np.cumsum(areas[part]) - areas[part], areas[part])
    across = high[found, 0] - low[found, 0]
    x, y = low[found, 0] + nth % across, low[found, 1] + nth // across
    (ax, ay), (bx, by), (cx, cy) = (points[faces[found, k], :2].T.astype(float) for k in range(3))
    px, py = x + 0.5, y + 0.5
    double = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = ((bx - px) * (cy - py) - (cx - px) * (by - py)) / double
        second = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) / double
    weights = np.stack([first, second, 1 - first - second], axis=1)
    inside = (weights >= -1e-6).all(axis=1)
    cells: IntArray = (y * width + x)[inside]
    return cells, found[inside], weights[inside].astype(np.float32)
