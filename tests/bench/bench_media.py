"""Films of 300 volumes of 1,000 parcels, against nilearn drawing frame by frame.

Run ``python tests/bench/bench_media.py [N_VOLUMES]``. The parcels are 1,000 random patches of the
grey matter that nilearn brings, with voxels of 2 mm; values are smooth random courses. Ours
(projection, drawing, words, encoding) and nilearn (``plot_glass_brain`` and imageio's GIF writer, a
few volumes at a time) take turns, so that the load of other programs falls on both; ratios are of
milliseconds a frame, medians of the turns. Memory is the peak of a process of its own.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import nibabel as nib  # noqa: E402
import numpy as np  # noqa: E402

from tests.bench.report import Verdict, print_machine, print_table, print_verdicts, spread  # noqa: E402

N_PARCELS = 1000
TR_S = 1.49
N_ROUNDS = 3
N_SLOW = 6
TARGET = 30.0

#: Peak of a process that encodes plain frames: nothing grows with their number.
PEAK = """
import sys
import numpy as np
from pathlib import Path
from models.media import Caption, write_animation
kind, n_frames, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
ground = np.random.default_rng(0).integers(0, 256, (380, 950, 3), np.uint8)
frames = (np.roll(ground, index, axis=0) for index in range(n_frames))
write_animation(frames, 10, folder / f"film.{kind}", Caption(""))
lines = open("/proc/self/status").read().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
"""


def write_atlas(path):
    """Random patches of grey matter, 1 to 500 on the left, 501 to 1000 on the right."""
    from nilearn.datasets import load_mni152_gm_mask
    from scipy.spatial import cKDTree

    mask = load_mni152_gm_mask(resolution=2)
    random, labels = np.random.default_rng(0), np.zeros(mask.shape, np.int16)
    inside = np.argwhere(np.asarray(mask.dataobj) > 0)
    x_mm = (inside @ mask.affine[:3, :3].T + mask.affine[:3, 3])[:, 0]
    half = N_PARCELS // 2
    for start, voxels in ((0, inside[x_mm < 0]), (half, inside[x_mm >= 0])):
        seeds = voxels[random.choice(len(voxels), half, replace=False)]
        labels[tuple(voxels.T)] = start + 1 + cKDTree(seeds).query(voxels)[1]
    nib.save(nib.Nifti1Image(labels, mask.affine), path)
    return labels, mask.affine


def smooth_courses(n_volumes):
    """Random courses with the slowness of a blood response, (n_volumes, n_parcels) float32."""
    from scipy.ndimage import gaussian_filter1d

    noise = np.random.default_rng(1).normal(size=(n_volumes, N_PARCELS))
    slow = gaussian_filter1d(noise, 2.0, axis=0)
    return (slow / slow.std()).astype(np.float32)


def a_response(values):
    """Response as a model of transcripts gives it."""
    from models.spaces import SCHAEFER1000
    from models.types import Provenance, Response

    origin = Provenance(
        *("bench", "Bench", "1", "0" * 64, "sub-01"), caveat="Random numbers.", badge="BENCH"
    )
    onsets = tuple(f"{TR_S * row:.2f}" for row in range(len(values)))
    return Response(values, SCHAEFER1000, onsets, "z", True, origin, None, "seconds")


def draw_ours(response, atlas, kind):
    """Film, and seconds of projection, of drawing alone and of everything."""
    from models.drawing.glass import GlassProjector
    from models.drawing.glass_frames import draw_frames
    from models.drawing.paint import look_for
    from models.media import animate, caption_of

    look = look_for(response)
    start = time.perf_counter()
    projector = GlassProjector(response.space, atlas_volume=atlas)
    sequence = projector.project_response(response)
    projected = time.perf_counter()
    frames = draw_frames(sequence, look.colormap, look.maximum, units=response.units)
    caption = caption_of(response, look, tr_s=TR_S, has_bar=False)
    film = animate(frames, 1 / TR_S, kind, caption)
    return film, projected - start, time.perf_counter() - start


def draw_nilearn(values, labels, affine, path):
    """Seconds of the same figure for each volume, written with imageio."""
    import imageio.v2 as imageio
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from nilearn.plotting import plot_glass_brain

    start, limit = time.perf_counter(), float(np.abs(values).max())
    with imageio.get_writer(path, duration=1000 * TR_S) as writer:
        for row in values:
            volume = np.append(0, row).astype(np.float32)[labels]
            figure = Figure((9.5, 3.0), dpi=100)
            canvas = FigureCanvasAgg(figure)
            image = nib.Nifti1Image(volume, affine)
            how = {"display_mode": "lyrz", "plot_abs": False, "vmin": -limit, "vmax": limit}
            plot_glass_brain(image, figure=figure, threshold=limit * 1e-6, cmap="RdBu_r", **how)
            canvas.draw()
            writer.append_data(np.asarray(canvas.buffer_rgba())[..., :3])
    return time.perf_counter() - start


def peak_mib(kind, n_frames, folder):
    """Peak resident memory of a process that writes a film."""
    command = [sys.executable, "-c", PEAK, kind, str(n_frames), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def drawing_ms(response, atlas):
    """Milliseconds a frame without words and encoder."""
    from models.drawing.glass import GlassProjector
    from models.drawing.glass_frames import draw_frames

    sequence = GlassProjector(response.space, atlas_volume=atlas).project_response(response)
    start = time.perf_counter()
    for _ in draw_frames(sequence, units=response.units):
        pass
    return 1000 * (time.perf_counter() - start) / response.n_rows, sequence.codes.nbytes


def cortex_ms(n_frames=100):
    """Milliseconds a frame of four views of fsaverage5, stage included."""
    from models.drawing.cortex_frames import draw_cortex_frames
    from models.drawing.paint import Look
    from models.spaces import FSAVERAGE5
    from models.types import Provenance, Response
    from tests.bench.activity import gaussian_sums
    from tests.bench.geometry import load_geometry

    values = gaussian_sums(load_geometry("fsaverage5").positions, n_frames)
    origin = Provenance(*("bench", "Bench", "1", "0" * 64, "mean"), caveat="", badge="")
    names = tuple(str(row) for row in range(n_frames))
    response = Response(values, FSAVERAGE5, names, "z", True, origin)
    start = time.perf_counter()
    for _ in draw_cortex_frames(response, Look("RdBu_r", -0.7, 0.7)):
        pass
    return 1000 * (time.perf_counter() - start) / n_frames


def bench(folder, n_volumes):
    from models.export_images import nifti_parcels

    print_machine("numpy", "pillow", "nilearn", "imageio-ffmpeg")
    labels, affine = write_atlas(folder / "parcels.nii.gz")
    atlas, response = folder / "parcels.nii.gz", a_response(smooth_courses(n_volumes))
    kinds = ("gif", "mp4", "webm")
    ours, sizes, slow, projection = {kind: [] for kind in kinds}, {}, [], []
    draw_nilearn(response.values[:1], labels, affine, folder / "warm.gif")
    for _ in range(N_ROUNDS):
        seconds = draw_nilearn(response.values[:N_SLOW], labels, affine, folder / "slow.gif")
        slow.append(1000 * seconds / N_SLOW)
        for kind in kinds:
            film, projected, seconds = draw_ours(response, atlas, kind)
            ours[kind].append(1000 * seconds / n_volumes)
            projection.append(projected)
            sizes[kind] = len(film)
    drawn_ms, n_codes = drawing_ms(response, atlas)
    start = time.perf_counter()
    sizes["nii.gz"] = len(nifti_parcels(response, atlas, tr_s=TR_S))
    volumes_s = time.perf_counter() - start
    rows = [("nilearn + imageio GIF", spread(slow), "1.0", "-")]
    ratios = {
        kind: median([a / b for a, b in zip(slow, ours[kind], strict=True)]) for kind in kinds
    }
    rows += [
        (f"ours, {kind}", spread(ours[kind]), f"{ratios[kind]:.1f}", f"{sizes[kind] / 1e6:.2f}")
        for kind in kinds
    ]
    print_table(
        f"{n_volumes} volumes of {N_PARCELS} parcels, whole film",
        ("", "ms a frame, median (range)", "times as fast", "MB"),
        rows,
    )
    print(f"\nprojector and projection {spread(projection, 2)} s in total, in the numbers above;")
    print(f"drawing alone {drawn_ms:.1f} ms a frame; four views of the cortex {cortex_ms():.1f} ms")
    print(f"values {response.n_bytes / 1e6:.2f} MB, projected codes {n_codes / 1e6:.2f} MB,")
    print(f"4-D NIfTI {sizes['nii.gz'] / 1e6:.2f} MB in {volumes_s:.1f} s")
    growth = {kind: [peak_mib(kind, n, folder) for n in (100, 1000)] for kind in ("gif", "mp4")}
    for kind, (few, many) in growth.items():
        print(f"{kind}: peak of a process {few:.0f} MiB at 100 frames, {many:.0f} MiB at 1,000")
    print_verdicts(
        [
            Verdict(
                "GIF against nilearn, frame by frame",
                f"{ratios['gif']:.1f} x",
                f">= {TARGET:g} x",
                ratios["gif"] >= TARGET,
            ),
            Verdict("MP4 against nilearn's GIF", f"{ratios['mp4']:.1f} x", "-", None),
            Verdict(
                "memory at ten times the frames",
                f"+{max(many - few for few, many in growth.values()):.0f} MiB",
                "<= 10 MiB",
                all(many - few <= 10 for few, many in growth.values()),
            ),
        ]
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        bench(Path(temporary), int(sys.argv[1]) if len(sys.argv) > 1 else 300)
