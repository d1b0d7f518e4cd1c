"""From a letter to the bytes that are handed to a mail server: RFC 5322, 2045 to 2047 and 6532, with CRLF."""

import re
import secrets
from base64 import encodebytes
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.header import Header, decode_header, make_header
from email.utils import format_datetime, getaddresses, quote
from quopri import encodestring
from types import MappingProxyType
from typing import cast

import idna

from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, visible
from tpminstitute.mail.letters import Letter

LINE_LIMIT = 998
"""Octets of a line without its CRLF: RFC 5322, 2.1.1."""

_LINE = 76
_NAME_LIMIT = 100
_SUBJECT_LIMIT = 200
_OUR_HEADERS = re.compile(
    "from|to|cc|bcc|sender|reply-to|subject|date|message-id|mime-version|return-path|dkim-signature|x-tpm-reference"
    "|(content|resent)-.*",
    re.I,
)
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}>")
_THREAD_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{3,200}>")
_TO = re.compile(r"^To:[^\r]*(?:\r\n[ \t][^\r]*)*", re.M)
_THREAD_LENGTH = 3
"""How many of the newest mails References names beside the first: four of 200 octets fit into one line."""

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_NOT_IN_FEEDBACK = re.compile(r"[^A-Za-z0-9._-]+")
_SENDER_ID = (5, 15)
_NOT_IN_LOCAL_PART = re.compile(r'[\s()<>\[\]:;,\\"@]')
_ADDRESS_LIMIT = 320


class ComposeError(Refusal):
    """A mail can't be made from what was given; the sentence says which part of it."""


@dataclass(frozen=True)
class Address:
    """A mailbox: a display name, which may be '', and an e-mail address, its domain in any script."""

    name: str
    email: str


def compose(
    letter: Letter,
    *,
    sender: Address,
    recipient: Address,
    message_id: str,
    date: datetime,
    reply_to: Address | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Make the mail that carries `letter`: multipart/alternative in UTF-8, no line over `LINE_LIMIT` octets.

    Every mail also names its language, and repeats the left part of its Message-ID as X-TPM-Reference: mail
    providers put a Message-ID of their own in its place, and a bounce must still lead back here.
    Parameters: `message_id`, in its angle brackets, from `new_message_id`; `date`, with a time zone;
    `headers`, further ones by name, such as Auto-Submitted or List-Unsubscribe, in ASCII.
    Returns the bytes, with CRLF. They hold UTF-8 in the header only where `needs_smtputf8` says so.
    Raises `ComposeError` for an address that is none, a malformed Message-ID or language, a date without a time
    zone, and a header that is ours to write or holds a line break.
    """
    # Written by hand, since the standard library folds a long List-Unsubscribe as if it were prose, loses the quotes
    # of some display names, and takes ten times as long. "=_" stands in no text that is encoded (RFC 2045, 6.7).
    boundary = f"=_{secrets.token_hex(16)}"
    lines = [
        *_header_lines(letter, sender, recipient, message_id, date, reply_to, headers),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
        f"Content-Language: {letter.language}",
    ]
    return _whole(lines, boundary, [("plain", letter.text), ("html", letter.html)])


def readdressed(mail: bytes, to: str, changed: Callable[[str], str]) -> bytes:
    """Return a mail that `compose` made as it goes to another address: the same, but for To and its changed texts.

    Parameters: `to`, the address; `changed`, which returns what stands in place of a text, plain or HTML.
    Raises `ComposeError` for an address that is none.
    """
    written = message_from_bytes(mail)
    boundary = written.get_boundary()
    if boundary is None:
        raise ComposeError("There is no mail that could go to another address: it couldn't be made.")
    head = mail.partition(b"\r\n\r\n")[0].decode()
    ((phrase, _),) = getaddresses([written["To"]])
    # The newer parser of some Pythons parts a name's encoded words by a space.
    line = _address_line("To", Address(str(make_header(decode_header(phrase))), to))
    parts = [part for part in written.walk() if not part.is_multipart()]
    texts = [
        (part.get_content_subtype(), changed(cast("bytes", part.get_payload(decode=True)).decode())) for part in parts
    ]
    return _whole([_TO.sub(lambda _: line, head, count=1)], boundary, texts)


def new_message_id(domain: str) -> str:
    """Return a Message-ID that no other mail has, in angle brackets; `domain` may be in any script."""
    return f"<{secrets.token_hex(16)}@{_ascii_domain(domain)}>"


def feedback_id(kind: str, letter: str, sender: str) -> str:
    """Return the Feedback-ID by which Gmail counts complaints: kind, letter, domain, and last who sends.

    Gmail reads four fields from the right; none may stand for one person, and none may be in two places. Its sender
    id has 5 to 15 characters and is always the same for us: it comes from the domain of `sender`, our own address.
    """
    domain = _ascii_domain(sender.rpartition("@")[2]).lower()
    shortest, longest = _SENDER_ID
    name = _NOT_IN_FEEDBACK.sub("-", domain.rpartition(".")[0] or domain).replace(".", "-")
    sender_id = (name if len(name) >= shortest else f"{name}-mail")[-longest:].strip("-")
    return ":".join([*(_NOT_IN_FEEDBACK.sub("-", field) for field in (kind, letter, domain)), sender_id])


def threading(answered: Sequence[str]) -> dict[str, str]:
    """Return the headers by which a mail program puts a mail into its conversation (RFC 5322, 3.6.4).

    Parameters: `answered`, the Message-IDs of the conversation so far, oldest first; what is none is left out.
    """
    known = [message_id for message_id in dict.fromkeys(answered) if _THREAD_ID.fullmatch(message_id)]
    if not known:
        return {}
    first, rest = known[0], known[1:][-_THREAD_LENGTH:]
    return {"In-Reply-To": known[-1], "References": " ".join([first, *rest])}


def ascii_email(address: str) -> str:
    """Return `address` with its domain in ASCII (RFC 5890); its local part stays as it is.

    Raises `ComposeError` for what is no address.
    """
    local, _, domain = address.rpartition("@")
    hidden = visible(local) != local
    if not local or hidden or _NOT_IN_LOCAL_PART.search(local) or len(address.encode()) > _ADDRESS_LIMIT:
        raise ComposeError(f"“{one_line(address, 80)}” is no e-mail address that mail can be sent to.")
    return f"{local}@{_ascii_domain(domain)}"


def needs_smtputf8(mail: bytes | Address) -> bool:
    """Return whether a server must know SMTPUTF8 (RFC 6531) to take this mail, or mail to this address."""
    if isinstance(mail, Address):
        return not mail.email.rpartition("@")[0].isascii()
    head, _, _ = mail.partition(b"\r\n\r\n")
    return not head.isascii()


def _whole(head: Sequence[str], boundary: str, texts: Iterable[tuple[str, str]]) -> bytes:
    """Return the mail that has these lines of a header and these texts by the subtype of their part."""
    lines = [*head, ""]
    for subtype, text in texts:
        encoding, body = _encoded_body(text)
        lines += [
            f"--{boundary}",
            f'Content-Type: text/{subtype}; charset="utf-8"',
            f"Content-Transfer-Encoding: {encoding}",
            "",
            body,
        ]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def _header_lines(
    letter: Letter,
    sender: Address,
    recipient: Address,
    message_id: str,
    date: datetime,
    reply_to: Address | None,
    headers: Mapping[str, str],
) -> Iterator[str]:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ComposeError("The Message-ID is malformed. Make it with new_message_id.")
    if date.tzinfo is None:
        raise ComposeError("The date of a mail needs a time zone.")
    if not _LANGUAGE.fullmatch(letter.language):
        raise ComposeError("The language of a mail is a tag such as en or pt-BR.")
    yield _address_line("From", sender)
    yield _address_line("To", recipient)
    if reply_to is not None:
        yield _address_line("Reply-To", reply_to)
    yield _folded("Subject", one_line(letter.subject, _SUBJECT_LIMIT) or "(no subject)")
    yield f"Date: {format_datetime(date)}"
    yield f"Message-ID: {message_id}"
    yield f"X-TPM-Reference: {message_id[1:].partition('@')[0]}"
    for name, value in headers.items():
        yield _further(name, value)


def _address_line(header: str, address: Address) -> str:
    spec = f"<{ascii_email(address.email)}>"
    name = one_line(address.name, _NAME_LIMIT)
    if not name:
        return f"{header}: {spec[1:-1]}"
    if not name.isascii() or "=?" in name:
        phrase = _encoded(header, name)
    else:
        phrase = name if _ATOMS.fullmatch(name) else f'"{quote(name)}"'
    last = phrase.rpartition("\r\n")[2]
    gap = " " if len(header) + len(last) + len(spec) + 3 <= _LINE else "\r\n "
    return f"{header}: {phrase}{gap}{spec}"


def _folded(header: str, text: str) -> str:
    if text.isascii() and "=?" not in text and len(header) + len(text) + 2 <= _LINE:
        return f"{header}: {text}"
    return f"{header}: {_encoded(header, text)}"


def _encoded(header: str, text: str) -> str:
    """Return `text` as RFC 2047 encoded words, each of whole characters, folded."""
    return Header(text, "utf-8", maxlinelen=_LINE, header_name=header).encode(linesep="\r\n")


def _further(name: str, value: str) -> str:
    if _OUR_HEADERS.fullmatch(name) or not _HEADER_NAME.fullmatch(name):
        raise ComposeError(f"“{one_line(name, 40)}” is not a header that can be added to a mail.")
    line = f"{name}: {value}"
    if not _HEADER_VALUE.fullmatch(value) or len(line) > LINE_LIMIT:
        raise ComposeError(f"The header {name} must be one line of ASCII, {LINE_LIMIT} characters at most.")
    return "\r\n ".join(line.split(" ")) if len(line) > _LINE and name == "References" else line


def _ascii_domain(domain: str) -> str:
    try:
        encoded = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        encoded = ""
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f.:IPv]+\]", encoded):
        raise ComposeError(f"“{one_line(domain, 80)}” is no domain that mail can be sent to.")
    return encoded


def _encoded_body(text: str) -> tuple[str, str]:
    """Return the transfer encoding that keeps `text` whole, and the text in it: 7bit where it can be, else the shorter.

    Line ends become CRLF. A lone surrogate, which UTF-8 can't hold, becomes a question mark.
    """
    lines = text.encode(errors="replace").splitlines()
    octets = b"".join(line + b"\r\n" for line in lines)
    if octets.isascii() and b"\0" not in octets and max(map(len, lines), default=0) <= _LINE:
        return "7bit", octets.decode("ascii")
    printable = encodestring(octets)
    if len(printable) <= -(-len(octets) // 3) * 4 + -(-len(octets) // 57) * 2:  # four characters for three, CRLF a line
        return "quoted-printable", printable.decode("ascii")
    return "base64", encodebytes(octets).replace(b"\n", b"\r\n").decode("ascii")
