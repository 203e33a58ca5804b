"""Time and memory of the four published encoders, as ratios, with a verdict on each target.

Run ``python tests/bench/bench_encoders.py [FOLDER] [things|mosaic|huze|text ...]``: all four by
default, one after the other, each group in a process of its own. Random weights of the published
sizes (about 7 GB with what is converted) are written into FOLDER and kept there; without it, into
temporary folders.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = {
    "bench_encoders_images.py": ("things", "mosaic"),
    "bench_encoders_huze_text.py": ("huze", "text"),
}


def main(arguments):
    known = [name for names in SCRIPTS.values() for name in names]
    wanted = [word for word in arguments if word in known] or known
    folders = [word for word in arguments if word not in known]
    if len(folders) > 1 or any(folder.startswith("-") for folder in folders):
        sys.exit(__doc__)
    for script, names in SCRIPTS.items():
        own = [name for name in names if name in wanted]
        place = [str(Path(folders[0]).resolve() / script.removesuffix(".py"))] if folders else []
        if own:
            subprocess.run([sys.executable, HERE / script, *place, *own], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
