"""Start-up, throughput, memory and round trips of the server, measured without a browser.

    python tests/bench/bench_server.py [--quick]

Every claim is measured against its baseline in the same run; the summary says which targets
are met. Nothing here is asserted: timings belong to benches, not to tests.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.report import Verdict, print_machine, print_table, print_verdicts, spread  # noqa: E402
from tests.bench.servers import Server, streamlit_server  # noqa: E402
from tests.bench.socket_clients import look_between_reruns, rerun_without_pause  # noqa: E402

APP = "app/server.py"
BENCH = "tests/bench"
DEFAULT_GC: Mapping[str, str] = {"STREAMLIT_RUNNER_POST_SCRIPT_GC": "true", "BENCH_FREEZE": "0"}
NO_FREEZE: Mapping[str, str] = {"BENCH_FREEZE": "0"}


def get_json(url: str) -> dict[str, float]:
    """Answer of a route, read as JSON."""
    with urllib.request.urlopen(url, timeout=30) as reply:
        answer: dict[str, float] = json.load(reply)
        return answer


def wait_until_warm(server: Server, route: str, key: str, limit_s: float = 120.0) -> None:
    """Wait for the end of the app's warm-up."""
    deadline = time.perf_counter() + limit_s
    while not get_json(f"{server.url}{route}")[key]:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"The app is not warm after {limit_s:g} s.")
        time.sleep(0.02)


# Start-up -----------------------------------------------------------------------------------


def start_once(environment: Mapping[str, str]) -> tuple[float, float, float, float]:
    """Seconds from the command to: healthy, page served, first script run over, warm."""
    begin = time.perf_counter()
    with streamlit_server(APP, options=(), environment=environment) as server:
        rerun_without_pause(server.url, 1, 0)
        first_run_s = time.perf_counter() - begin
        wait_until_warm(server, "/boldcast/health", "is_warm")
        return server.healthy_s, server.served_s, first_run_s, time.perf_counter() - begin


def bench_start_up(n_starts: int) -> list[Verdict]:
    """Start with an empty mesh cache once, then again and again with a full one."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"BOLDCAST_HOME": home}
        first = start_once(environment)
        later = [start_once(environment) for _ in range(n_starts)]
    columns = list(zip(*later, strict=True))
    names = ("healthy", "page served", "first script run over", "warm")
    print_table(
        f"Start-up of `python -m streamlit run {APP}`, seconds from the command",
        ("until", "very first start", f"later, median of {n_starts} (range)"),
        [
            (name, f"{once:.2f}", spread(times, 2))
            for name, once, times in zip(names, first, columns, strict=True)
        ],
    )
    served_s = statistics.median(columns[2])
    return [Verdict("command to first page run", f"{served_s:.2f} s", "< 5 s", served_s < 5)]


def outside_addresses() -> list[str]:
    """Addresses beyond this machine that a start and a visit look up or connect to."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "addresses.txt"
        guard = str(Path(__file__).with_name("socket_guard"))
        environment = {
            "PYTHONPATH": guard,
            "BENCH_SOCKET_LOG": str(log),
            "BOLDCAST_HOME": folder,
        }
        with streamlit_server(APP, options=(), environment=environment) as server:
            rerun_without_pause(server.url, 1, 1)
            wait_until_warm(server, "/boldcast/health", "is_warm")
        return log.read_text().splitlines() if log.exists() else []


def bench_offline() -> list[Verdict]:
    """Watch the addresses asked for; then start where there is no network at all."""
    asked = outside_addresses()
    for line in asked:
        print("asked for", line)
    verdicts = [Verdict("outside addresses asked for", str(len(asked)), "0", not asked)]
    inside = [sys.executable, str(Path(__file__).resolve()), "--inside"]
    script = 'ip link set lo up && exec "$@"'
    run = subprocess.run(
        ["unshare", "--map-root-user", "--net", "sh", "-c", script, "sh", *inside],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout.strip() or run.stderr.strip()[-500:])
    verdicts.append(
        Verdict(
            "start and first page with loopback only",
            run.stdout.strip(),
            "works",
            run.returncode == 0,
        )
    )
    return verdicts


def start_inside() -> None:
    """Start in the current (cut off) network namespace with an empty cache, and say how long."""
    with tempfile.TemporaryDirectory() as home:
        *_, first_run_s, warm_s = start_once({"BOLDCAST_HOME": home})
    print(f"page run after {first_run_s:.2f} s, warm after {warm_s:.2f} s")


# Throughput and memory ----------------------------------------------------------------------


def bench_garbage(n_reruns: int, rounds: int) -> list[Verdict]:
    """Ten visitors rerun a trivial page: as shipped, without the freeze, Streamlit's default."""
    settings = {"as shipped": {}, "option only, no freeze": NO_FREEZE, "default": DEFAULT_GC}
    throughput: dict[str, list[float]] = {name: [] for name in settings}
    median_ms: dict[str, list[float]] = {name: [] for name in settings}
    objects: dict[str, str] = {}
    for _ in range(rounds):
        for name, environment in settings.items():
            with streamlit_server(f"{BENCH}/gc_server.py", environment=environment) as server:
                wait_until_warm(server, "/objects", "warm")
                load = rerun_without_pause(server.url, 10, n_reruns)
                state = get_json(f"{server.url}/objects")
            throughput[name].append(load.reruns_per_s)
            median_ms[name].append(statistics.median(load.round_trips_s) * 1000)
            objects[name] = f"{state['tracked']:.0f} + {state['frozen']:.0f}"
    print_table(
        f"Ten visitors rerun a trivial page {n_reruns} times each, {rounds} rounds",
        ("setting", "reruns/s", "median round trip ms", "objects searched + frozen"),
        [
            (name, spread(throughput[name]), spread(median_ms[name], 0), objects[name])
            for name in settings
        ],
    )
    medians = {name: statistics.median(values) for name, values in throughput.items()}
    ratio = medians["as shipped"] / medians["default"]
    return [Verdict("reruns/s as shipped over default", f"{ratio:.1f} x", ">= 5 x", ratio >= 5)]


def growth(script: str, route: str, key: str, n_early: int, n_late: int) -> tuple[float, float]:
    """Resident memory in MB after few and after many reruns by the same ten visitors."""
    with streamlit_server(script) as server:
        wait_until_warm(server, route, key)
        stretches = [n_early // 10, (n_late - n_early) // 10]
        early_mb, late_mb = look_between_reruns(server.url, 10, stretches, server.rss_mb)
        return early_mb, late_mb


def bench_growth(n_early: int, n_late: int) -> list[Verdict]:
    """Memory without a collection after every run: a trivial page, and the app's first page.

    Python's own collections come after some hundred runs of the first page: until then its
    rubbish adds up once, so that page is looked at later.
    """
    pages = {
        "trivial page": (f"{BENCH}/gc_server.py", "/objects", "warm", n_early, n_late),
        "first page": (APP, "/boldcast/health", "is_warm", 2 * n_early, 6 * n_early),
    }
    rows, verdicts = [], []
    for name, (script, route, key, early, late) in pages.items():
        early_mb, late_mb = growth(script, route, key, early, late)
        rows.append((name, f"{early}: {early_mb:.1f}", f"{late}: {late_mb:.1f}"))
        what = f"{name}, growth from {early} to {late} reruns"
        grown_mb = late_mb - early_mb
        verdicts.append(Verdict(what, f"{grown_mb:+.1f} MB", "< 10 MB", grown_mb < 10))
    title = "Resident memory in MB after so many reruns by ten visitors"
    print_table(title, ("page", "few", "many"), rows)
    return verdicts


def bench_memory() -> list[Verdict]:
    """Resident memory of the warm app with one visitor, above a bare Streamlit process."""
    with streamlit_server(f"{BENCH}/trivial_page.py") as server:
        rerun_without_pause(server.url, 1, 1)
        bare_mb = server.rss_mb()
    with streamlit_server(APP) as server:
        wait_until_warm(server, "/boldcast/health", "is_warm")
        warm_mb = server.rss_mb()
        rerun_without_pause(server.url, 1, 1)
        visited_mb = server.rss_mb()
    print_table(
        "Resident memory of the server process",
        ("process", "MB", "above bare Streamlit"),
        [
            ("bare Streamlit, empty page", f"{bare_mb:.0f}", "-"),
            ("app, reference model warm", f"{warm_mb:.0f}", f"{warm_mb - bare_mb:.0f}"),
            ("app, after a visit", f"{visited_mb:.0f}", f"{visited_mb - bare_mb:.0f}"),
        ],
    )
    above_mb = visited_mb - bare_mb
    what = "memory above bare Streamlit"
    return [Verdict(what, f"{above_mb:.0f} MB", "< 300 MB", above_mb < 300)]


# Cached prediction --------------------------------------------------------------------------


def bench_cached(n_reruns: int) -> list[Verdict]:
    """A question asked again: through the engine, and as a rerun of the whole first page."""
    code = ENGINE_CODE.format(n=n_reruns)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    times = json.loads(run.stdout.splitlines()[-1])
    with streamlit_server(APP) as server:
        wait_until_warm(server, "/boldcast/health", "is_warm")
        load = rerun_without_pause(server.url, 1, n_reruns)
    page_ms = [1000 * seconds for seconds in load.round_trips_s]
    cached_ms = [1000 * seconds for seconds in times["cached_s"]]
    print_table(
        "The first page's prediction, asked again",
        ("what", "ms, median (range)"),
        [
            ("engine, first time", f"{1000 * times['first_s']:.1f}"),
            ("engine, cached", spread(cached_ms, 2)),
            ("whole page rerun, cached", spread(page_ms)),
            (
                "bytes of such a rerun for a visitor that keeps nothing",
                f"{load.received_bytes / load.reruns:.0f}",
            ),
        ],
    )
    ratio = 1000 * times["first_s"] / statistics.median(cached_ms)
    return [Verdict("cached prediction over first", f"{ratio:.0f} x faster", "-", None)]


ENGINE_CODE = """
import json, time
from app import cache
from app.state import DEFAULT_SAMPLE, default_state
state = default_state(cache.surroundings())
stimuli = cache.sample_pictures(DEFAULT_SAMPLE)
def ask():
    start = time.perf_counter()
    job = cache.submit(state, stimuli)
    job.wait()
    cache.answer_of(job)
    return time.perf_counter() - start
print(json.dumps({{"first_s": ask(), "cached_s": [ask() for _ in range({n})]}}))
cache.close()
"""


def main() -> None:
    """Run everything and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        start_inside()
        return
    quick = arguments.quick
    print_machine("streamlit", "torch", "nilearn", "plotly")
    verdicts = bench_start_up(2 if quick else 5)
    verdicts += bench_offline()
    verdicts += bench_garbage(*((10, 1) if quick else (30, 3)))
    verdicts += bench_growth(*((100, 500) if quick else (500, 5000)))
    verdicts += bench_memory()
    verdicts += bench_cached(10 if quick else 50)
    print_verdicts(verdicts)


if __name__ == "__main__":
    main()
