"""Time, memory and agreement of NSD huze and Text2fMRI on full-size random weights.

Run ``python tests/bench/bench_encoders_huze_text.py [FOLDER] [huze|text]``. The weights (about
4 GB, 7 GB with what is converted) are written into FOLDER once and kept there; without it, into a
temporary folder.

Ours and the baseline (``plain_encoders.py``, written the way published code computes) take turns
in the same process, so that the load of other programs falls on both; ratios are medians of the
rounds' ratios. Loading is counted on neither side unless a line says so. Memory is peak resident
memory of processes that do nothing else, mapped pages included. "Cold" files were dropped from
the system's cache first.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.huze_measures import bench_huze  # noqa: E402
from tests.bench.report import print_machine, print_verdicts  # noqa: E402
from tests.bench.text_measures import bench_text  # noqa: E402

BENCHES = {"huze": bench_huze, "text": bench_text}


def main():
    chosen = [word for word in sys.argv[1:] if word in BENCHES] or list(BENCHES)
    folders = [word for word in sys.argv[1:] if word not in BENCHES]
    print_machine("torch", "transformers", "numpy")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(folders[0] if folders else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        verdicts = [verdict for name in chosen for verdict in BENCHES[name](folder)]
    print_verdicts(verdicts)


if __name__ == "__main__":
    main()
