"""A folder in BERG's layout with small random weights of all four models."""

import nibabel as nib
import numpy as np

from models.weights.locations import metadata_folder
from models.weights.plans import ATLAS_FILES, DEFAULT_TEXT_VARIANT, HUZE, MOSAIC, TEXT, THINGS
from tests.models.encoders.published_samples import (
    write_mosaic,
    write_things_subject,
    write_vit,
)
from tests.seeded_weights import HUZE_REGIONS, make_folder, write_huze, write_text

__all__ = ["HUZE", "HUZE_REGIONS", "MOSAIC", "TEXT", "THINGS", "write_atlas", "write_berg_folder"]


def write_berg_folder(home):
    """Files of every model: subjects 1 and 2 (MOSAIC 8, too), Text2fMRI's default variant."""
    write_vit(home)
    for subject in ("sub-01", "sub-02"):
        write_things_subject(THINGS, home, subject)
    write_mosaic(MOSAIC, home)
    write_huze(home)
    write_text(home, variant=DEFAULT_TEXT_VARIANT)
    return home


def write_atlas(home):
    """A volume with Schaefer's labels, 4 mm, each parcel a few voxels beside its neighbours."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = (-90, -126, -72)
    volume = np.zeros((45, 54, 45), np.int16)
    labels = np.repeat(np.arange(1, 1001), 8).reshape(20, 20, 20)  # 500 a hemisphere
    volume[12:32, 17:37, 15:35] = labels
    path = make_folder(home, "nilearn", "schaefer_2018") / ATLAS_FILES[1]
    nib.save(nib.Nifti1Image(volume, affine), path)
    return path


def save_metadata(model_id, home, name, content):
    """One metadata file, replacing what is there."""
    path = metadata_folder(model_id, home) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, content, allow_pickle=True)
