"""Regions of interest: means, spreads and plain sentences about parts of a response."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from models.atlases import Regions, Side
from models.errors import SpaceMismatchError
from models.types import BoolArray, FloatArray, Response

__all__ = [
    "RegionRow",
    "map_mean",
    "region_means",
    "region_table",
    "sides_of",
    "strongest_regions",
    "summarise",
]


@dataclass(frozen=True)
class RegionRow:
    """One region, in one hemisphere where places have one, in one row of a response.

    Parameters
    ----------
    region : str
        A name in the atlas.
    hemisphere : {"left", "right", "both"}
    row_label : str
        The picture's name, or the onset in seconds.
    mean, sd, minimum, maximum : float
        Over the modelled places, in the response's units, float64; NaN where there is none.
        ``sd`` is the spread over places (divided by n), not an error of the mean.
    n_vertices : int
        Places of the region in the atlas.
    n_modelled : int
        Places of it with a value.
    is_low_confidence : bool
        The model's card asks to mark this region.
    is_whole : bool
        The region is not split: its places do not say of which hemisphere they are.
    """

    region: str
    hemisphere: Side
    row_label: str
    mean: float
    sd: float
    minimum: float
    maximum: float
    n_vertices: int
    n_modelled: int
    is_low_confidence: bool = False
    is_whole: bool = False

    @property
    def name(self) -> str:
        """Region and side, ``"V1 left"``; the region alone where it is not split."""
        return self.region if self.is_whole else f"{self.region} {self.hemisphere}"


def region_means(
    response: Response,
    atlas: Regions,
    region: str,
    hemisphere: Side = "both",
) -> FloatArray:
    """Mean predicted activity inside one region, a row at a time.

    Parameters
    ----------
    response : Response
        Values (n_rows, n_columns), float32, in ``response.units``.
    atlas : Regions
        Same space as the response.
    region : str
        A name in ``atlas.names``.
    hemisphere : {"both", "left", "right"}

    Returns
    -------
    ndarray of shape (n_rows,), float64
        In ``response.units``. NaN places are left out; NaN, not 0, where nothing is modelled.

    Raises
    ------
    SpaceMismatchError
        Atlas and response live in different spaces.
    UnknownRegionError
        The region is absent; the text lists near matches.
    """
    _check_space(response, atlas)
    values = _values_inside(response, atlas.mask(region, hemisphere))
    return _statistics(values)[0]


def region_table(
    response: Response,
    atlas: Regions,
    regions: Sequence[str] = (),
    hemispheres: Sequence[Side] = ("left", "right"),
    row: int | None = 0,
    low_confidence: Collection[str] = (),
) -> tuple[RegionRow, ...]:
    """Describe regions, each hemisphere on its own.

    Parameters
    ----------
    response : Response
        Values (n_rows, n_columns), float32.
    atlas : Regions
        Same space as the response.
    regions : sequence of str
        Names in ``atlas.names``; none means all.
    hemispheres : sequence of {"left", "right"}
        Without effect where places do not say of which hemisphere they are (voxels).
    row : int or None
        Row of the response; None means all rows.
    low_confidence : collection of str
        Regions to mark, from the model's card.

    Returns
    -------
    tuple of RegionRow
        Rows of the response, then regions in the given order, then hemispheres.

    Raises
    ------
    SpaceMismatchError
        Atlas and response live in different spaces.
    UnknownRegionError
        A region is absent; the text lists near matches.
    """
    _check_space(response, atlas)
    rows = range(response.n_rows) if row is None else [range(response.n_rows)[row]]
    described = [
        _describe(response, atlas, region, hemisphere, rows, region in low_confidence)
        for region in (regions or atlas.names)
        for hemisphere in sides_of(atlas, hemispheres)
    ]
    return tuple(lines[index] for index in range(len(rows)) for lines in described)


def sides_of(atlas: Regions, hemispheres: Sequence[Side]) -> tuple[Side, ...]:
    """Sides that a table has a row for: "both" alone where places do not tell their side."""
    return tuple(hemispheres) if atlas.is_split_by_hemisphere else ("both",)


def map_mean(values: FloatArray, atlas: Regions, region: str, hemisphere: Side = "both") -> float:
    """Mean of a map, e.g. of a noise ceiling, inside one region.

    Parameters
    ----------
    values : ndarray of shape (n_places,), float
        One a place of the atlas's space; NaN where unknown.
    atlas : Regions
    region : str
        A name in ``atlas.names``.
    hemisphere : {"both", "left", "right"}

    Returns
    -------
    float
        NaN where the map knows no place of the region.

    Raises
    ------
    SpaceMismatchError
        The map has another number of places.
    UnknownRegionError
        The region is absent; the text lists near matches.
    """
    if values.shape != (atlas.space.n_places,):
        raise SpaceMismatchError(
            f"{atlas.space.name} has {atlas.space.n_places} places; the map has {values.shape}."
        )
    inside = values[atlas.mask(region, hemisphere)]
    inside = inside[np.isfinite(inside)]
    return float(inside.mean(dtype=np.float64)) if inside.size else float("nan")


def strongest_regions(table: Sequence[RegionRow], n: int) -> tuple[RegionRow, ...]:
    """Return the ``n`` rows farthest from zero, farthest first; rows without a value are left out.

    Equal ones keep their order. For signed responses a strong decrease counts as strong.
    """
    known = [line for line in table if not np.isnan(line.mean)]
    return tuple(sorted(known, key=lambda line: -abs(line.mean))[:n])


def summarise(
    response: Response,
    atlas: Regions,
    regions: Sequence[str] = (),
    n: int = 4,
    low_confidence: Collection[str] = (),
) -> tuple[str, ...]:
    """Say in one plain sentence a row which regions respond most; for screen readers.

    Parameters
    ----------
    response, atlas, regions, low_confidence
        As in :func:`region_table`.
    n : int
        Regions to name; each hemisphere counts on its own.

    Returns
    -------
    tuple of str
        One sentence for each row of the response.

    Raises
    ------
    SpaceMismatchError, UnknownRegionError
        As in :func:`region_table`.
    """
    table = region_table(response, atlas, regions, row=None, low_confidence=low_confidence)
    per_row = len(table) // max(response.n_rows, 1)
    blocks = [table[i * per_row : (i + 1) * per_row] for i in range(response.n_rows)]
    return tuple(_sentence(response, row, block, n) for row, block in enumerate(blocks))


def _check_space(response: Response, atlas: Regions) -> None:
    """Refuse an atlas of another space."""
    here, there = response.space.name, atlas.space.name
    if here != there:
        raise SpaceMismatchError(
            f"The response lives in {here}, the atlas {atlas.name} in {there}."
        )


def _values_inside(response: Response, is_inside: BoolArray) -> FloatArray:
    """Columns of the response inside a mask of the space: (n_rows, n_inside), float64."""
    return response.values[:, is_inside[response.column_indices]].astype(np.float64)


def _statistics(
    values: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean, sd, minimum, maximum and count of each row, NaN left out."""
    is_known = ~np.isnan(values)
    n = is_known.sum(axis=1)
    divisor = np.where(n > 0, n, np.nan)  # so that "nothing" becomes NaN, not 0
    mean = np.where(is_known, values, 0).sum(axis=1) / divisor
    deviation = np.where(is_known, values - mean[:, None], 0)
    sd = np.sqrt((deviation**2).sum(axis=1) / divisor)
    low = np.where(is_known, values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(is_known, values, -np.inf).max(axis=1, initial=-np.inf)
    low, high = np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)
    return mean, sd, low, high, n


def _describe(
    response: Response,
    atlas: Regions,
    region: str,
    hemisphere: Side,
    rows: Sequence[int],
    is_low_confidence: bool,
) -> list[RegionRow]:
    """One region and hemisphere in each of ``rows``."""
    is_inside = atlas.mask(region, hemisphere)
    n_vertices = int(is_inside.sum())
    means, sds, lows, highs, counts = _statistics(_values_inside(response, is_inside)[list(rows)])
    return [
        RegionRow(
            region=region,
            hemisphere=hemisphere if atlas.is_split_by_hemisphere else atlas.side_of(region),
            row_label=response.row_labels[row],
            mean=float(means[index]),
            sd=float(sds[index]),
            minimum=float(lows[index]),
            maximum=float(highs[index]),
            n_vertices=n_vertices,
            n_modelled=int(counts[index]),
            is_low_confidence=is_low_confidence,
            is_whole=not atlas.is_split_by_hemisphere,
        )
        for index, row in enumerate(rows)
    ]


def _sentence(response: Response, row: int, block: Sequence[RegionRow], n: int) -> str:
    """One row of a response in words."""
    label = response.row_labels[row]
    name = f"{label} s" if response.row_kind == "seconds" else label
    strongest = strongest_regions(block, n)
    if not strongest:
        return f"{name}: nothing is modelled here."
    named = ", ".join(_name_and_mean(line) for line in strongest)
    modelled = int((~np.isnan(response.values[row])).sum())
    rest = _without_value(block)
    if modelled < response.space.n_places:
        rest += f"; {modelled:,} of {response.space.n_places:,} places are modelled"
    return f"{name}: strongest {named} (mean, {response.units}; predicted, not measured{rest})."


def _without_value(block: Sequence[RegionRow]) -> str:
    """Say which regions have no value, or how many if they are many."""
    names = {line.region: None for line in block}
    missing = [name for name in names if not any(x.n_modelled for x in block if x.region == name)]
    if not missing:
        return ""
    if len(missing) > 5:
        return f"; no value in {len(missing)} of {len(names)} regions"
    return f"; no value in {', '.join(missing)}"


def _name_and_mean(line: RegionRow) -> str:
    """``left V1 0.61``, with a word where confidence is low."""
    doubt = " (low confidence)" if line.is_low_confidence else ""
    mean = f"{line.mean:.3g}".replace("-", "−")  # screen readers say "minus" to this one
    side = "" if line.is_whole else f"{line.hemisphere} "
    return f"{side}{line.region} {mean}{doubt}"
