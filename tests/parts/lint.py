"""Every mail that any test sends is looked at here, and a bad one fails the test that sent it.

A rule is a function that yields what it finds wrong, in sentences. `tests/house/test_mail_lint.py` plants a fault for
each. The tests' mail servers call `check` for what they accept.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.utils import getaddresses, parsedate_to_datetime
from urllib.parse import urlsplit

import idna
from itsdangerous import URLSafeSerializer

from tests.parts.opened import Opened

INSTITUTE = "info@tpminstitute.org"
POSTAL_ADDRESS = "1 Example Street, Philadelphia, PA 19100"
"""What the tests' settings say; every mail to a visitor has to show it."""

LARGEST = 100_000
VISITORS = {"acknowledgement", "follow_up", "test", "comment_answer", "publication", "own_data"}
LEAVES = {"follow_up", "comment_answer"}
"""Mails that their reader ends with one click."""

OWN_PAGE = re.compile(r"https?://[^\s<>]+/me(/[\w.~-]+)?")
"""Where a visitor sees what is held about them, or asks for the way there."""

OWN_PEOPLE = "It goes to the institute’s own people only."
ONCE = ["From", "To", "Subject", "Date", "Message-ID", "X-TPM-Reference", "MIME-Version", "Content-Type"]
ONCE += ["Content-Language"]
AT_MOST_ONCE = ["Reply-To", "Auto-Submitted", "Feedback-ID", "List-Unsubscribe", "List-Unsubscribe-Post"]
AT_MOST_ONCE += ["DKIM-Signature", "In-Reply-To", "References"]
MUST_BE_SIGNED = {"from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"}
MUST_BE_SIGNED |= {"auto-submitted", "feedback-id", "list-unsubscribe", "list-unsubscribe-post"}
MUST_BE_SIGNED |= {"in-reply-to", "references"}
QUOTING = {"notice", "reply"}
"""Mails that show what somebody else wrote, word for word."""

HOSTS = {"institute.test", "127.0.0.1", "localhost", "tpminstitute.org", "www.tpminstitute.org"}
RESERVED = (".test", ".example", "example.org", "example.com", "example.net")
"""Where a letter of the tests' own may lead (RFC 2606)."""

FORBIDDEN_TAGS = {"script", "img", "image", "form", "input", "button", "textarea", "select", "iframe", "frame"}
FORBIDDEN_TAGS |= {"object", "embed", "applet", "audio", "video", "source", "link", "base", "svg", "math", "picture"}
LOADING = {"src", "srcset", "background", "poster", "data", "action", "formaction", "xlink:href", "ping", "lowsrc"}

KEYS: dict[str, str] = {}
"""The DNS of the tests: what the TXT record of a DKIM key says, by its name without a dot at the end."""

_seen: dict[str, str] = {}
_typed: list[str] = []


class BadMail(AssertionError):
    """A mail that must not leave the house; the text says everything that is wrong with it."""


def check(content: bytes, recipients: Sequence[str] = ()) -> None:
    """Raise `BadMail` with everything that is wrong with a mail; `recipients` are those of its envelope."""
    found = faults(content, recipients)
    if found:
        head = content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        raise BadMail("A mail breaks the rules of tests/parts/lint.py:\n- " + "\n- ".join(found) + f"\n\n{head}")


def faults(content: bytes, recipients: Sequence[str] = ()) -> list[str]:
    """Return what is wrong with a mail, in sentences; nothing for a good one."""
    mail = Opened(content, tuple(recipients))
    return [sentence for rule in RULES for sentence in rule(mail)]


def remember(*typed: str) -> None:
    """Note what a visitor typed: it must not come back in a mail to anybody but the institute."""
    _typed.extend(text for text in typed if len(text) >= 10)
    del _typed[:-100]


def kind_of(mail: Opened) -> str:
    """Return which of our mails it is; '' where it does not say."""
    if mail.address("To") == INSTITUTE:
        return "notice"
    if mail.subject.startswith("[Test] "):
        return "test"
    if OWN_PEOPLE in " ".join(mail.text.split()):
        return "staff"
    if not mail.header("Auto-Submitted") and not mail.header("Feedback-ID"):
        return "reply"
    return mail.header("Feedback-ID").partition(":")[0]


# --- the bytes ---------------------------------------------------------------------------------------------


def lines(mail: Opened) -> Iterator[str]:
    if re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content):
        yield "A line ends in something else than CRLF."
    if b"\0" in mail.content:
        yield "There is a NUL in it."
    if max(map(len, mail.content.split(b"\r\n"))) > 998:
        yield "A line is longer than 998 octets."
    for line in mail.head.split(b"\r\n"):
        if len(line) > 78 and max(map(len, line.split())) <= 60:
            yield f"A header line of {len(line)} octets could have been folded: {line[:40]!r}"
    if not mail.content.partition(b"\r\n\r\n")[2].isascii():
        yield "The body has octets over 127, which not every server keeps."


def size(mail: Opened) -> Iterator[str]:
    if len(mail.content) >= LARGEST:
        yield f"It has {len(mail.content):,} octets; webmail cuts it off."


# --- headers -----------------------------------------------------------------------------------------------


def header_names(mail: Opened) -> Iterator[str]:
    names = [name.lower() for name, _ in mail.headers]
    for name in ONCE:
        if (times := names.count(name.lower())) != 1:
            yield f"It has the header {name} {times} times, not once."
    for name in AT_MOST_ONCE:
        if names.count(name.lower()) > 1:
            yield f"It has the header {name} more than once."
    known = {name.lower() for name in (*ONCE, *AT_MOST_ONCE)}
    yield from (f"Nobody expects the header {name}." for name in names if name not in known)


def header_values(mail: Opened) -> Iterator[str]:
    for name, value in mail.headers:
        if not value.strip():
            yield f"The header {name} is empty."
        if not value.isascii() and name not in ("From", "To", "Reply-To"):
            yield f"The header {name} has octets over 127."
        if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", value):
            yield f"The header {name} has a control character."
        for word in re.findall(r"\S*=\?\S*", value) if name != "DKIM-Signature" else ():
            if not re.fullmatch(r"=\?utf-8\?(b\?[A-Za-z0-9+/]+={0,2}|q\?[!->@-~]+)\?=", word) or len(word) > 75:
                yield f"The header {name} has a malformed encoded word: {word}"
                continue
            try:
                str(make_header(decode_header(word)))
            except (ValueError, LookupError):
                yield f"The header {name} has an encoded word that can't be read: {word}"


def addresses(mail: Opened) -> Iterator[str]:
    for name in ("From", "To", "Reply-To"):
        for value in [value for header, value in mail.headers if header == name]:
            found = getaddresses([value])
            address = found[0][1] if len(found) == 1 else ""
            local, _, domain = address.rpartition("@")
            if not local or not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f.:IPv]+\]", domain):
                yield f"The header {name} is not one address with its domain in ASCII: {value}"
            elif not value.isascii() and local.isascii():
                yield f"The header {name} needs SMTPUTF8 and has no address that does."
    if mail.recipients and [_ascii(to) for to in mail.recipients] != [_ascii(mail.address("To"))]:
        yield f"The envelope goes to {', '.join(mail.recipients)}, the mail says {mail.address('To')}."


def identity(mail: Opened) -> Iterator[str]:
    message_id = mail.header("Message-ID")
    match = re.fullmatch(r"<([0-9a-f]{32})@([a-z0-9.-]+)>", message_id)
    if match is None or match[2] != mail.address("From").rpartition("@")[2]:
        yield f"The Message-ID {message_id} is not one of our own domain."
    elif mail.header("X-TPM-Reference") != match[1]:
        yield "X-TPM-Reference does not repeat the left part of the Message-ID."
    without_signature = re.sub(rb"(?is)\ADKIM-Signature:.*?\r\n(?![ \t])", b"", mail.content)
    digest = hashlib.sha256(without_signature).hexdigest()
    if _seen.setdefault(message_id, digest) != digest:
        yield f"Another mail had the Message-ID {message_id}."


def thread(mail: Opened) -> Iterator[str]:
    """A mail that answers another names it, last among the References (RFC 5322, 3.6.4)."""
    answered, references = mail.header("In-Reply-To"), mail.header("References").split()
    if not answered and not references:
        return
    if not re.fullmatch(r"<[^\s<>]+>", answered) or references[-1:] != [answered]:
        yield f"In-Reply-To and References do not fit: {answered}, {' '.join(references)}"
    if not all(re.fullmatch(r"<[^\s<>]+>", reference) for reference in references):
        yield f"References holds something else than Message-IDs: {' '.join(references)}"


def date(mail: Opened) -> Iterator[str]:
    try:
        written: datetime | None = parsedate_to_datetime(mail.header("Date"))
    except ValueError:
        written = None
    if written is None or written.tzinfo is None:
        yield f"The date can't be read or has no zone: {mail.header('Date')}"
    elif not -timedelta(minutes=5) < datetime.now(UTC) - written < timedelta(days=40):
        yield f"The date is not near: {mail.header('Date')}"


def purpose(mail: Opened) -> Iterator[str]:
    """Auto-Submitted, Feedback-ID and how to unsubscribe, each where it belongs."""
    kind = kind_of(mail)
    automatic = {"acknowledgement": "auto-replied", "follow_up": "auto-generated", "notice": "auto-generated"}
    automatic |= dict.fromkeys(("staff", "comment_answer", "publication", "own_data"), "auto-generated")
    if kind in automatic and mail.header("Auto-Submitted") != automatic[kind]:
        yield f"Auto-Submitted should be {automatic[kind]} here, and is “{mail.header('Auto-Submitted')}”."
    feedback = mail.header("Feedback-ID").split(":")
    if kind in VISITORS - {"test"}:
        if len(feedback) != 4 or len(set(feedback)) != 4 or not 5 <= len(feedback[-1]) <= 15:
            yield f"The Feedback-ID is not three fields and a sender id: {':'.join(feedback)}"
    elif kind not in ("notice", "test", "reply", "staff") or feedback != [""]:
        yield f"The Feedback-ID does not say which mail this is: “{':'.join(feedback)}”."
    target = mail.header("List-Unsubscribe")
    if (kind in LEAVES) != bool(target):
        yield "List-Unsubscribe belongs on follow-ups and word of answers, on all of them and nowhere else."
    if bool(target) != (mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"):
        yield "List-Unsubscribe-Post has to say List-Unsubscribe=One-Click, beside List-Unsubscribe only."
    address = target[1:-1]
    if target and (target != f"<{address}>" or not re.fullmatch(r"https?://[^\s<>,]+/unsubscribe/[\w.~-]+", address)):
        yield f"List-Unsubscribe is not one web address in angle brackets: {target}"
    elif target and not (address in mail.text and address in mail.page.links):
        yield "The reader does not see the address that List-Unsubscribe names."


# --- the body ----------------------------------------------------------------------------------------------


def structure(mail: Opened) -> Iterator[str]:
    if mail.message.get_content_type() != "multipart/alternative":
        yield f"It is {mail.message.get_content_type()}, not multipart/alternative."
    parts = [part.get_content_type() for part in mail.parts]
    if parts != ["text/plain", "text/html"]:
        yield f"Its parts are {parts}, not text and then HTML."
    for part in mail.parts:
        if part.get_content_charset() != "utf-8":
            yield f"The charset of {part.get_content_type()} is {part.get_content_charset()}."
        if part["Content-Transfer-Encoding"] not in ("7bit", "quoted-printable", "base64"):
            yield f"The encoding of {part.get_content_type()} is {part['Content-Transfer-Encoding']}."
    yield from (f"The MIME structure has a defect: {type(defect).__name__}." for defect in mail.defects)


def _where_it_leads(link: str) -> str:
    """Return where a link of ours that is counted leads in the end, or the link itself."""
    token = urlsplit(link).path.partition("/go/")[2]
    return str(URLSafeSerializer("").loads_unsafe(token)[1][2]) if token else link


def links(mail: Opened) -> Iterator[str]:
    for link in mail.page.links:
        parts = urlsplit(link)
        host = parts.hostname or ""
        if parts.scheme in ("mailto", "tel"):
            continue
        if parts.scheme not in ("http", "https") or not (host in HOSTS or host.endswith(RESERVED)):
            yield f"A link leads to {link}."
    in_html = {_where_it_leads(link) for link in mail.page.links if link.startswith("http")}
    in_text = {link.rstrip(".,;:!?)") for link in re.findall(r"https?://[^\s<>\"]+", mail.text)}
    if in_html - in_text or (kind_of(mail) not in QUOTING and in_html != in_text):
        yield f"Text and HTML do not have the same links: {sorted(in_html ^ in_text)}"


def markup(mail: Opened) -> Iterator[str]:
    page = mail.page
    yield from (f"The HTML has <{tag}>." for tag in sorted(set(page.tags) & FORBIDDEN_TAGS))
    for tag, name, value in page.attributes:
        if name in LOADING or name.startswith("on"):
            yield f"The HTML has {name} on <{tag}>."
        if tag == "meta" and name == "http-equiv":
            yield "The HTML has <meta http-equiv>."
        if name == "style" and _loads(value):
            yield f"The style of a <{tag}> loads something."
    if _loads(page.styles):
        yield "The style sheet loads something."
    if not page.language or page.language != mail.header("Content-Language"):
        yield f"The HTML is in “{page.language}”, the mail in “{mail.header('Content-Language')}”."
    if not page.preheader.strip():
        yield "The HTML has no preheader."
    if "prefers-color-scheme: dark" not in page.styles:
        yield "The HTML knows no dark mode."


def words(mail: Opened) -> Iterator[str]:
    if not mail.text.strip() or not mail.page.text.strip():
        yield "One of the two forms is empty."
    if (kind_of(mail) != "reply" and re.search(r"\{[a-z_]+\}|\{\{|\}\}", mail.subject)) or (
        kind_of(mail) not in QUOTING and re.search(r"\{[a-z_]+\}", f"{mail.text}{mail.page.text}")
    ):
        yield "A variable was left in it."
    if kind_of(mail) not in VISITORS:
        return
    for form, text in (("text", " ".join(mail.text.split())), ("HTML", " ".join(mail.page.text.split()))):
        if "You get this because" not in text:
            yield f"The {form} does not say why the reader gets it."
        if POSTAL_ADDRESS not in text:
            yield f"The {form} does not show the postal address."
        yield from (f"The {form} repeats what a visitor typed: {typed[:60]}" for typed in _typed if typed in text)
    yield from (f"The subject repeats what a visitor typed: {typed[:60]}" for typed in _typed if typed in mail.subject)


def own_page(mail: Opened) -> Iterator[str]:
    """Every mail to a visitor says where they see what is held about them."""
    if kind_of(mail) not in VISITORS | {"reply"}:
        return
    if not any(OWN_PAGE.fullmatch(link) for link in mail.page.links):
        yield "The HTML has no link to what is held about the reader."
    if not re.search(rf"^What we hold about you: {OWN_PAGE.pattern}$", mail.text, re.MULTILINE):
        yield "The text has no link to what is held about the reader."


# --- the signature -----------------------------------------------------------------------------------------


def signature(mail: Opened) -> Iterator[str]:
    value = mail.header("DKIM-Signature")
    if not value:
        return
    import dkim

    tags = dict(part.strip().partition("=")[::2] for part in "".join(value.split()).split(";"))
    if tags.get("d") != mail.address("From").rpartition("@")[2]:
        yield f"The signature is of {tags.get('d')}, which is not the domain of From."
    signed = tags.get("h", "").lower().split(":")
    there = {name.lower() for name, _ in mail.headers}
    yield from (f"The header {name} is not signed." for name in sorted((MUST_BE_SIGNED & there) - set(signed)))
    if signed.count("from") < 2:
        yield "From is not oversigned: a second one could be added."
    if not dkim.verify(mail.content, dnsfunc=_dns):
        yield "The DKIM signature does not verify."


def _dns(name: bytes, timeout: float = 5) -> bytes | None:
    record = KEYS.get(name.decode().rstrip("."))
    return None if record is None else record.encode()


def _loads(style: str) -> bool:
    return bool(re.search(r"url\s*\(|@import|@font-face|image\s*\(|expression\s*\(", style, re.IGNORECASE))


def _ascii(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}".lower()


RULES: Sequence[Callable[[Opened], Iterator[str]]] = (
    *(lines, size, header_names, header_values, addresses, identity, thread, date, purpose),
    *(structure, links, markup, words, own_page, signature),
)
