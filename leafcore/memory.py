"""How much memory there is: the machine's, or what the container that we run in may have, if that is less."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def available_bytes() -> int:
    """Return the memory that a process may still take on the CPU without swapping."""
    free = int(psutil.virtual_memory().available)
    return min([free, *cgroup_rooms()])


def cgroup_rooms(groups: Path = CGROUPS, own: Path = OWN_CGROUP) -> Iterator[int]:
    """Yield what is left under each memory limit that this process stands under, in bytes; on cgroup v2.

    A group's limit holds for all below it, so every one up to the root counts. What the group has of files in memory
    and has not used lately is given back when it is needed, so it counts as left.

    Args:
        groups: Where the groups are mounted.
        own: The file that names this process's group.
    """
    for group in _own_groups(groups, own):
        with suppress(OSError, ValueError, KeyError):  # no limit: there is no file, or it says "max"
            limit = int((group / "memory.max").read_text())
            used = int((group / "memory.current").read_text())
            facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            yield max(0, limit - used + int(facts["inactive_file"]))


def _own_groups(groups: Path, own: Path) -> list[Path]:
    """Return the folders of this process's group and of all that it is part of."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # not Linux
        return []
    path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    if path is None:
        return []
    group = groups / path
    return [group, *(above for above in group.parents if above.is_relative_to(groups))]
