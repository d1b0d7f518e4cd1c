"""The guide's page as a process keeps it: rendered when what it is made of changes, answered before the framework.

Only the letter's token is new each time, so the page's ETag is a weak one (RFC 9110, 8.8.1): who has the page already
is told 304 and goes on with the token that came with it, which has no expiry. A form's key is made of its token and the
words, so another letter from the same page is another inquiry, and the same one sent twice stays one.

It is sent packed to whom can read that. What stands before and behind the token is packed once and for all; nothing
that a visitor typed stands in it, so its length tells nobody anything.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags

from tpminstitute.core import clock
from tpminstitute.guide.book import Book, book_of
from tpminstitute.guide.shelf import PDF, Shelf
from tpminstitute.web.common import Shared, protect
from tpminstitute.web.site.reply import Reply, ReplyTimes
from tpminstitute.web.site.write import token_for

TOKEN_PLACE = "the-token-of-this-page"

PDF_LOOKED_FOR = timedelta(seconds=1)
"""How often a page that can't tell the PDF's size yet looks whether it can."""

_GZIP = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
"""The head of a packed file without a name and a time (RFC 1952, 2.3)."""


@dataclass(frozen=True)
class Packed:
    """The page packed as gzip (RFC 1952), in pieces that each end at an octet, so that a token fits between them."""

    before: bytes
    behind: bytes
    behind_plain: bytes
    checksum: int
    length: int

    @classmethod
    def of(cls, before: bytes, behind: bytes) -> "Packed":
        """Pack what stands before and behind the token."""
        packed = _packed(before), _packed(behind, zlib.Z_FINISH)
        return cls(*packed, behind, zlib.crc32(before), len(before) + len(behind))

    def around(self, token: bytes) -> bytes:
        """Return the page with its token."""
        checksum = zlib.crc32(self.behind_plain, zlib.crc32(token, self.checksum))
        end = struct.pack("<II", checksum, self.length + len(token))
        return b"".join((_GZIP, self.before, _packed(token), self.behind, end))


def _packed(piece: bytes, ends: int = zlib.Z_FULL_FLUSH) -> bytes:
    """Return blocks that refer to nothing before them (RFC 1951); with `Z_FINISH` the last of them ends the file."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(piece) + packer.flush(ends)


def _reads_packed(environ: WSGIEnvironment) -> bool:
    accepted: Accept = parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"))
    return accepted.quality("gzip") > 0


@dataclass(frozen=True)
class Rendered:
    """The guide's page, what it was made of, and what stands before and behind its token."""

    made_of: Shared
    book: Book
    tells_pdf: bool
    reply: Reply
    before: bytes
    behind: bytes
    packed: Packed
    etag: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, text: str, made_of: Shared, book: Book, *, tells_pdf: bool, reply: Reply) -> "Rendered":
        """Return the page of `text`, which has its token's place once; the headers are those of any page."""
        before, _, behind = text.partition(TOKEN_PLACE)
        # With another key the tokens of before are worth nothing, so whoever has one needs the page again.
        said = hashlib.sha256(f"{before}\0{behind}\0{made_of.settings.secret_key}".encode())
        etag = f'W/"{said.hexdigest()[:20]}"'
        headers = protect(Response(mimetype="text/html", headers={"ETag": etag, "Vary": "Accept-Encoding"})).headers
        del headers["Content-Length"]
        halves = before.encode(), behind.encode()
        return cls(made_of, book, tells_pdf, reply, *halves, Packed.of(*halves), etag, tuple(headers))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a GET or HEAD: with the page, or that the reader's own copy still holds."""
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and parse_etags(known).contains_weak(self.etag[3:-1]):
            start_response("304 Not Modified", [pair for pair in self.headers if pair[0] != "Content-Type"])
            return []
        host_url = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}/"
        token = token_for("/", environ.get("HTTP_REFERER", ""), host_url, self.made_of.settings).encode()
        packed = _reads_packed(environ)
        body = self.packed.around(token) if packed else b"".join((self.before, token, self.behind))
        told = [("Content-Encoding", "gzip")] if packed else []
        start_response("200 OK", [*self.headers, *told, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


class KeptGuide:
    """Stands before the framework and answers for the guide while the page that it keeps still holds."""

    def __init__(self, app: Flask, shelf: Shelf, reply_times: ReplyTimes) -> None:
        """Parameters: `shelf`, where the book's files are, whose sizes the page tells; `reply_times`, what its form
        says of when an answer comes."""
        self._app, self._shelf, self._reply_times = app, shelf, reply_times
        self._behind: WSGIApplication = app.wsgi_app
        self._page: Rendered | None = None
        self._looked: datetime | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer for the guide, or let the framework do it, which renders the page anew."""
        if environ["PATH_INFO"] == "/" and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            page = self._page
            if page is not None and self._holds(page):
                return page(environ, start_response)
        return self._behind(environ, start_response)

    def _holds(self, page: Rendered) -> bool:
        """Return whether a page is made of what holds now, and tells what can be told."""
        made_of_this = page.made_of is self._app.extensions["tpm_kept"].lately()
        if not made_of_this or page.reply != self._reply_times.now(page.made_of.settings):
            return False
        return page.tells_pdf or not self._pdf_is_there_now(page)

    def keep(self, made_of: Shared, render: Callable[[Book, Shelf], str]) -> Rendered:
        """Render the page of what holds now, keep it, and have the PDF printed if it isn't there yet."""
        book = book_of(self._app.extensions["tpm"].guide, made_of.settings)
        tells_pdf = self._shelf.lying_there(book, PDF) is not None
        reply = self._reply_times.now(made_of.settings)
        text = render(book, self._shelf)
        self._page = Rendered.of(text, made_of, book, tells_pdf=tells_pdf, reply=reply)
        self._shelf.order(book)
        return self._page

    def _pdf_is_there_now(self, page: Rendered) -> bool:
        now = clock.now()
        if self._looked is not None and abs(now - self._looked) < PDF_LOOKED_FOR:
            return False
        self._looked = now
        return self._shelf.lying_there(page.book, PDF) is not None
