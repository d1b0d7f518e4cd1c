"""A private Dovecot: a real IMAP server with real mailboxes in a temporary folder, for as long as a test needs it."""

import contextlib
import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from imapclient import IMAPClient

from tests.parts import guardian
from tests.parts.install import find_dovecot
from tests.parts.ports import free_port
from tests.parts.tls import make_certificate

PASSWORD = "p@ss/word:1"
CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/server.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:%h
namespace inbox {{
  inbox = yes
  separator = /
}}
disable_plaintext_auth = no
auth_failure_delay = 0
mail_max_userip_connections = 50
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
protocol imap {{
  {capability}
}}
"""
WITHOUT_IDLE = "imap_capability = IMAP4rev1 UIDPLUS LITERAL+"
_numbers = itertools.count(1)


class DovecotServer:
    """A real Dovecot on two ports of 127.0.0.1, with and without TLS; it never runs as root.

    Every user exists, has the same password and an empty mailbox. `stop`, `kill` and `start` keep ports and mail.
    """

    def __init__(self, *, idle: bool = True, password: str = PASSWORD) -> None:
        """Parameters: `idle`, whether it offers IDLE; `password`, that of every user."""
        self.port, self.tls_port = free_port(), free_port()
        self.idle, self.password = idle, password
        self._folder = Path(tempfile.mkdtemp(prefix="tpm-imap-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user = _unprivileged_user()
        self.certificate = make_certificate(self._folder)

    def start(self) -> "DovecotServer":
        """Start it and wait until it greets (at most 20 s)."""
        program = find_dovecot()
        if program is None:
            raise RuntimeError("Dovecot is not on this machine")
        self._write_configuration()
        self._process = subprocess.Popen(
            [program, "-F", "-c", self._folder / "dovecot.conf"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=self._folder,
            **self._as_user,
        )
        guardian.watch(self._process.pid, signal.SIGTERM, self._folder)
        deadline = time.monotonic() + 20
        while not self._greets():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self.log
                self.close()
                raise RuntimeError(f"Dovecot did not start: {log}")
            time.sleep(0.02)
        return self

    def _write_configuration(self) -> None:
        entry = pwd.getpwuid(self._as_user.get("user", os.geteuid()))
        values = {
            "folder": self._folder,
            "user": entry.pw_name,
            "group": grp.getgrgid(entry.pw_gid).gr_name,
            "certificate": self.certificate,
            "password": self.password,
            "port": self.port,
            "tls_port": self.tls_port,
            "capability": "" if self.idle else WITHOUT_IDLE,
        }
        (self._folder / "dovecot.conf").write_text(CONFIGURATION.format_map(values))
        for path in (self._folder, *self._folder.iterdir()):
            self._hand_over(path)

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                return connection.recv(64).startswith(b"* OK")
        except OSError:
            return False

    @property
    def log(self) -> str:
        """What it has said."""
        path = self._folder / "server.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def mailbox(self) -> "TestMailbox":
        """A new, empty mailbox."""
        return TestMailbox(self, f"info-{next(_numbers)}@tpminstitute.org")

    def freeze(self) -> None:
        """Let every process of it stand still, with all connections open: nobody answers any more."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def stop(self) -> None:
        """Shut it down in order; it ends every connection."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=10)
        self.kill()

    def kill(self) -> None:
        """End it and all its children at once, as a crash would (SIGKILL)."""
        if self._process is None:
            return
        self._signal_all(signal.SIGKILL)
        self._process.wait(timeout=10)
        guardian.forget(self._process.pid)
        self._process = None

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether the process is there (a frozen one is)."""
        return self._process is not None and self._process.poll() is None

    def folder_of(self, user: str) -> Path:
        """Where a user's mail lies."""
        return self._folder / "mail" / user

    def _hand_over(self, path: Path) -> None:
        if self._as_user:
            os.chown(path, self._as_user["user"], self._as_user["group"])

    def put(self, user: str, content: bytes, name: str) -> None:
        """Deliver into a user's maildir as a mail server does: written in tmp, moved into new."""
        maildir = self.folder_of(user)
        for folder in (maildir.parent, maildir, *(maildir / part for part in ("tmp", "new", "cur"))):
            if not folder.exists():
                folder.mkdir()
                self._hand_over(folder)
        path = maildir / "tmp" / name
        path.write_bytes(content)
        self._hand_over(path)
        path.rename(maildir / "new" / name)

    def __enter__(self) -> "DovecotServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class TestMailbox:
    """One user's mailbox, as a mail server delivers into it and a person's mail program sees it."""

    __test__ = False  # for pytest

    def __init__(self, server: DovecotServer, user: str) -> None:
        self.server, self.user = server, user

    def url(self, scheme: str = "imap", folder: str = "", password: str = PASSWORD) -> str:
        """The IMAP_URL that leads here."""
        port = self.server.tls_port if scheme == "imaps" else self.server.port
        login = f"{quote(self.user, safe='')}:{quote(password, safe='')}"
        return f"{scheme}://{login}@127.0.0.1:{port}" + (f"/{quote(folder)}" if folder else "")

    def deliver(self, content: bytes, *, size: int = 0) -> None:
        """Put a mail into the maildir; a wrong `size` in its file's name makes Dovecot end whoever fetches it."""
        name = f"{time.time_ns()}.{next(_numbers)}.tests"
        self.server.put(self.user, content, f"{name},S={size},W={size}" if size else name)

    @contextlib.contextmanager
    def open(self, folder: str = "INBOX", *, readonly: bool = True) -> Any:
        """A connection of its own, as a mail program makes."""
        with IMAPClient("127.0.0.1", self.server.port, ssl=False, timeout=20) as client:
            client.plain_login(self.user, self.server.password)
            client.select_folder(folder, readonly=readonly)
            yield client

    def append(self, content: bytes, folder: str = "INBOX", **options: Any) -> None:
        """Put a mail in by IMAP, which may give it any date of arrival (`msg_time`)."""
        with self.open() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.append(folder, content, **options)

    def flags(self, folder: str = "INBOX") -> dict[int, set[str]]:
        """The marks of each mail by its UID."""
        with self.open(folder) as client:
            found = client.get_flags(client.search())
        return {uid: {flag.decode() for flag in flags} - {"\\Recent"} for uid, flags in found.items()}

    def delete(self, uid: int) -> None:
        """Delete a mail, as its owner may."""
        with self.open(readonly=False) as client:
            client.delete_messages([uid])
            client.expunge()

    def change_uid_validity(self) -> None:
        """Let the server give every mail another UID, as after a move to another machine."""
        maildir = self.server.folder_of(self.user)
        uids = maildir / "dovecot-uidlist"
        version, validity, _, *rest = uids.read_text().splitlines()[0].split()
        uids.write_text(f"{version} V{int(validity[1:]) + 1} N1 {' '.join(rest)}\n")
        for path in maildir.glob("dovecot.index*"):
            path.unlink()


def _unprivileged_user() -> dict[str, Any]:
    """As root, the arguments that make subprocess step down: Dovecot lets no mail belong to root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
