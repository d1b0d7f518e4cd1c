"""A real SMTP server with a ledger of what it accepted and a script of what it answers."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, cast

from tests.parts.lint import faults
from tests.parts.ports import free_port
from tests.parts.smtp_conversation import DROP, Conversation, Mail, Moment, Rule

__all__ = ["DROP", "Mail", "MailServer", "Moment", "Rule"]


class MailServer:
    """An SMTP server on 127.0.0.1 in a thread of its own; the port stays over `stop` and `start`."""

    def __init__(self, users: dict[str, str] | None = None, smtputf8: bool = True) -> None:
        """Parameters: `users` maps names to passwords and makes AUTH required; `smtputf8` offers RFC 6531."""
        self.port = free_port()
        self.users = users
        self.smtputf8 = smtputf8
        self.connections = 0  # opened since the last clear()
        self.open_connections = 0
        self.lints = True  # False for mails that our own code did not make
        self._bad: list[str] = []
        self._mails: list[Mail] = []
        self._rules: list[Rule] = []
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sessions: set[Conversation] = set()
        self._leave: asyncio.Event

    @property
    def url(self) -> str:
        """The SMTP_URL that leads here."""
        login = "".join(f"{name}:{password}@" for name, password in list((self.users or {}).items())[:1])
        return f"smtp://{login}127.0.0.1:{self.port}"

    @property
    def mails(self) -> list[Mail]:
        """The ledger: every accepted mail in the order of acceptance."""
        with self._changed:
            return list(self._mails)

    def to(self, address: str) -> list[Mail]:
        """The accepted mails that had `address` among the recipients of their envelope."""
        return [m for m in self.mails if address.lower() in [r.lower() for r in m.recipients]]

    def wait_for(self, predicate: Callable[[list[Mail]], Any], timeout: float = 30.0) -> list[Mail]:
        """Wait until `predicate` holds for the ledger, at most `timeout` seconds.

        Returns: the ledger at that moment.
        Raises: AssertionError that says what had come until then.
        """
        with self._changed:
            if self._changed.wait_for(lambda: predicate(list(self._mails)), timeout):
                return list(self._mails)
            seen = [f"{', '.join(m.recipients)}: {m.message['Subject']}" for m in self._mails]
        raise AssertionError(f"the mail did not come within {timeout} s; the ledger holds {seen}")

    def wait_for_mail(self, to: str, timeout: float = 30.0) -> Mail:
        """Wait for a mail to the address `to`. Returns: the first one in the ledger."""
        self.wait_for(lambda mails: any(to in m.recipients for m in mails), timeout)
        return self.to(to)[0]

    def script(
        self,
        moment: Moment,
        reply: str | None = None,
        *,
        address: str | None = None,
        times: int | None = None,
        keep: bool | None = None,
        hold: threading.Event | None = None,
    ) -> Rule:
        """Answer otherwise than 250 at one moment of the conversation. The first rule that fits applies.

        Parameters:
            moment: `connect` (the greeting), `mail`, `rcpt`, `data` (the command) or `dot` (its end).
            reply: such as `"450 4.2.1 Mailbox busy"`; a 421 also closes the connection; `DROP` closes it
                without a word; None answers as usual (for `hold`).
            address: apply only to this recipient (at `mail`: this sender). None: to all.
            times: apply this often, then never again. None: always.
            keep: whether the mail enters the ledger all the same; by default only when the connection is
                dropped after the dot (the server has it, the client can't know).
            hold: keep the client waiting until this event is set; `rule.held` tells that one waits.
        """
        rule = Rule(moment, reply, address, times, keep if keep is not None else reply == DROP, hold)
        with self._changed:
            self._rules.append(rule)
        return rule

    def check(self) -> None:
        """Fail if any mail accepted since the last `clear` breaks a rule of tests/parts/lint.py."""
        with self._changed:
            found = list(self._bad)
        assert not found, "mails break the rules of tests/parts/lint.py:\n" + "\n".join(found)

    def clear(self) -> None:
        """Forget mails, rules and counts, and close what clients left open: as between two tests."""
        with self._changed:
            for rule in self._rules:
                if rule.hold:
                    rule.hold.set()
            self._rules.clear()
        self.drop_connections()
        with self._changed:
            self._mails.clear()
            self._bad.clear()
            self.lints = True
            self.connections = 0

    def drop_connections(self) -> None:
        """Close every open connection from this side, and wait until they are."""
        if self._loop is None:
            return

        async def close() -> None:
            for conversation in list(self._sessions):
                if conversation.transport is not None:
                    cast(asyncio.Transport, conversation.transport).abort()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(timeout=5)
        with self._changed:
            self._changed.wait_for(lambda: self.open_connections == 0, timeout=5)

    def start(self) -> "MailServer":
        """Listen, from the moment this returns; nothing changes if it listens already."""
        if self._loop is not None:
            return self
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), name="mail-server", daemon=True)
        self._thread.start()
        if not ready.wait(timeout=10):
            raise RuntimeError(f"the mail server did not start on port {self.port}")
        return self

    def _serve(self, ready: threading.Event) -> None:
        asyncio.run(self._listen(ready))

    async def _listen(self, ready: threading.Event) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        listener = await loop.create_server(lambda: Conversation(self, loop), "127.0.0.1", self.port)
        ready.set()
        await self._leave.wait()
        listener.close()

    def stop(self) -> None:
        """Close every connection and refuse new ones; the ledger stays."""
        if self._loop is None or self._thread is None:
            return
        with self._changed:
            for rule in self._rules:
                if rule.hold:
                    rule.hold.set()
        self.drop_connections()
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(timeout=10)
        self._loop = self._thread = None

    def __enter__(self) -> "MailServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None:
            self.check()

    # What follows is called by the conversations, in the server's thread.

    def opened(self, conversation: Conversation) -> int:
        """Count a new connection. Returns: its number."""
        with self._changed:
            self._sessions.add(conversation)
            self.connections += 1
            self.open_connections += 1
            self._changed.notify_all()
            return self.connections

    def closed(self, conversation: Conversation) -> None:
        """Count a connection off."""
        with self._changed:
            if conversation in self._sessions:
                self._sessions.discard(conversation)
                self.open_connections -= 1
            self._changed.notify_all()

    def accepted(self, mail: Mail) -> None:
        """Enter a mail into the ledger."""
        found = faults(mail.content, mail.recipients) if self.lints else []
        with self._changed:
            self._bad += [f"- {mail.message['Subject']}: {fault}" for fault in found]
            self._mails.append(mail)
            self._changed.notify_all()

    def rule(self, moment: Moment, addresses: list[str]) -> Rule | None:
        """The first rule that fits, which is used by this once more; None: answer as usual."""
        with self._changed:
            rule = next((r for r in self._rules if r.fits(moment, addresses)), None)
            if rule is not None:
                rule.used += 1
            return rule
