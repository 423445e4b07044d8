"""A command's time and memory, and a table of results."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

POLL_SECONDS = 0.03


class CommandFailed(SystemExit):
    """A command that was measured ended with an error: ends the benchmark where nobody catches it."""


@dataclasses.dataclass
class Measured:
    seconds: float
    peak_bytes: int
    """Highest sum over the command's processes of their resident sets, memory that they share counted once, polled; at least
    the high-water mark of one."""
    status: int
    output: str


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        process = queue.pop()
        found.append(process)
        queue += children.get(process, [])
    return found


def _family_bytes(processes: list[int]) -> int:
    """Pages in memory. What the processes share by design (LiteRT's process and its caller's) is counted once, by the one
    that has most of it; what else they share, as often as they have it: never too little. Cheap, so that it doesn't disturb."""
    own, shared = 0, 0
    for process in processes:
        try:
            text = pathlib.Path(f"/proc/{process}/status").read_text()
        except OSError:
            continue
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if line.startswith("Rss")}
        own += kilobytes.get("RssAnon", 0) + kilobytes.get("RssFile", 0)
        shared = max(shared, kilobytes.get("RssShmem", 0))
    return (own + shared) * 1024


def _highest_resident_bytes(process: int) -> int:
    """The kernel's own high-water mark of one process since it was started (not of the fork that became it)."""
    try:
        text = pathlib.Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM:")), 0)


def run(command: list, environment: dict[str, str] | None = None, allowed: tuple[int, ...] = (0,)) -> Measured:
    """Runs a command to its end; fails where its status isn't one of `allowed`."""
    peak, done = 0, threading.Event()
    with tempfile.TemporaryFile("w+") as output:
        start = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command], stdout=output, stderr=subprocess.STDOUT,
            env=os.environ | (environment or {}),
        )  # fmt: skip

        def poll():
            nonlocal peak
            while not done.wait(POLL_SECONDS):
                family = _descendants(process.pid)
                peak = max(peak, _family_bytes(family), *map(_highest_resident_bytes, family), 0)

        thread = threading.Thread(target=poll)
        thread.start()
        process.wait()
        seconds = time.monotonic() - start
        done.set()
        thread.join()
        output.seek(0)
        text = output.read()
    if process.returncode not in allowed:
        raise CommandFailed(f"{' '.join(map(str, command))}\nexit {process.returncode}\n{text[-4000:]}")
    return Measured(seconds, peak, process.returncode, text)


def show(name: str, rows: list[dict], passed: list[tuple[str, bool]] = (), json_path: pathlib.Path | None = None) -> None:
    """Prints the rows as a table and as one line of JSON; with `json_path` writes them there too."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    texts = [[_text(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in [columns, *texts]) for index in range(len(columns))]
    print(f"\n{name}")
    for line in [columns, *texts]:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    for goal, met in passed:
        print(f"  {'met' if met else 'MISSED'}: {goal}")
    result = {"benchmark": name, "rows": rows, "goals": [{"goal": goal, "met": met} for goal, met in passed]}
    print(json.dumps(result))
    if json_path:
        json_path.write_text(json.dumps(result, indent=1) + "\n")


def _text(value) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
