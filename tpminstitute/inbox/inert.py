"""A mail's own HTML made inert: nothing in it runs, asks another place for anything, or can be filled in."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

import nh3
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.inbox.contents import attachment_content, content_of
from tpminstitute.inbox.files import PICTURES
from tpminstitute.inbox.models import ReceivedAttachment, ReceivedMail
from tpminstitute.mail.incoming.read import read_mail

LARGEST_PICTURES = 8 * 1024 * 1024
"""Octets of all pictures inside one mail that are shown with it."""

LARGEST_HTML = 2_000_000
"""Characters of a mail's HTML that are shown."""

_TAGS = frozenset(
    (
        "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center",
        "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption",
        "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li",
        "main", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strike",
        "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u",
        "ul", "var", "wbr",
    )
)  # fmt: skip
_WITHOUT_THEIR_CONTENT = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math"}
_ATTRIBUTES = {
    "*": {"align", "bgcolor", "border", "color", "dir", "height", "lang", "style", "title", "valign", "width"},
    "a": {"href"},
    "font": {"face", "size"},
    "img": {"alt", "src"},
    "li": {"value"},
    "ol": {"start", "type"},
    "table": {"cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left", "border-radius",
    "border-right", "border-spacing", "border-style", "border-top", "border-width", "color", "direction", "font-family",
    "font-size", "font-style", "font-variant", "font-weight", "height", "letter-spacing", "line-height", "margin",
    "margin-bottom", "margin-left", "margin-right", "margin-top", "max-width", "min-width", "padding",
    "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align", "text-decoration", "text-indent",
    "text-transform", "vertical-align", "white-space", "width", "word-break", "word-spacing",
}  # fmt: skip
"""What a style may set: how words look. Nothing that hides, moves over other words, or names an address."""

_FUNCTION = re.compile(r"([\w-]*)\s*\(")
_FUNCTIONS = frozenset(("rgb", "rgba", "hsl", "hsla", "calc"))

_SHEET = Markup(
    '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>A mail</title>\n<base target="_blank">\n'
    "<style>html{{background:#fff;color:#1d2126;color-scheme:light;font:15px/1.5 system-ui,sans-serif}}"
    "body{{margin:12px;overflow-wrap:anywhere}}img{{max-width:100%}}</style>\n</head>\n<body>\n{}\n</body>\n</html>\n"
)


@dataclass(frozen=True)
class InertHtml:
    """A mail's HTML as a page of its own, and how many pictures from elsewhere were left out of it."""

    page: str
    blocked: int


def inert_html(session: Session, mail: ReceivedMail) -> InertHtml | None:
    """Return a received mail's own HTML made inert, with the pictures that it carries, or None when it has none."""
    html = read_mail(content_of(session, mail)).html
    if not html.strip():
        return None
    return sanitised(html, _pictures(session, mail))


def sanitised(html: str, pictures: Mapping[str, str]) -> InertHtml:
    """Return `html` without anything that acts; `pictures` are data addresses by the Content-IDs that it shows."""
    blocked = 0

    def keep(tag: str, name: str, value: str) -> str | None:
        nonlocal blocked
        if name == "href":
            return value if value.lower().lstrip().startswith(("http:", "https:", "mailto:")) else None
        if name == "style":
            return ";".join(part for part in value.split(";") if _is_plain(part))
        if name != "src":
            return value
        if value.lower().startswith("cid:"):
            return pictures.get(value[4:].strip("<>").lower())
        if any(value.startswith(f"data:{kind};base64,") for kind in PICTURES):
            return value
        blocked += 1
        return None

    body = nh3.clean(
        html[:LARGEST_HTML],
        tags=set(_TAGS),
        clean_content_tags=_WITHOUT_THEIR_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "cid", "data"},
        filter_style_properties=_STYLES,
    )
    return InertHtml(str(_SHEET.format(Markup(body))), blocked)


def _is_plain(declaration: str) -> bool:
    """Return whether a style's declaration calls nothing but what names a colour or a length."""
    return "\\" not in declaration and all(word.lower() in _FUNCTIONS for word in _FUNCTION.findall(declaration))


def _pictures(session: Session, mail: ReceivedMail) -> dict[str, str]:
    files = session.scalars(
        select(ReceivedAttachment)
        .where(
            ReceivedAttachment.mail_id == mail.id,
            ReceivedAttachment.inline_id != "",
            ReceivedAttachment.media_type.in_(PICTURES),
        )
        .order_by(ReceivedAttachment.position)
    )
    found: dict[str, str] = {}
    room = LARGEST_PICTURES
    for file in files:
        if file.size > room:
            continue
        room -= file.size
        octets = base64.b64encode(attachment_content(session, file)).decode("ascii")
        found[file.inline_id.lower()] = f"data:{file.media_type};base64,{octets}"
    return found
