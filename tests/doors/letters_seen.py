"""What a queued mail really says: its header lines as bytes, its recipients, its parts."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from tpminstitute.mail.models import Message

HEADERS = {
    *("from", "to", "subject", "date", "message-id", "x-tpm-reference"),
    *("auto-submitted", "mime-version", "content-type", "content-language"),
}
SOME_HAVE = {"reply-to", "feedback-id"}
"""Reply-To is left out for an address that few servers take; a Feedback-ID is for mails to visitors."""


def header_names(message: Message) -> list[str]:
    """The names of a mail's header lines, as a server splits them: at every line end there is."""
    head, _, _ = message.content.partition(b"\r\n\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", head), "a bare line end in the header"
    lines = re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")
    return [line.partition(b":")[0].decode("ascii").lower() for line in lines]


def parsed(message: Message) -> EmailMessage:
    """The mail, parsed."""
    return message_from_bytes(message.content, policy=policy.default)


def part(message: Message, kind: str) -> str:
    """Its text: `plain` or `html`."""
    body = parsed(message).get_body((kind,))
    assert body is not None
    return str(body.get_content())


def expect_only_our_headers(message: Message, recipient: str) -> None:
    """Fail when a stranger's text made a header, a recipient, or a line too long for SMTP."""
    names = header_names(message)
    assert len(names) == len(set(names))
    assert set(names) - SOME_HAVE == HEADERS, names
    assert message.recipient == recipient
    if message.content.partition(b"\r\n\r\n")[0].isascii():
        for header in {"from", "to", "reply-to"} & set(names):
            assert len(parsed(message)[header].addresses) == 1
    assert max(map(len, message.content.split(b"\r\n"))) <= 998
