"""Mails written in a line or two, for the tests that read them."""

from tpminstitute.mail.incoming.model import ReadMail
from tpminstitute.mail.incoming.read import read_mail

ADA = "Ada <ada@example.org>"


def mail_of(body: str | bytes = "Hello", *, content_type: str = "text/plain; charset=utf-8", **headers: str) -> bytes:
    """Return the bytes of a mail from Ada; `headers` by name with underscores, '' to leave one out."""
    fields = {"from": ADA, "to": "info@tpminstitute.org", "subject": "A question", "message_id": "<1@example.org>"}
    fields |= {"date": "Mon, 3 Mar 2025 10:00:00 +0100", "content_type": content_type, **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value)
    octets = body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode()
    return head.encode() + b"\r\n" + octets


def read(body: str | bytes = "Hello", *, content_type: str = "text/plain; charset=utf-8", **headers: str) -> ReadMail:
    """Read such a mail."""
    return read_mail(mail_of(body, content_type=content_type, **headers))


def parts(*bodies: str | bytes, boundary: str = "b1") -> bytes:
    """Return the body of a multipart mail; each of `bodies` begins with its header and an empty line."""
    mark = b"\r\n--" + boundary.encode()
    octets = [body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode() for body in bodies]
    return b"".join(mark + b"\r\n" + body for body in octets) + mark + b"--\r\n"
