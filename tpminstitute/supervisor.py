"""Run the service's processes together, with one stream of log lines, and stop them together.

It stays for as long as the service runs, so it imports nothing of the house: `tpm run` checks and prepares
everything, then becomes this process.
"""

import json
import shlex
import sys

from honcho.manager import Manager
from honcho.printer import Printer

STOPPED_BY_HAND = (130, 143)
"""Honcho's exit codes after SIGINT and SIGTERM."""


def run_all(processes: dict[str, list[str]], *, prefix: bool) -> int:
    """Run `processes` (name and command) until one ends or a signal comes; then stop all.

    Parameters: `prefix`, whether each line is preceded by its time and the process's name.
    Returns 0 when it was stopped by hand, else the exit code of the process that ended.
    """
    manager = Manager(Printer(sys.stdout, prefix=prefix))
    for name, command in processes.items():
        manager.add_process(name, f"exec {shlex.join(command)}")
    manager.loop()
    return 0 if manager.returncode in STOPPED_BY_HAND else manager.returncode or 1


if __name__ == "__main__":
    plan = json.loads(sys.argv[1])
    sys.exit(run_all(plan["processes"], prefix=plan["prefix"]))
