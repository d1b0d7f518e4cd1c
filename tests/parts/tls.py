"""Servers with TLS, and the certificates they show: an SMTP server and a web server on 127.0.0.1."""

import asyncio
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP

from tests.parts.ports import free_port


def make_certificate(folder: Path, days: int = 90, name: str = "IP:127.0.0.1") -> Path:
    """Make a certificate of our own with openssl, key and all in one file; it is its own authority."""
    path = folder / f"certificate-{days}.pem"
    made = folder / "made.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=tests", "-addext", f"subjectAltName={name}", "-days", str(days)]
    subprocess.run([*command, "-keyout", path, "-out", made], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + made.read_bytes())
    return path


def context_of(certificate: Path) -> ssl.SSLContext:
    """Return what a server shows that certificate with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class TlsMailServer:
    """An SMTP server that encrypts: after STARTTLS, or from the first octet on (`at_once`)."""

    def __init__(self, certificate: Path, *, at_once: bool = False, **options: Any) -> None:
        """Parameters: `options` are those of aiosmtpd's SMTP."""
        self.port = free_port()
        self.commands: list[str] = []
        self._context = context_of(certificate)
        self._at_once = at_once
        self._options = options if at_once else {"tls_context": self._context, **options}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="tls-mail", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._leave: asyncio.Event

    async def handle_MAIL(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        """Note MAIL."""
        self.commands.append(f"MAIL {address}")
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Any, _envelope: Any) -> str:
        """Note DATA."""
        self.commands.append("DATA")
        return "250 OK"

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        tls = self._context if self._at_once else None
        options = {"hostname": "mail.test", "enable_SMTPUTF8": True, **self._options}
        server = await self._loop.create_server(lambda: SMTP(self, **options), "127.0.0.1", self.port, ssl=tls)
        self._ready.set()
        await self._leave.wait()
        server.close()

    def __enter__(self) -> "TlsMailServer":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(timeout=10)


class Site:
    """A web server that gives every page the same answer."""

    def __init__(self, status: int = 200, body: bytes = b"", certificate: Path | None = None, **headers: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for header, value in headers.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            self._server.socket = context_of(certificate).wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "Site":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
