"""The files in a mail: named safely, typed by their content, kept as they came. Nothing is ever unpacked."""

import re
from hashlib import sha256
from pathlib import PurePosixPath

import puremagic

from tpminstitute.core.text import one_line
from tpminstitute.mail.incoming.headers import decoded_words, split_header
from tpminstitute.mail.incoming.model import Attachment
from tpminstitute.mail.incoming.structure import Part, Structure

ATTACHMENTS_LIMIT = 100
NAME_LIMIT = 120
_HEAD, _FOOT = 40_000, 600
_SURE = 0.3
_UNKNOWN = "application/octet-stream"
_UNSAFE = re.compile(r"[\\/:*?\"<>|\x00-\x1f\x7f]+")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}")
_TEXT_TYPES = frozenset(("text/csv", "text/calendar", "text/vcard", "text/markdown", "text/tab-separated-values"))
_ENDINGS = {
    "application/ms-tnef": ".dat", "application/pdf": ".pdf", "image/gif": ".gif", "image/jpeg": ".jpg",
    "image/png": ".png", "message/rfc822": ".eml", "text/calendar": ".ics", "text/html": ".html",
    "text/plain": ".txt",
}  # fmt: skip
_EXACT = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"), (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
)  # fmt: skip
_OFFICE = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
}
_OLD_OFFICE = {
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".msg": "application/vnd.ms-outlook",
}


def read_attachments(structure: Structure, texts: list[Part], problems: list[str]) -> tuple[Attachment, ...]:
    """Return every file in the mail but the parts that are its text, 100 at most; `problems` says what is left out."""
    text = {id(part) for part in texts}
    files = [part for part in structure.leaves if id(part) not in text and not _is_empty(part)]
    if len(files) > ATTACHMENTS_LIMIT:
        problems.append(
            f"The mail has {len(files):,} attachments; {ATTACHMENTS_LIMIT} are listed, the others were left in it."
        )
    found = tuple(_attachment(part, number) for number, part in enumerate(files[:ATTACHMENTS_LIMIT], start=1))
    if any(file.media_type == "application/ms-tnef" for file in found):
        problems.append(
            "Outlook packed attachments into winmail.dat, which nothing here can open. Ask the sender for a mail in "
            "HTML or plain text."
        )
    return found


def _is_empty(part: Part) -> bool:
    return part.start == part.end and not part.filename and part.disposition != "attachment"


def _attachment(part: Part, number: int) -> Attachment:
    encoded = part.body
    octets, _ = part.octets(len(encoded))
    name = part.filename
    media_type = told_type(octets, name, part.media_type)
    content_id = part.headers.get("content-id").strip().strip("<>")
    inline = media_type.startswith("image/") and part.disposition != "attachment"
    return Attachment(
        name=safe_name(name) or _made_up_name(part, media_type, number),
        media_type=media_type,
        declared_type=part.media_type,
        size=len(octets),
        digest=sha256(encoded).hexdigest(),
        encoded=encoded,
        encoding=part.encoding,
        inline_id=one_line(content_id, 250) if inline else "",
    )


def safe_name(name: str) -> str:
    """Return the name of a file without path, control, bidi or reserved characters, at most 120 long, or ''.

    What comes after the last dot is kept where the name is cut, since people go by it.
    """
    plain = decoded_words(name[:2_000])
    last = plain.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    clean = one_line(_UNSAFE.sub("_", last), 1_000).strip(". ")
    if len(clean) <= NAME_LIMIT:
        return clean
    ending = PurePosixPath(clean).suffix[:12]
    return clean[: NAME_LIMIT - len(ending) - 1].rstrip() + "…" + ending


def _made_up_name(part: Part, media_type: str, number: int) -> str:
    if part.media_type == "message/rfc822":
        inner, _ = split_header(part.content, part.start, part.end)
        return f"{safe_name(inner.text('subject')[:80]) or 'message'}.eml"
    return f"attachment-{number}{_ENDINGS.get(media_type, '')}"


def told_type(octets: bytes, name: str, declared: str) -> str:
    """Return the media type that the content shows; the name and the mail's word only where the content allows both."""
    if declared == "message/rfc822":
        return declared
    for start, media_type in _EXACT:
        if octets.startswith(start):
            return media_type
    ending = PurePosixPath(name[-40:].lower()).suffix
    if octets.startswith(b"PK\x03\x04"):
        return _OFFICE.get(ending, "application/zip")
    if octets.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _OLD_OFFICE.get(ending, "application/x-ole-storage")
    if _is_text(octets[:_HEAD]):
        return _text_type(octets[:1_000], declared)
    return _by_magic(octets)


def _by_magic(octets: bytes) -> str:
    if not octets:
        return _UNKNOWN
    try:
        guesses = puremagic.magic_string(octets[:_HEAD] + octets[_HEAD:][-_FOOT:])
    except puremagic.PureError:
        return _UNKNOWN
    for guess in guesses:
        if guess.confidence >= _SURE and _MEDIA_TYPE.fullmatch(guess.mime_type or ""):
            return str(guess.mime_type)
    return _UNKNOWN


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and len(head) > 3
    return head.translate(None, bytes(range(32, 256)) + b"\t\r\n\f\x1b") == b""


def _text_type(head: bytes, declared: str) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "text/html"
    if start.startswith(b"begin:vcalendar"):
        return "text/calendar"
    if start.startswith(b"begin:vcard"):
        return "text/vcard"
    if start.startswith(b"{\\rtf"):
        return "application/rtf"
    if b"<svg" in start:
        return "image/svg+xml"
    return declared if declared in _TEXT_TYPES else "text/plain"
