"""Runs a command on a terminal of its own and plays a person.

terminal.py '[["expect", "text"], ["send", "yes\\n"], ["run", "command"], ["hang-up"], ["kill-session"]]' COMMAND...
Prints what the terminal showed; ends with the command's exit code, or 200 where it has none.
"""
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time


def main():
    steps, command = json.loads(sys.argv[1]), sys.argv[2:]
    child, master = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    shown = b""

    def read(seconds):
        nonlocal shown
        ready, _, _ = select.select([master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(master, 4096)
        except OSError:
            return False
        shown += data
        return bool(data)

    closed = False
    for step in steps:
        if step[0] == "expect":
            end = time.monotonic() + 60
            while step[1].encode() not in shown and time.monotonic() < end and read(0.1):
                pass
        elif step[0] == "send":
            os.write(master, step[1].encode())
        elif step[0] == "run":
            subprocess.run(["setsid", "sh", "-c", step[1]], stdin=subprocess.DEVNULL, check=True)
        elif step[0] == "hang-up":
            os.close(master)
            closed = True
        elif step[0] == "kill-session":
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        with open(f"/proc/{name}/stat") as file:
                            session = int(file.read().rsplit(")", 1)[1].split()[3])
                        if session == child:
                            os.kill(int(name), signal.SIGKILL)
                    except (OSError, IndexError):
                        pass
    if not closed:
        end = time.monotonic() + 60
        while time.monotonic() < end and read(0.2):
            pass
    end = time.monotonic() + 60
    status = None
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.05)
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    code = os.waitstatus_to_exitcode(status) if pid else 201
    sys.exit(code if code >= 0 else 200)


main()
