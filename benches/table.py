"""The table that every bench prints, and how runs are measured."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/openclaw-sec"
HEADER = "| what | openclaw-sec | peer | ratio | limit |\n| --- | --- | --- | --- | --- |"


class Table:
    """Prints its rows one by one; `end` is the exit code of the bench."""

    def __init__(self):
        print(HEADER, flush=True)
        self.beyond = []

    def row(self, what, unit, ours, peer=None, name="", at_most=None, faster=None, limit=None):
        """`at_most` limits ours / peer, `faster` is what peer / ours must reach, `limit` is for ours."""
        if ours is None:
            return
        ratio, limits, missed = "", [], False
        if peer is not None:
            ratio = f"{peer / max(ours, 1e-9):.1f} times less" if faster else f"{ours / peer:.2f}" if peer else ""
        if at_most is not None:
            limits.append(f"at most {at_most}")
            missed |= ours > at_most * peer
        if faster is not None:
            limits.append(f"at least {faster} times less")
            missed |= peer < faster * ours
        if limit is not None:
            limits.append(f"at most {limit} {unit}")
            missed |= ours > limit
        if missed:
            limits.append("**missed**")
            self.beyond.append(what)
        beside = "" if peer is None else f"{name} {number(peer)} {unit}".strip()
        print(f"| {what} | {number(ours)} {unit} | {beside} | {ratio} | {', '.join(limits)} |", flush=True)

    def end(self):
        for what in self.beyond:
            print(f"beyond its limit: {what}", file=sys.stderr)
        return 1 if self.beyond else 0


def number(value):
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def skipped(what, missing):
    print(f"skipped: {what}: {missing} is not installed", file=sys.stderr)


class Run:
    """What one run took: seconds of wall time and of processor, and its exit code."""

    def __init__(self, command, **options):
        with open(os.devnull, "wb") as nowhere:
            streams = {"stdin": subprocess.DEVNULL, "stdout": nowhere, "stderr": nowhere}
            started = time.perf_counter()
            child = subprocess.Popen(command, **(streams | options))
            _, status, usage = os.wait4(child.pid, 0)
            self.wall = time.perf_counter() - started
        self.code = child.returncode = os.waitstatus_to_exitcode(status)
        self.processor = usage.ru_utime + usage.ru_stime


def resident(command, **options):
    """The most MiB that a run, or one of its children, held; None without GNU time.

    What the system tells this script of its children would hold the script's own size, too.
    """
    if not shutil.which("time"):
        skipped("resident memory", "time")
        return None
    with tempfile.NamedTemporaryFile("r") as told:
        Run(["time", "-f", "%M", "-o", told.name, *command], **options)
        return int(told.read().splitlines()[-1]) / 1024


def in_turn(commands, runs, **options):
    """`runs` runs of each command, started alternately after one to warm up: a busy machine slows all."""
    for command in commands:
        Run(command, **options)
    found = [[] for _ in commands]
    for _ in range(runs):
        for command, measured in zip(commands, found):
            measured.append(Run(command, **options))
    return found


def median(runs, what):
    return statistics.median(getattr(run, what) for run in runs)


def least(runs, what):
    return min(getattr(run, what) for run in runs)
