"""A small name server on 127.0.0.1 with the records that a test gives it."""

import contextlib
import socket
import threading
from types import TracebackType

import dns.message
import dns.name
import dns.rcode
import dns.resolver
import dns.rrset

Reader = dns.resolver.Resolver


class NameServer:
    """Answers over UDP; what it has no record of does not exist."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], list[str]] = {}
        self._broken: set[str] = set()
        self._silent: set[str] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="name-server", daemon=True)

    def put(self, name: str, kind: str, *values: str) -> "NameServer":
        """Give `name` records of a kind: `put("example.org", "MX", "10 mail.example.org.")`; none take it away."""
        key = (dns.name.from_text(name).to_text().lower(), kind)
        self._records[key] = [_quoted(value) if kind == "TXT" else value for value in values]
        return self

    def break_(self, name: str) -> None:
        """Answer SERVFAIL for `name`."""
        self._broken.add(dns.name.from_text(name).to_text())

    def silence(self, name: str) -> None:
        """Never answer for `name`."""
        self._silent.add(dns.name.from_text(name).to_text())

    def reader(self) -> Reader:
        """Return a resolver that asks this server and no other."""
        resolver = Reader(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self._socket.getsockname()[1]
        resolver.timeout = resolver.lifetime = 1.0
        return resolver

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the socket is closed: the end
            while True:
                question, client = self._socket.recvfrom(4096)
                if not question:
                    return
                answer = self._answer(question)
                if answer is not None:
                    self._socket.sendto(answer, client)

    def _answer(self, question: bytes) -> bytes | None:
        asked = dns.message.from_wire(question)
        reply = dns.message.make_response(asked)
        name = asked.question[0].name
        kind = asked.question[0].rdtype.name
        shown = name.to_text().lower()
        if shown in self._silent:
            return None
        if shown in self._broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif values := self._records.get((shown, kind)):
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *values))
        elif not any(known == shown and values for (known, _), values in self._records.items()):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire(max_size=4096)

    def __enter__(self) -> "NameServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join(timeout=5)
        self._socket.close()


def _quoted(text: str) -> str:
    """Return a text as a TXT record holds it: in parts of at most 255 characters."""
    return " ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200))
