"""From token vectors to the voxels of THINGS: the arithmetic and the safe files.

The published chain standardises 460,800 numbers a picture, takes 250 principal components and
regresses each voxel on them. Here the division by the scale is folded into the components and
both means into one centre, and every layer is projected as soon as it is there, so that the
numbers of all layers are never in memory together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.encoders._device import held_by
from models.encoders._mapped import MappedArray, Table, release_pages
from models.errors import WeightsError
from models.memory import Bytes
from models.types import FloatArray, IntArray
from models.weights.convert import write_rows

__all__ = ["Readout", "convert_readout"]

#: Components folded at once, voxels copied or multiplied at once.
_COMPONENTS_AT_ONCE = 50
_VOXELS_AT_ONCE = 16_384


def convert_readout(weights: Mapping[str, Any], n_layers: int, folder: Path) -> None:
    """Fold scaler and principal components, layer by layer, and write plain arrays.

    Parameters
    ----------
    weights : mapping
        The published dictionary: ``scaler_param`` and ``pca_param`` of scikit-learn,
        ``reg_param`` of the regression. Views of the mapped file; read in pieces.
    n_layers : int
        Transformer blocks that the features come from.
    folder : Path
        Gets ``components.npy`` (n_layers, n_components, n_per_layer), ``centre.npy``
        (n_layers, n_per_layer), ``coefficients.npy`` (n_voxels, n_components) and
        ``intercept.npy`` (n_voxels,), all float32.

    Raises
    ------
    WeightsError
        An array is missing, shapes do not fit, a scale is not positive, or the components were
        whitened, which the published ones are not.
    """
    scaler, pca, regression = (
        _part(weights, name) for name in ("scaler_param", "pca_param", "reg_param")
    )
    scale = _array(scaler, "scale_").astype(np.float64)
    components = _array(pca, "components_")
    coefficients, intercept = _array(regression, "coef_"), _array(regression, "intercept_")
    n_components, n_features = components.shape
    if n_features % n_layers or scale.shape != (n_features,):
        raise WeightsError(f"{n_features} features do not divide into {n_layers} layers.")
    if coefficients.ndim != 2 or coefficients.shape[1] != n_components:
        raise WeightsError(f"{coefficients.shape} coefficients for {n_components} components.")
    if intercept.shape != coefficients.shape[:1] or bool(pca.get("whiten", False)):
        raise WeightsError("The regression's parts do not fit each other.")
    if not (scale > 0).all():
        raise WeightsError("The scaler divides by a number that is not positive.")
    centre = _array(scaler, "mean_") + scale * _array(pca, "mean_")
    n_per_layer = n_features // n_layers
    write_rows(folder / "centre.npy", (n_layers, n_per_layer), "<f4", [centre])
    write_rows(
        folder / "components.npy",
        (n_layers, n_components, n_per_layer),
        "<f4",
        _folded(components, scale, n_per_layer),
    )
    write_rows(folder / "coefficients.npy", coefficients.shape, "<f4", _pieces(coefficients))
    write_rows(folder / "intercept.npy", intercept.shape, "<f4", [intercept])


def _part(weights: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """One of the three dictionaries."""
    part = weights.get(name)
    if not isinstance(part, Mapping):
        raise WeightsError(f"The weights lack {name}: they are not those of THINGS.")
    return part


def _array(part: Mapping[str, Any], name: str) -> NDArray[Any]:
    """One array of numbers."""
    array = part.get(name)
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise WeightsError(f"The weights lack {name}: they are not those of THINGS.")
    return array


def _folded(components: NDArray[Any], scale: FloatArray, n_per_layer: int) -> Iterator[FloatArray]:
    """Components over scale, layer after layer, a few components at a time."""
    for start in range(0, components.shape[1], n_per_layer):
        columns = slice(start, start + n_per_layer)
        for first in range(0, len(components), _COMPONENTS_AT_ONCE):
            yield components[first : first + _COMPONENTS_AT_ONCE, columns] / scale[columns]
        release_pages(components)


def _pieces(rows: NDArray[Any]) -> Iterator[FloatArray]:
    """Rows in pieces, read from the file and let go."""
    for start in range(0, len(rows), _VOXELS_AT_ONCE):
        yield rows[start : start + _VOXELS_AT_ONCE]
        release_pages(rows)


class Readout:
    """One subject's projection and regression, mapped.

    Parameters
    ----------
    folder : Path
        From :func:`convert_readout`.
    device : torch.device
    is_kept : bool, optional
        As for :class:`Table`. Not kept, the components pass through layer by layer.
    """

    def __init__(self, folder: Path, device: torch.device, is_kept: bool | None = None) -> None:
        self.device = device
        self._components, self._coefficients, self._intercept = (
            Table(folder / f"{name}.npy", device, is_kept)
            for name in ("components", "coefficients", "intercept")
        )
        self._centre = torch.from_numpy(MappedArray(folder / "centre.npy").array).to(device)

    @property
    def n_layers(self) -> int:
        """Transformer blocks it reads."""
        return self._components.shape[0]

    @property
    def n_components(self) -> int:
        """Principal components."""
        return self._components.shape[1]

    @property
    def n_per_layer(self) -> int:
        """Numbers of one layer: tokens x width."""
        return self._components.shape[2]

    @property
    def n_voxels(self) -> int:
        """Voxels it predicts."""
        return self._coefficients.shape[0]

    @property
    def held(self) -> Bytes:
        """Memory it holds."""
        return held_by(self._centre, self._components, self._coefficients, self._intercept)

    def project(self, layer: int, tokens: torch.Tensor) -> torch.Tensor:
        """One layer's share of the component scores.

        Parameters
        ----------
        layer : int
            From 0.
        tokens : torch.Tensor of shape (n_pictures, n_tokens, width), float32

        Returns
        -------
        torch.Tensor of shape (n_pictures, n_components), float32
            The scores are the sum over layers.
        """
        centred = tokens.flatten(1) - self._centre[layer]
        share = centred @ self._components[layer].T
        self._components.release()
        return share

    def voxels(self, scores: torch.Tensor, chosen: IntArray) -> FloatArray:
        """Responses of some voxels; the others are not computed.

        Parameters
        ----------
        scores : torch.Tensor of shape (n_pictures, n_components), float32
        chosen : ndarray of shape (n_chosen,), int
            Voxels.

        Returns
        -------
        ndarray of shape (n_pictures, n_chosen), float32
        """
        on_device = scores.to(self.device)
        responses = torch.empty(len(scores), len(chosen))
        for start in range(0, len(chosen), _VOXELS_AT_ONCE):
            rows = chosen[start : start + _VOXELS_AT_ONCE]
            coefficients, intercept = self._coefficients.rows(rows), self._intercept.rows(rows)
            block = torch.addmm(intercept, on_device, coefficients.T)
            responses[:, start : start + _VOXELS_AT_ONCE] = block
            self._coefficients.release()
        values: FloatArray = responses.numpy()
        return values
