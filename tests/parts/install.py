"""Find the real parts the tests start, and install what is missing where that is possible.

``python -m tests.parts.install`` runs before pytest. As root on Debian or Ubuntu it asks apt-get;
elsewhere it says what is missing and which tests will be skipped. With CI=true a missing part is a failure.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTER_CONF = Path("/etc/postgresql-common/createcluster.conf")
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Fedora and Red Hat, from postgresql.org
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
DOVECOT_FOLDERS = (
    "/usr/lib/dovecot",
    "/usr/libexec/dovecot",
    "/usr/local/libexec/dovecot",
    "/opt/homebrew/libexec/dovecot",
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


@cache
def find_redis() -> Path | None:
    """The redis-server (or valkey-server) program, or None."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


@cache
def find_postgres() -> Path | None:
    """The folder that holds initdb and postgres, the newest version first, or None."""
    folders = [folder for pattern in POSTGRES_FOLDERS for folder in Path("/").glob(pattern[1:])]
    folders.sort(key=_version, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@cache
def find_chromium() -> Path | None:
    """A Chromium or Chrome that starts, or None (Ubuntu's package may be a stub that asks for snap)."""
    candidates = [shutil.which(name) for name in CHROMIUM_NAMES]
    candidates += [path for path in CHROMIUM_PATHS if Path(path).exists()]
    return next((Path(c) for c in candidates if c and _answers(c)), None)


@cache
def find_openssl() -> Path | None:
    """The openssl program, or None; Debian's Python images have it by way of ca-certificates."""
    found = shutil.which("openssl")
    return Path(found) if found else None


@cache
def find_dovecot() -> Path | None:
    """The dovecot program with its IMAP server, or None. Debian keeps it where an ordinary PATH doesn't lead."""
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    with_imap = any(Path(folder, "imap-login").exists() for folder in DOVECOT_FOLDERS)
    return Path(found) if found and with_imap else None


def _version(folder: Path) -> tuple[int, ...]:
    digits = "".join(c if c.isdigit() else " " for c in str(folder))
    return tuple(int(part) for part in digits.split())


def _answers(program: str) -> bool:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@dataclass(frozen=True)
class Part:
    """One program the tests need: how to find it, its Debian packages, and what is skipped without it."""

    name: str
    find: Callable[[], Path | None]
    packages: tuple[str, ...]
    tests: str


PARTS = (
    Part("redis-server", find_redis, ("redis-server",), "the tests that talk to Redis"),
    Part("PostgreSQL server", find_postgres, ("postgresql",), "the PostgreSQL half of the room tests"),
    Part("Chromium", find_chromium, ("chromium", "fonts-dejavu-core"), "the tests that use a browser"),
    Part("Dovecot", find_dovecot, ("dovecot-imapd",), "the tests of the mailbox"),
    Part("openssl", find_openssl, ("openssl",), "the tests of certificates"),
)


def missing() -> list[Part]:
    """The parts that can't be found on this machine at this moment."""
    for part in PARTS:
        part.find.cache_clear()  # type: ignore[attr-defined]
    return [part for part in PARTS if part.find() is None]


def main() -> int:
    """Install what is missing if possible, and say what still is. Returns the exit status."""
    gone = missing()
    if gone and _can_install():
        _install(gone)
        gone = missing()
    for part in gone:
        print(f"{part.name} is not on this machine: {part.tests} will be skipped.", file=sys.stderr)
    if gone and os.environ.get("CI") == "true":
        names = " and ".join(part.name for part in gone)
        print(f"CI=true allows no skipped part, so install {names} first.", file=sys.stderr)
        return 1
    return 0


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and Path("/etc/debian_version").exists()


def _install(parts: list[Part]) -> None:
    print(f"Installing {', '.join(part.name for part in parts)} with apt-get ...", file=sys.stderr)
    with services_stay_stopped():
        if not _apt("update", "-qq"):
            print("apt-get update failed; trying with the lists at hand.", file=sys.stderr)
        for part in parts:
            if part.find is find_postgres:
                with no_main_cluster():
                    _apt("install", *part.packages)
            else:
                _apt("install", *part.packages)


def _apt(verb: str, *words: str) -> bool:
    command = ["apt-get", verb, "-y", "-q", *words]
    if verb == "install":
        command.insert(2, "--no-install-recommends")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}", file=sys.stderr)
    return done.returncode == 0


@contextlib.contextmanager
def services_stay_stopped(policy: Path = POLICY) -> Iterator[None]:
    """While open, packages that are installed start no service. The policy is left as it was found."""
    with _replaced(policy, "#!/bin/sh\nexit 101\n", mode=0o755):
        yield


@contextlib.contextmanager
def no_main_cluster(conf: Path = CLUSTER_CONF) -> Iterator[None]:
    """While open, installing PostgreSQL makes no cluster. The configuration is left as it was found."""
    if not conf.exists() and not _apt("install", "postgresql-common"):
        yield
        return
    found = conf.read_text()
    with _replaced(conf, found + "\ncreate_main_cluster = false\n", mode=conf.stat().st_mode & 0o777):
        yield


@contextlib.contextmanager
def _replaced(path: Path, text: str, mode: int) -> Iterator[None]:
    kept = path.with_name(path.name + ".before-tests")
    existed = path.exists()
    if existed:
        shutil.copy2(path, kept)
    try:
        path.write_text(text)
        path.chmod(mode)
        yield
    finally:
        if existed:
            kept.replace(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
