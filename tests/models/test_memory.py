"""How much memory there is, as the system's own files say it; and amounts as people write them."""

import pytest

from models.errors import SettingError
from models.memory import Budget, Bytes, Machine, parse_bytes

GIB = 1024**3
#: Lines as a kernel writes them; 16 GiB, of which 10 can be had.
MEMINFO = """MemTotal:       16777216 kB
MemFree:         1048576 kB
MemAvailable:   10485760 kB
HugePages_Total:       0
"""


@pytest.fixture
def machine(tmp_path):
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text(MEMINFO)
    return Machine(tmp_path / "proc", tmp_path / "cgroup")


def put_in_group(machine, line, **groups):
    """Say which control group the process is in, and what groups there are: path -> files."""
    (machine.proc / "self" / "cgroup").write_text(line + "\n")
    for path, files in groups.items():
        folder = machine.cgroup / path.replace("__", "/")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_a_machine_without_groups_has_what_it_has(machine):
    assert machine.total_bytes() == 16 * GIB
    assert machine.available_bytes() == 10 * GIB


def test_a_containers_limit_counts_and_its_file_pages_can_be_had(machine):
    stat = f"anon {GIB}\nactive_file {GIB // 2}\ninactive_file {GIB // 4}\nshmem 5"
    files = {"memory__max": 4 * GIB, "memory__current": 2 * GIB, "memory__stat": stat}
    put_in_group(machine, "0::/box", box=files)
    assert machine.total_bytes() == 4 * GIB
    assert machine.available_bytes() == 4 * GIB - (2 * GIB - 3 * GIB // 4)


def test_the_narrowest_of_nested_groups_decides(machine):
    inner = {"memory__max": "max", "memory__current": 1, "memory__stat": ""}
    outer = {"memory__max": 3 * GIB, "memory__current": 5 * GIB, "memory__stat": ""}
    put_in_group(machine, "0::/outer/inner", outer=outer, outer__inner=inner)
    assert machine.total_bytes() == 3 * GIB
    assert machine.available_bytes() == 0  # over its limit


def test_inside_a_container_the_limit_lies_at_the_root(machine):
    root = {"memory__max": 2 * GIB, "memory__current": 0, "memory__stat": ""}
    put_in_group(machine, "0::/../elsewhere/box", **{"": root})
    assert machine.total_bytes() == 2 * GIB


def test_groups_of_the_first_version_are_read_too(machine):
    files = {
        "memory__limit_in_bytes": 6 * GIB,
        "memory__usage_in_bytes": 3 * GIB,
        "memory__stat": f"inactive_file 7\ntotal_inactive_file {GIB}\ntotal_active_file 0",
    }
    unlimited = {"memory__limit_in_bytes": 9223372036854771712}
    put_in_group(
        machine, "5:cpu:/x\n4:hugetlb,memory:/a/b", memory__a=files, memory__a__b=unlimited
    )
    assert machine.total_bytes() == 6 * GIB
    assert machine.available_bytes() == 4 * GIB


def test_where_the_system_says_nothing_posix_is_asked(tmp_path, monkeypatch):
    silent = Machine(tmp_path / "proc", tmp_path / "cgroup")
    known = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr("os.sysconf_names", known)
    monkeypatch.setattr("os.sysconf", known.__getitem__)
    assert silent.total_bytes() == 1000 * 4096
    assert silent.available_bytes() == 500 * 4096
    monkeypatch.setattr("os.sysconf_names", {})
    assert silent.total_bytes() == 4 * GIB


def test_this_machine_can_be_read():
    assert 0 < Machine().available_bytes() <= Machine().total_bytes()


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("4 GB", 4 * 10**9),
        ("512MiB", 512 * 1024**2),
        ("1.5g", 1_500_000_000),
        ("1000000", 1_000_000),
        (" 2 tib ", 2 * 1024**4),
        (64, 64),
        ("50%", 400),
        ("12.5 %", 100),
    ],
)
def test_amounts_are_read_as_people_write_them(amount, expected):
    assert parse_bytes(amount, lambda: 800) == expected


@pytest.mark.parametrize("amount", ["", "lots", "-1", "0", "101%", "0%", "4 GB!", "nan", "4 XB"])
def test_what_is_no_amount_is_refused(amount):
    with pytest.raises(SettingError, match="like"):
        parse_bytes(amount, lambda: 800)


def test_the_budget_is_half_of_the_machine_unless_told(machine):
    budget = Budget.find(machine=machine, environment={})
    assert budget.host_bytes == 8 * GIB
    assert budget.cache_bytes == 256 * 1024**2
    assert budget.device_bytes(lambda: 1000) == 900


def test_a_small_machine_sets_less_aside_for_caches(machine):
    files = {"memory__max": GIB, "memory__current": 0, "memory__stat": ""}
    put_in_group(machine, "0::/box", box=files)
    assert Budget.find(machine=machine, environment={}).cache_bytes == GIB // 8


def test_the_environment_and_above_it_the_caller_decide(machine):
    said = {
        "BOLDCAST_HOST_MEMORY": "25%",
        "BOLDCAST_CACHE_MEMORY": "10%",
        "BOLDCAST_DEVICE_MEMORY": "2 GB",
    }
    told = Budget.find(machine=machine, environment=said)
    assert told == Budget(4 * GIB, 4 * GIB // 10, "2 GB")
    assert told.device_bytes(lambda: 1) == 2 * 10**9
    own = Budget.find("1 GB", "2 GB", 77, machine=machine, environment=said)
    assert own == Budget(10**9, 10**9, 77)  # caches never have more than the whole


def test_a_budget_that_cannot_be_read_is_refused_at_once(machine):
    for name in ("HOST", "CACHE", "DEVICE"):
        with pytest.raises(SettingError, match="plenty"):
            Budget.find(machine=machine, environment={f"BOLDCAST_{name}_MEMORY": "plenty"})


def test_bytes_of_host_and_device_add_up():
    assert Bytes(1, 10) + Bytes(host=2) == Bytes(3, 10)
    assert (Bytes(1, 10) + Bytes(device=5)).total == 16
