"""Control groups: what every implementation keeps, on this host's own and on a directory that looks like version 2."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdad.sandbox.cgroups import host as cgroup_host
from lambdad.sandbox.cgroups import v1, v2
from lambdad.sandbox.cgroups.claims import claim, remove_abandoned
from lambdad.sandbox.cgroups.descendants import Descendants
from lambdad.sandbox.cgroups.driver import FREEZERS, Cgroup, Hierarchy, quota_of, remove_all, thaw_all
from lambdad.sandbox.cgroups.host import find_hierarchy, find_v2, mounts, own_groups
from processes import state_of
from wait import wait_for

HYBRID = """
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
""".strip()


@pytest.fixture
def hierarchy() -> Iterator[Hierarchy]:
    found, why = find_hierarchy(f"lambdad-test-{os.getpid()}")
    if found is None:
        pytest.skip(why)
    yield found
    wait_for(lambda: remove_all(found.roots))
    found.release()


@pytest.fixture
def group(hierarchy: Hierarchy) -> Cgroup:
    return hierarchy.make("one")


def in_group(group: Cgroup, script: str) -> "subprocess.Popen[str]":
    """A shell that is in the group before it does anything."""
    entrances = [*group.tasks, *([group.directory / "cgroup.procs"] if group.directory is not None else [])]
    joining = "".join(f"echo 0 > {path}; " for path in entrances)
    argv = ["/bin/sh", "-c", joining + script]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


# --- This host's ----------------------------------------------------------------------------------------------------


def test_what_is_used_is_measured(group: Cgroup) -> None:
    group.limit_memory(256)
    group.limit_cpu(1769)
    script = "x=$(head -c 30000000 /dev/zero | tr '\\0' x); echo ready; read forever"
    with in_group(group, script) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert group.memory_current() > 30_000_000
        assert group.memory_peak() >= group.memory_current()
        assert group.cpu_seconds() > 0
        assert group.oom_kills() == 0
        process.kill()


def test_over_the_limit_the_kernel_kills(group: Cgroup) -> None:
    group.limit_memory(64)
    with in_group(group, "exec tail /dev/zero") as process:
        assert process.wait(60) == -signal.SIGKILL
    assert group.oom_kills() == 1


def test_frozen_nothing_runs_and_a_kill_still_ends_it(group: Cgroup) -> None:
    with in_group(group, "echo ready; while :; do :; done") as process:
        assert process.stdout is not None
        process.stdout.readline()
        group.freeze()
        readings = [group.cpu_seconds()]

        def settled() -> bool:
            """Looked at again and again, with longer and longer pauses, it uses no more time."""
            readings.append(group.cpu_seconds())
            return len(readings) > 8 and readings[-1] == readings[-4]

        wait_for(settled)
        group.thaw()
        wait_for(lambda: group.cpu_seconds() > readings[-1])
        group.freeze()
        if group.directory is None:
            group.thaw()  # version 1 alone: killed only when it runs
        process.kill()
        assert process.wait(20) == -signal.SIGKILL
    assert wait_gone(group)


def test_who_has_no_more_descriptors_can_thaw_what_it_froze(group: Cgroup) -> None:
    with in_group(group, "while read line; do echo $line; done") as process:
        assert process.stdin is not None and process.stdout is not None
        group.freeze()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                group.memory_current()
            group.thaw()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        print("on", file=process.stdin, flush=True)
        assert process.stdout.readline() == "on\n"
        process.kill()


def test_groups_of_dead_servers_are_removed_and_those_of_living_ones_are_not(hierarchy: Hierarchy) -> None:
    beside = [root.with_name("lambdad-" + os.urandom(6).hex()) for root in hierarchy.roots]
    for path in beside:
        (path / "7").mkdir(parents=True)
    claims = [claim(path) for path in beside]
    remove_abandoned(hierarchy.roots)
    assert all((path / "7").exists() for path in beside)
    for one in claims:
        os.close(one)
    remove_abandoned(hierarchy.roots)
    assert not any(path.exists() for path in beside)
    assert all(root.exists() for root in hierarchy.roots)


def test_a_group_that_was_left_frozen_is_not_when_it_is_used_again(hierarchy: Hierarchy) -> None:
    hierarchy.make("left").freeze()
    again = hierarchy.make("left")
    with in_group(again, "echo on") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
    assert wait_gone(again)


def wait_gone(group: Cgroup) -> bool:
    wait_for(group.remove)
    return True


def test_a_group_with_processes_is_not_removed_and_its_processes_are_found(hierarchy: Hierarchy) -> None:
    group = hierarchy.make("two")
    with in_group(group, "echo ready; read forever; exit") as process:
        assert process.stdout is not None
        process.stdout.readline()
        group.freeze()
        assert not remove_all(hierarchy.roots)
        assert process.pid in thaw_all(hierarchy.roots)
        process.kill()
    wait_for(lambda: remove_all(hierarchy.roots))
    assert not any(root.exists() for root in hierarchy.roots)


def test_without_groups_descendants_are_stopped_one_by_one() -> None:
    script = "sleep 613 & (sleep 613 & sleep 613) & echo ready; wait"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True, process_group=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        group = Descendants(process.pid)
        group.freeze()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        wait_for(lambda: all(state_of(child) == "T" for child in children))
        group.thaw()
        wait_for(lambda: all(state_of(child) == "S" for child in children))
        assert 0 < group.memory_current() <= group.memory_peak()
        os.killpg(process.pid, signal.SIGKILL)
    assert group.memory_current() == 0
    assert group.cpu_seconds() == 0.0


# --- Finding them ---------------------------------------------------------------------------------------------------


def test_where_they_are_mounted() -> None:
    controllers, unified = mounts(HYBRID)
    assert controllers == {
        "cpu": Path("/sys/fs/cgroup/cpu,cpuacct"),
        "cpuacct": Path("/sys/fs/cgroup/cpu,cpuacct"),
        "memory": Path("/sys/fs/cgroup/memory"),
        "freezer": Path("/sys/fs/cgroup/freezer"),
    }
    assert unified == Path("/sys/fs/cgroup/unified")


def test_which_are_the_servers_own() -> None:
    groups = own_groups("4:memory:/a/b\n2:cpu,cpuacct:/\n0::/user.slice")
    assert groups == {"memory": "/a/b", "cpu": "/", "cpuacct": "/", "": "/user.slice"}


def test_cpu_follows_memory() -> None:
    assert quota_of(1769) == 100_000
    assert quota_of(3538) == 200_000
    assert quota_of(128) == 7235


# --- Version 2, on plain files ----------------------------------------------------------------------------------------


def unified(path: Path, available: str = "cpu io memory pids", given: str = "") -> Path:
    path.mkdir(parents=True)
    (path / "cgroup.controllers").write_text(available)
    (path / "cgroup.subtree_control").write_text(given)
    (path / "cgroup.procs").write_text("")
    return path


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Directories whose processes keep the kernel from giving controllers to their children."""
    busy: set[Path] = set()
    plain = cgroup_host.write

    def write(path: Path, value: object) -> None:
        if path.name == "cgroup.subtree_control" and path.parent in busy:
            raise OSError(errno.EBUSY, "Device or resource busy")
        if path.name == "cgroup.procs" and path.parent.name == "lambdad-server":
            busy.discard(path.parent.parent)
        plain(path, value)

    monkeypatch.setattr(cgroup_host, "write", write)
    return busy


def test_a_group_delegated_already_is_used(tmp_path: Path, kernel: set[Path]) -> None:
    own = unified(tmp_path / "service", given="cpu memory pids")
    found, _ = find_v2(tmp_path, "/service", "lambdad-x")
    assert found is not None
    assert found.roots == (own / "lambdad-x",)
    assert not (own / "lambdad-server").exists()


def test_the_server_alone_in_its_group_moves_into_a_leaf(tmp_path: Path, kernel: set[Path]) -> None:
    own = unified(tmp_path / "scope")
    kernel.add(own)
    found, _ = find_v2(tmp_path, "/scope", "lambdad-x")
    assert found is not None
    assert (own / "lambdad-server" / "cgroup.procs").read_text() == str(os.getpid())
    assert (own / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"
    assert (own / "lambdad-x" / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"


def test_restarted_in_that_leaf_it_finds_the_same(tmp_path: Path, kernel: set[Path]) -> None:
    own = unified(tmp_path / "scope", given="cpu memory pids")
    unified(own / "lambdad-server")
    found, _ = find_v2(tmp_path, "/scope/lambdad-server", "lambdad-x")
    assert found is not None
    assert found.roots == (own / "lambdad-x",)


def test_a_login_session_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: set[Path]) -> None:
    """Other processes stay in it: the server comes back out of its leaf and goes where it may."""
    top = unified(tmp_path / "cgroup", given="cpu memory pids")
    session = unified(top / "session")
    busy = cgroup_host.write

    def write(path: Path, value: object) -> None:
        if path == session / "cgroup.subtree_control":
            raise OSError(errno.EBUSY, "Device or resource busy")
        if path.parent == session / "lambdad-server":
            return  # no file of the kernel's own would be left in it
        busy(path, value)

    monkeypatch.setattr(cgroup_host, "write", write)
    found, _ = find_v2(top, "/session", "lambdad-x")
    assert found is not None
    assert found.roots == (top / "lambdad-x",)
    assert (session / "cgroup.procs").read_text() == str(os.getpid())
    assert not (session / "lambdad-server").exists()


def test_what_is_missing_is_named(tmp_path: Path, kernel: set[Path]) -> None:
    unified(tmp_path / "slice", available="pids")
    found, why = find_v2(tmp_path / "slice", "/", "lambdad-x")
    assert found is None
    assert "not delegated: cpu, memory" in why


def test_version_2_limits(tmp_path: Path) -> None:
    root = tmp_path / "lambdad-x"
    made = v2.HierarchyV2(root).make("7")
    made.limit_memory(128)
    made.limit_cpu(1769)
    made.freeze()
    read = {path.name: path.read_text() for path in (root / "7").iterdir()}
    assert read == {"pids.max": "1024", "memory.max": "134217728", "cpu.max": "100000 100000", "cgroup.freeze": "1"}
    assert (made.directory, made.tasks) == (root / "7", ())


def test_version_2_readings(tmp_path: Path) -> None:
    made = v2.HierarchyV2(tmp_path / "x").make("7")
    files = tmp_path / "x" / "7"
    (files / "memory.current").write_text("1000\n")
    assert made.memory_peak() == 1000
    (files / "memory.current").write_text("500\n")
    assert made.memory_peak() == 1000  # a kernel that keeps no peak
    (files / "memory.peak").write_text("4096\n")
    (files / "memory.events").write_text("low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n")
    (files / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\nsystem_usec 1\n")
    assert (made.memory_peak(), made.memory_current(), made.oom_kills(), made.cpu_seconds()) == (4096, 500, 2, 1.5)


def test_version_1_joins_by_tasks_and_freezes_by_its_own_freezer_without_version_2(tmp_path: Path) -> None:
    roots = {name: tmp_path / name / "x" for name in ("memory", "freezer")}
    for root in roots.values():
        root.parent.mkdir()
    first = v1.HierarchyV1(roots)
    made = first.make("7")
    made.freeze()
    assert (roots["freezer"] / "7" / "freezer.state").read_text() == "FROZEN"
    assert (made.directory, set(made.tasks)) == (None, {root / "7" / "tasks" for root in roots.values()})
    first.release()
    hybrid = v1.HierarchyV1(roots, FREEZERS[1]).make("8")
    assert (hybrid.directory, set(hybrid.tasks)) == (roots["freezer"] / "8", {roots["memory"] / "8" / "tasks"})


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
