#!/usr/bin/env python3
"""How long after a line was appended to a log it comes out of `audit-tail --follow`.

Usage: benches/follow.py BINARY [LINES]      (default 2000 lines, some milliseconds apart)

Prints median, 99th percentile and maximum in milliseconds, and the share of a processor that
following a silent log takes. `tail -F` runs beside it on a log of its own, for comparison.
"""

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time


def latencies(command, log, lines):
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = child.stdout.fileno()
    writer = os.open(log, os.O_WRONLY | os.O_APPEND)
    found = []
    # It has begun once a line comes out; those before are not counted.
    while not select.select([out], [], [], 0.05)[0]:
        os.write(writer, b'{"msg":"begin"}\n')
    time.sleep(0.5)
    while select.select([out], [], [], 0)[0]:
        os.read(out, 1 << 16)
    for number in range(lines):
        line = b'{"time":"2026-11-20T10:00:00Z","n":%d}\n' % number
        started = time.perf_counter()
        os.write(writer, line)
        while not os.read(out, 1 << 16).endswith(b"\n"):
            pass
        found.append((time.perf_counter() - started) * 1000)
        time.sleep(0.002)
    before, begun = processor_time(child.pid), time.monotonic()
    time.sleep(10)
    idle = (processor_time(child.pid) - before) / (time.monotonic() - begun)
    child.terminate()
    child.wait()
    return found, idle


def processor_time(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    binary = os.path.abspath(sys.argv[1])
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    with tempfile.TemporaryDirectory() as folder:
        for name, command in [
            ("audit-tail --follow", [binary, "audit-tail", "{}", "--follow", "-n", "0", "--format", "raw"]),
            ("audit-tail, json", [binary, "audit-tail", "{}", "--follow", "-n", "0", "--format", "json"]),
            ("tail -F", ["tail", "-n", "0", "-F", "{}"]),
        ]:
            log = os.path.join(folder, f"{len(name)}.log")
            open(log, "w").close()
            words = [word.format(log) if word == "{}" else word for word in command]
            found, idle = latencies(words, log, lines)
            found.sort()
            print(
                f"{name:20}  median {statistics.median(found):.3f} ms"
                f"  99 % {found[len(found) * 99 // 100]:.3f} ms"
                f"  most {found[-1]:.3f} ms  idle {idle * 100:.2f} %"
            )


if __name__ == "__main__":
    main()
