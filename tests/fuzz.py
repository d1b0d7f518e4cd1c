"""`python -m tests.fuzz --minutes 5`: break mails of the corpus at random, read them, and count what goes wrong.

Ends with 1 when a mail couldn't be read, was read into something that can't be stored, or took long. A failing mail is
kept as `fuzz-<seed>.eml` in the working directory.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.corpus import OURS, samples
from tpminstitute.core import clock
from tpminstitute.mail.incoming.attachments import ATTACHMENTS_LIMIT, NAME_LIMIT
from tpminstitute.mail.incoming.model import ReadMail, ReceivedKind
from tpminstitute.mail.incoming.read import UNREADABLE, read_mail

SECONDS = 2.0
"""What a broken mail of a few kilobytes may take of one processor, on a busy machine."""

_PIECES = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"--",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"=?utf-8?q?=00?=",
    b"=?utf-8?b?",
    b"?=",
    b"<!--",
    b"-->",
    b"<style",
    b"<blockquote>",
    b"<div hidden>",
    b"&#xD800;",
    b"&#99999999999999;",
    b"<" * 300,
    b">" * 300,
    b'"' * 99,
    b"(" * 99,
    b"\\" * 99,
    b"a" * 5000,
    b"@" * 500,
    b": " * 300,
    b"=" * 500,
    b"- " * 500,
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b"Content-Type: text/html; charset=utf-7\r\n",
    b"\r\n--x\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"filename*0*=x''%",
    b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n",
    b"On 1 Jan 2025 <a@b> wrote:\r\n",
    b"\xe2\x80\xae",
    b"\xf3\xa0\x80\x81",
    b"charset=utf-16",
    b"charset=iso-2022-jp",
    b"charset=unicode_escape",
    b"charset=idna",
    b"2025-02-31",
    b"until 31.02.",
)


def mutated(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return `content` broken in one to six places: bytes flipped, cut, doubled, moved, or mixed with another mail."""
    mail = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at, to = sorted((chance.randint(0, len(mail)), chance.randint(0, len(mail))))
        to = min(to, at + chance.choice((1, 20, 400, len(mail))))
        match chance.randint(0, 7):
            case 0:
                mail[at : at + 1] = bytes([chance.randint(0, 255)])
            case 1:
                del mail[at:to]
            case 2:
                mail[at:at] = mail[at:to] * chance.randint(1, 4)
            case 3 | 4:
                mail[at:at] = chance.choice(_PIECES)
            case 5:
                mail[at:to] = chance.choice(_PIECES) * chance.randint(1, 5)
            case 6:
                other = chance.choice(others)
                mail[at:to] = other[chance.randint(0, len(other)) :][: chance.choice((30, 600, 9000))]
            case _:
                mail[at:to] = bytes(chance.randint(0, 255) for _ in range(min(to - at, 200)))
        del mail[200_000:]
    return bytes(mail)


def faults(content: bytes) -> list[str]:
    """Read a mail and return what is wrong with what was read; the mail itself may be as wrong as it likes."""
    began = time.process_time()
    mail = read_mail(content, ours=OURS)
    took = time.process_time() - began
    found = [] if took < SECONDS else [f"it took {took:.1f} s"]
    if UNREADABLE in mail.problems:
        found.append("reading it failed")
    if "\n".join(passage.text for passage in mail.passages) != mail.text:
        found.append("the passages aren't the text")
    if mail.answerable and (mail.kind is not ReceivedKind.PERSON or not mail.sender.email):
        found.append("something automatic may answer it")
    if len(mail.attachments) > ATTACHMENTS_LIMIT or any(not _is_safe(file.name) for file in mail.attachments):
        found.append("an attachment is one too many or has an unsafe name")
    if mail.sent_at is not None and not 1995 <= mail.sent_at.year <= clock.now().year + 1:
        found.append("its date can't be")
    return found + [f"“{text[:40]!r}” can't be stored" for text in _texts(mail) if not _is_storable(text)]


def _texts(mail: ReadMail) -> list[str]:
    said = [mail.message_id, mail.sender.name, mail.sender.email, mail.reply_to, mail.subject, mail.text, mail.html]
    said += [*mail.recipients, *mail.refers_to, *mail.references, *mail.problems]
    for file in mail.attachments:
        said += [file.name, file.media_type, file.declared_type, file.encoding, file.inline_id]
    if mail.bounce:
        said += [mail.bounce.recipient, mail.bounce.reason, mail.bounce.status]
    return said + ([mail.complaint.recipient] if mail.complaint else [])


def _is_storable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _is_safe(name: str) -> bool:
    return 0 < len(name) <= NAME_LIMIT and not set(name) & set("/\\\0\r\n\u202e\u2066") and name.strip(".") != ""


def main() -> int:
    """Break and read mails for so many minutes; print how many, and each that went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    mails = [sample.content for sample in samples()]
    until = time.monotonic() + chosen.minutes * 60
    read, wrong, slowest = 0, 0, 0.0
    while time.monotonic() < until:
        seed = chosen.seed + read
        chance = random.Random(seed)
        content = mutated(chance.choice(mails), mails, chance)
        began = time.process_time()
        if found := faults(content):
            wrong += 1
            Path(f"fuzz-{seed}.eml").write_bytes(content)
            print(f"{seed}: {'; '.join(found)}", flush=True)
        slowest = max(slowest, time.process_time() - began)
        read += 1
    print(f"{read:,} broken mails read, {wrong} went wrong, the slowest took {slowest * 1000:.0f} ms")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
