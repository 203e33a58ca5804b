"""Stand-ins for published models on the page: their spaces and regions without their weights."""

import os

import numpy as np

from models.catalog import get_card
from models.encoders._named_regions import huze_regions, things_regions
from models.encoders.base import EncodingModel, Features, Overlay, Preview
from models.errors import WeightsError
from models.spaces import get_space
from models.types import Provenance, Response, ignore_progress
from models.voxel_grid import voxel_grid
from models.weights.files import needed_files

HUZE = "fmri-nsd_fsaverage-huze"
MOSAIC = "fmri-mosaic-CNN8_multihead_subNSD_verticesAll"
THINGS = "fmri-things_fmri_1-vit_b_32"
GRID_SIDE = 60


def put_files(home, model_id, *subjects):
    """Empty files where the model's real ones would lie: enough to count as ready."""
    for file in needed_files(model_id, list(subjects), home=home):
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.touch()


class FakePublished(EncodingModel):
    """A published model whose values are its place numbers plus a number of the picture.

    Parameters
    ----------
    card : ModelCard
    breaks : str
        "regions" or "maps": what cannot be read.
    """

    def __init__(self, card, breaks=""):
        super().__init__(card)
        self.breaks = breaks
        self.n_map_readings = 0

    def _space(self, subject):
        name = self.card.space
        return get_space(name.replace("sub-01", subject) if "voxels" in name else name)

    def features(self, stimuli, settings, report=ignore_progress, subjects=()):
        numbers = np.array([[int(one.digest[:2], 16)] for one in stimuli], np.float32)
        return Features((numbers,), tuple(one.name for one in stimuli), settings, tuple(subjects))

    def readout(self, features, selection, settings, report=ignore_progress):
        self.check_subjects(selection)
        return tuple(self._response(features, selection, subject) for subject in selection.subjects)

    def _response(self, features, selection, subject):
        space = self._space(subject)
        is_in = np.ones(space.n_places, bool)
        regions = self.regions_of(subject)
        if selection.regions:
            masks = [regions.mask(name, selection.hemisphere) for name in selection.regions]
            is_in = np.any(masks, axis=0)
        elif selection.hemisphere != "both":
            is_in[:] = False
            is_in[space.hemisphere_slice(selection.hemisphere)] = True
        columns = np.flatnonzero(is_in)
        return Response(
            values=columns[None].astype(np.float32) + features.arrays[0],
            space=space,
            row_labels=features.row_labels,
            units=self.card.units,
            is_signed=True,
            provenance=Provenance(
                self.card.id,
                self.card.title,
                "fake",
                "0" * 64,
                subject,
                self.card.caveat,
                self.card.badge,
            ),
            columns=columns,
        )

    def preview(self, stimulus, settings):
        sides = (-4.0, 4.0, -4.0, 4.0)
        return Preview(np.zeros((8, 8, 3), np.uint8), sides, sides, "Stretched to a square.")

    def regions_of(self, subject):
        if self.breaks == "regions":
            raise WeightsError("metadata.npy is damaged: fetch it again.")
        if self.card.atlas:
            return super().regions_of(subject)
        number = int(subject[-1])
        if "voxels" in self.card.space:
            places = {"V1": np.arange(40), "lFFA": np.arange(30, 50), "rFFA": np.arange(60, 70)}
            return things_regions(places, self._space(subject), "metadata.npy")
        places = {
            "V1v": np.r_[0:50, 163_842:163_900],
            "early": np.r_[0:200, 163_842:164_000],
            "nsdgeneral": np.r_[0:20_000, 163_842:180_000],
            "FFA-2": np.arange(300, 320) if number == 1 else np.array([], int),
        }
        return huze_regions(places, "metadata.npy")

    def overlays(self, subject):
        self.n_map_readings += 1
        if self.breaks == "maps":
            raise WeightsError("metadata.npy is damaged: fetch it again.")
        n = self._space(subject).n_places
        correlation = np.full(n, 0.25, np.float32)
        correlation[:10] = 0.75
        correlation[10:20] = np.nan
        return (
            Overlay(
                "correlation",
                "Held-out correlation",
                "How well.",
                "correlation (Pearson r)",
                "metadata.npy: correlation",
                correlation,
                colormap="magma",
                is_accuracy=True,
                short="held-out r",
            ),
            Overlay(
                "prf_polarangle",
                "pRF polar angle",
                "Where.",
                "°",
                "metadata.npy: prf",
                np.linspace(0, 360, n, dtype=np.float32),
                colormap="twilight",
                minimum=0,
                maximum=360,
            ),
        )

    def grid(self, subject):
        if "voxels" not in self.card.space:
            return None
        numbers = np.arange(self._space(subject).n_places)
        places = np.stack(np.unravel_index(numbers, (GRID_SIDE,) * 3), axis=1)
        return voxel_grid(places, {})


def load_fake(card, breaks=""):
    """For ``Engine(load=...)``: the embedded model as it is, fakes for the others."""
    from models.catalog import load_object

    if card.is_embedded:
        return load_object(card.encoder)(card)
    return FakePublished(card, breaks)


def set_home(monkeypatch, home):
    """Keep every look for files inside one folder."""
    monkeypatch.setenv("BOLDCAST_HOME", str(home))
    for name in ("TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "NILEARN_DATA", "NILEARN_SHARED_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    assert os.environ["BOLDCAST_HOME"]
    return get_card
