"""Maps that come with published models: noise ceilings, held-out correlations, pRF maps.

They are read as they are stored and never mixed with predictions. What the files leave open is
told from the values and said in the map's description:

- a share of variance is in percent where a value exceeds 1, else from 0 to 1;
- of THINGS' two split-half reliabilities the larger one is the corrected one;
- infinite values, and values that the quantity cannot have, mean "unknown";
- where a pRF fit explains nothing, its centre and size are unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.encoders.base import Overlay
from models.errors import WeightsError
from models.spaces import FSAVERAGE, FSLR32K, cortical_grayordinates
from models.types import FloatArray, Space

__all__ = ["huze_overlays", "mosaic_overlays", "things_overlays"]

_N_GRAYORDINATES = 91_282  # of the HCP's standard: cortex first, then what lies below it
_SHARE, _CORRELATION = "share of variance", "correlation (Pearson r)"
_CYCLIC, _ACCURACY, _FIELD = "twilight", "magma", "plasma"
_SLACK = 1e-5  # of float32 sums
_PEARSON = (-1 - _SLACK, 1 + _SLACK)  # low, high


@dataclass(frozen=True)
class _Map:
    """What is known of one stored map before it is read."""

    id: str
    title: str
    description: str
    units: str = _SHARE
    low: float = -np.inf  # values outside cannot be; they mean "unknown"
    high: float = np.inf
    colormap: str = _ACCURACY
    minimum: float | None = None
    maximum: float | None = None
    is_accuracy: bool = False
    short: str = ""

    def overlay(self, values: FloatArray, source: str) -> Overlay | None:
        """Clean the values and tell their unit; None where nothing is known anywhere."""
        known = np.isfinite(values) & (values >= self.low) & (values <= self.high)
        if not known.any():
            return None
        units, description = self.units, self.description
        if units == _SHARE:
            is_percent = float(values[known].max()) > 1 + _SLACK
            units = "% of variance" if is_percent else "share of variance (0 to 1)"
            description += " In percent: some values exceed 1." if is_percent else ""
        return Overlay(
            id=self.id,
            title=self.title,
            description=description,
            units=units,
            source=source,
            values=np.where(known, values, np.nan),
            colormap=self.colormap,
            minimum=self.minimum,
            maximum=self.maximum,
            is_accuracy=self.is_accuracy,
            short=self.short,
        )


# NSD huze -----------------------------------------------------------------------------------

_NSD_SETS = {
    "nsdcore": ("NSD-core", "515 photographs that were held out"),
    "nsdsynthetic": ("NSD-synthetic", "286 artificial pictures unlike those of the training"),
}
_ACCURACY_SET = "nsdcore"


_HUZE_MAPS = {
    "correlation": _Map(
        "",
        "Held-out correlation",
        "Correlation of this model's predictions with measured responses to {pictures}.",
        _CORRELATION,
        *_PEARSON,
        is_accuracy=True,
        short="held-out r",
    ),
    "noise_ceiling": _Map(
        "",
        "Noise ceiling",
        "Most of the variance of responses to {pictures} that any model could explain.",
        is_accuracy=True,
        short="ceiling",
    ),
    "explained_variance": _Map(
        "",
        "Explained variance",
        "Variance that this model explains in measured responses to {pictures}.",
    ),
    "r2": _Map(
        "",
        "Coefficient of determination",
        "R² of this model's predictions of measured responses to {pictures}; below 0 where their "
        "mean would do better.",
        "R²",
        high=1 + _SLACK,
    ),
}
_NCSNR = _Map(
    "",
    "Noise-ceiling SNR",
    "Spread of the response over pictures against that over repeats of one ({set}).",
    "signal SD / noise SD",
    low=0,
)


def _huze_maps() -> Iterator[tuple[str, str, _Map]]:
    """Part of the file, key without its hemisphere, and what the map is."""
    for name, (words, pictures) in _NSD_SETS.items():
        for quantity, one in (*_HUZE_MAPS.items(), ("ncsnr", _NCSNR)):
            is_ncsnr = one is _NCSNR
            key = quantity if is_ncsnr and name == _ACCURACY_SET else f"{quantity}_{name}"
            yield (
                "fmri" if is_ncsnr else "encoding_models",
                key,
                replace(
                    one,
                    id=key,
                    title=f"{one.title}, {words}",
                    description=one.description.format(pictures=pictures, set=words),
                    is_accuracy=one.is_accuracy and name == _ACCURACY_SET,
                ),
            )


def huze_overlays(metadata: Mapping[str, Any], file: str) -> tuple[Overlay, ...]:
    """Read the maps in one subject's metadata of NSD huze, on fsaverage.

    Parameters
    ----------
    metadata : mapping
        With ``encoding_models`` and ``fmri``, of arrays (163842,) named ``lh_...`` and ``rh_...``.
    file : str
        Name of the file, for sources and messages.

    Returns
    -------
    tuple of Overlay
        Those that both hemispheres have; none of them need be there.

    Raises
    ------
    WeightsError
        A map has another shape.
    """
    found = []
    for part, key, one in _huze_maps():
        stored = _mapping(metadata.get(part))
        if f"lh_{key}" in stored and f"rh_{key}" in stored:
            sides = [
                _array(stored[f"{side}_{key}"], FSAVERAGE.n_left, f"{file}: {side}_{key}")
                for side in ("lh", "rh")
            ]
            found.append(one.overlay(np.concatenate(sides), f"{file}: {part}, {key}"))
    return tuple(overlay for overlay in found if overlay is not None)


# THINGS -------------------------------------------------------------------------------------

_THINGS_MAPS = (
    (
        "correlation_results",
        _Map(
            "correlation",
            "Held-out correlation",
            "Correlation of this model's predictions with measured responses to 100 held-out "
            "pictures, each the mean of 12 repeats.",
            _CORRELATION,
            *_PEARSON,
            is_accuracy=True,
            short="held-out r",
        ),
    ),
    (
        "noise_ceiling_testset",
        _Map(
            "noise_ceiling_testset",
            "Noise ceiling, mean of 12 repeats",
            "Most of the variance of the averaged test responses that any model could explain.",
            is_accuracy=True,
            short="ceiling",
        ),
    ),
    (
        "noise_ceiling_singletrial",
        _Map(
            "noise_ceiling_singletrial",
            "Noise ceiling, single trials",
            "Most of the variance of single-trial responses that any model could explain.",
        ),
    ),
)
_SPLIT_HALF = _Map(
    "",
    "",
    "Correlation of two halves of the repeats of the test pictures",
    "reliability (r)",
    *_PEARSON,
)
_PRF_MAPS = (
    (
        "prf_polarangle",
        _Map(
            "prf_polarangle",
            "pRF polar angle",
            "Direction of the receptive field's centre from fixation, as stored: the file does "
            "not say where 0 lies, nor which way it turns.",
            "°",
            0,
            360,
            _CYCLIC,
            0,
            360,
        ),
    ),
    (
        "prf_eccentricity",
        _Map(
            "prf_eccentricity",
            "pRF eccentricity",
            "Distance of the receptive field's centre from fixation.",
            "° of visual angle",
            0,
            180,
            _FIELD,
        ),
    ),
    (
        "prf_size",
        _Map(
            "prf_size",
            "pRF size",
            "Size of the receptive field.",
            "° of visual angle",
            0,
            180,
            _FIELD,
        ),
    ),
)
_PRF_FIT = _Map(
    "prf_rsquared",
    "pRF fit",
    "Variance that the receptive-field model explains; low where its maps mean little.",
)


def things_overlays(metadata: Mapping[str, Any], space: Space, file: str) -> tuple[Overlay, ...]:
    """Read the maps in one subject's metadata of THINGS fMRI, one value a voxel.

    Parameters
    ----------
    metadata : mapping
        With ``encoding_model`` and ``prf``, of arrays (n_voxels,).
    space : Space
        The subject's voxels.
    file : str
        Name of the file, for sources and messages.

    Returns
    -------
    tuple of Overlay
        Those that are there.

    Raises
    ------
    WeightsError
        A map has another shape.
    """
    n = space.n_places
    model = _mapping(metadata.get("encoding_model")) or _mapping(metadata.get("encoding_models"))
    found = [
        one.overlay(_array(model[key], n, f"{file}: {key}"), f"{file}: encoding_model, {key}")
        for key, one in _THINGS_MAPS
        if key in model
    ]
    found += _split_halves(model, n, file)
    found += _prf_maps(_mapping(metadata.get("prf")), n, file)
    return tuple(overlay for overlay in found if overlay is not None)


def _split_halves(model: Mapping[str, Any], n: int, file: str) -> list[Overlay | None]:
    """Both reliabilities, named by their sizes: the page has their descriptions swapped."""
    keys = [key for key in ("splithalf_corrected", "splithalf_uncorrected") if key in model]
    held = {key: _array(model[key], n, f"{file}: {key}") for key in keys}
    if len(held) < 2:
        return []
    by_size = sorted(held, key=lambda key: -float(np.nanmean(_finite(held[key]))))
    titles = ("corrected to the full number of repeats", "as measured in half of the repeats")
    return [
        replace(
            _SPLIT_HALF,
            id=f"splithalf_{word}",
            title=f"Split-half reliability, {word}",
            description=f"{_SPLIT_HALF.description}, {title} (told from the sizes of the two maps "
            f"in the file; this is its {key}).",
        ).overlay(held[key], f"{file}: encoding_model, {key}")
        for key, word, title in zip(by_size, ("corrected", "uncorrected"), titles, strict=True)
    ]


def _prf_maps(prf: Mapping[str, Any], n: int, file: str) -> list[Overlay | None]:
    """Receptive-field maps where the fit explains something."""
    fit = _array(prf["prf_rsquared"], n, f"{file}: prf_rsquared") if "prf_rsquared" in prf else None
    is_fitted = np.ones(n, bool) if fit is None else fit > 0
    found = []
    for key, one in _PRF_MAPS:
        if key in prf:
            values = np.where(is_fitted, _array(prf[key], n, f"{file}: {key}"), np.nan)
            found.append(one.overlay(values, f"{file}: prf, {key}"))
    if fit is not None:
        found.append(_PRF_FIT.overlay(fit, f"{file}: prf, prf_rsquared"))
    return found


# MOSAIC -------------------------------------------------------------------------------------

_MOSAIC_SETS = {
    "test": "photographs that were held out",
    "train": "the photographs of the training",
    "artificial": "artificial pictures such as gratings and noise",
}
_MOSAIC_REPEATS = {"n-avg": "mean of repeats", "n-1": "single trials"}


def mosaic_overlays(metadata: Mapping[str, Any], file: str) -> tuple[Overlay, ...]:
    """Read the noise ceilings in one subject's metadata of MOSAIC, on fsLR32k.

    Parameters
    ----------
    metadata : mapping
        With ``noise_ceiling`` at the top, or below ``encoding_models`` or ``fmri``: arrays over
        the HCP's 91,282 grayordinates, of which the cortical ones are kept.
    file : str
        Name of the file, for sources and messages.

    Returns
    -------
    tuple of Overlay
        Those that are there.

    Raises
    ------
    WeightsError
        A map has another shape.
    """
    parts = (metadata, metadata.get("encoding_models"), metadata.get("fmri"))
    stored = next((held for part in parts if (held := _ceilings(part))), {})
    found = []
    for pictures, words in _MOSAIC_SETS.items():
        for repeats, averaged in _MOSAIC_REPEATS.items():
            key = f"{pictures}_{repeats}_noiseceiling"
            if key not in stored:
                continue
            grayordinates = _array(stored[key], _N_GRAYORDINATES, f"{file}: {key}")
            values = np.full(FSLR32K.n_places, np.nan, np.float32)
            cortical = cortical_grayordinates()
            values[cortical] = grayordinates[: len(cortical)]
            one = _Map(
                f"noise_ceiling_{pictures}_{repeats}",
                f"Noise ceiling, {pictures}, {averaged}",
                f"Most of the variance of responses ({averaged}) to {words} that any model could "
                "explain.",
                is_accuracy=(pictures, repeats) == ("test", "n-avg"),
                short="ceiling",
            )
            found.append(one.overlay(values, f"{file}: noise_ceiling, {key}"))
    return tuple(overlay for overlay in found if overlay is not None)


def _ceilings(part: Any) -> Mapping[str, Any]:
    """Noise ceilings of one part of the file; empty where it has none."""
    return _mapping(_mapping(part).get("noise_ceiling"))


def _mapping(held: Any) -> Mapping[str, Any]:
    """Return what is stored if it is a mapping, else an empty one."""
    return held if isinstance(held, Mapping) else {}


def _finite(values: FloatArray) -> FloatArray:
    """Values with NaN for anything that is no number; a 0 where none is."""
    cleaned = np.where(np.isfinite(values), values, np.nan)
    return cleaned if np.isfinite(cleaned).any() else np.zeros(1, np.float32)


def _array(stored: Any, n: int, what: str) -> FloatArray:
    """One number a place, (n,) float32."""
    array = np.asarray(stored)
    if array.shape != (n,) or array.dtype.kind not in "fiu":
        raise WeightsError(
            f"{what} should be {n:,} numbers, but has shape {array.shape} and type {array.dtype}."
        )
    return array.astype(np.float32)
