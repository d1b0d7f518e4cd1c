"""A mail taken apart, for the lint: its raw headers, its two forms, and what stands in the HTML."""

import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from functools import cached_property
from html.parser import HTMLParser


class Page(HTMLParser):
    """What stands in the HTML form of a mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.links: list[str] = []
        self.language = self.text = self.styles = self.preheader = ""
        self._in: list[str] = []
        self._hidden = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note a tag with its attributes."""
        self.tags.append(tag)
        values = {name: value or "" for name, value in attributes}
        self.attributes += [(tag, name, value) for name, value in values.items()]
        if tag == "html":
            self.language = values.get("lang", "")
        if "href" in values:
            self.links.append(values["href"])
        if tag == "div" and "display:none" in values.get("style", ""):
            self._hidden = True
        if tag in ("br", "p", "td", "th", "li"):
            self.text += "\n"
        if tag in ("style", "title"):
            self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave a tag."""
        if tag == "div":
            self._hidden = False
        if self._in and self._in[-1] == tag:
            self._in.pop()

    def handle_data(self, data: str) -> None:
        """Sort a text to where it belongs."""
        if self._in:
            self.styles += data if self._in[-1] == "style" else ""
        elif self._hidden:
            self.preheader += data.replace("\u2007", "").replace("\ufeff", "")
        else:
            self.text += data


class Opened:
    """One mail, as it came over the wire."""

    def __init__(self, content: bytes, recipients: tuple[str, ...]) -> None:
        self.content = content
        self.recipients = recipients
        self.head = content.partition(b"\r\n\r\n")[0]

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """Names and unfolded values, in their order, nothing decoded."""
        fields = re.split(r"\r?\n(?![ \t])", self.head.decode("utf-8", "replace"))
        split = [field.partition(":") for field in fields]
        return [(name, re.sub(r"\r?\n(?=[ \t])", "", value).strip(" ")) for name, _, value in split]

    def header(self, name: str) -> str:
        """Return the first value of a header, or ''."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")

    def address(self, name: str) -> str:
        """Return the first address of a header, or ''."""
        found = getaddresses([self.header(name)])
        return found[0][1] if found else ""

    @cached_property
    def subject(self) -> str:
        """The subject as it is read."""
        try:
            return str(make_header(decode_header(self.header("Subject"))))
        except (ValueError, LookupError):
            return self.header("Subject")

    @cached_property
    def message(self) -> EmailMessage:
        """The mail as the standard library reads it."""
        return BytesParser(policy=email.policy.default).parsebytes(self.content)

    @cached_property
    def parts(self) -> list[EmailMessage]:
        """The parts of a multipart mail."""
        return [part for part in self.message.iter_parts() if isinstance(part, EmailMessage)]

    @cached_property
    def defects(self) -> list[object]:
        """What the standard library finds wrong, contents decoded."""
        _ = self.text, self.page
        return [defect for part in self.message.walk() for defect in part.defects]

    @cached_property
    def text(self) -> str:
        """The plain text, or ''."""
        return self._form("plain")

    @cached_property
    def html(self) -> str:
        """The HTML form, or ''."""
        return self._form("html")

    @cached_property
    def page(self) -> Page:
        """The HTML, which may be empty."""
        return Page(self.html)

    def _form(self, kind: str) -> str:
        for part in self.message.walk():
            if part.get_content_type() == f"text/{kind}":
                try:
                    payload = part.get_payload(decode=True)
                    assert isinstance(payload, bytes)
                    return payload.decode("utf-8").replace("\r\n", "\n")
                except UnicodeDecodeError:
                    return ""
        return ""
