"""Free TCP ports that no other test process picks at the same moment."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below the range the kernel gives to outgoing connections (32768 on Linux, 49152 on macOS),
# so a port chosen here can't be taken by a client socket before its server binds it.
FIRST, LAST = 20_000, 30_000
_held: dict[int, int] = {}


def free_port(also: int = 0) -> int:
    """Reserve a free TCP port on 127.0.0.1 until this process ends.

    Parameters: `also`, a distance at which a second port must be free too, and is reserved with it.
    Returns: a port nothing listens on, locked (flock) against every other test process of this user.
    Raises: RuntimeError when the whole range is taken.
    """
    for port in random.sample(range(FIRST, LAST), k=2_000):
        if _reserve(port):
            if not also or _reserve(port + also):
                return port
            os.close(_held.pop(port))
    raise RuntimeError(f"no free port between {FIRST} and {LAST} on 127.0.0.1")


def _reserve(port: int) -> bool:
    if port in _held:
        return False
    folder = Path(tempfile.gettempdir()) / f"tpm-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _refuse_if_taken(port)
    except OSError:
        os.close(lock)
        return False
    _held[port] = lock
    return True


def _refuse_if_taken(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
