"""Letters: a Markdown source with a few variables becomes one mail's subject, text and HTML.

A value is put in after the Markdown has been read, as text into text. So it can't open a link, a tag or
another variable, whatever it holds; and a source can't run code: a variable is a word in braces, no more.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.mail.plaintext import plain_text, wrapped

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "email"

SUBJECT_LIMIT = 150
PREHEADER_LIMIT = 200
VALUE_LIMIT = 2_000
SIZE_LIMIT = 95_000
"""Characters are given for the limits above, octets for this one, text and HTML together as `weight` tells them.

Webmail cuts a mail off at 102 kB; what is missing to 100 is the room of the headers and of a signature.
"""

_VARIABLE = re.compile(r"\{([a-z]+(?:_[a-z0-9]+)*)\}")
_SCHEMES = {"http", "https", "mailto", "tel"}
_UNREAD = ["code", "fence", "backticks", "image", "html_block", "html_inline", "reference"]
_STYLES = {
    "p": "margin:0 0 16px",
    "h1": "margin:24px 0 12px;font-size:20px;line-height:1.3;font-weight:600",
    "h2": "margin:24px 0 12px;font-size:18px;line-height:1.3;font-weight:600",
    "h3": "margin:24px 0 12px;font-size:17px;line-height:1.3;font-weight:600",
    "ul": "margin:0 0 16px;padding:0 0 0 24px",
    "ol": "margin:0 0 16px;padding:0 0 0 24px",
    "li": "margin:0 0 8px",
    "blockquote": "margin:0 0 16px;padding:0 0 0 16px;border-left:2px solid #0f5c4d",
    "hr": "margin:24px 0;border:0;border-top:1px solid #e2dfd8",
    "a": "color:#0f5c4d",
}


class LetterError(Refusal):
    """A letter can't be made from its source; the sentence says why and how to mend it."""


@dataclass(frozen=True)
class LetterSource:
    """What staff write: subject and preheader on one line each, the body in Markdown, with {variables}."""

    subject: str
    preheader: str
    body: str


@dataclass(frozen=True)
class Frame:
    """What stands around every letter: who signs and sends it, why the reader gets it, and how to end that.

    `own_url` is where the reader sees what is held about them; '' in mails to the institute's own people.
    """

    institute_name: str
    institute_email: str
    postal_address: str
    reason: str
    language: str = "en"
    unsubscribe_url: str | None = None
    signature: str = ""
    own_url: str = ""


@dataclass(frozen=True)
class Letter:
    """A mail's content, ready to be composed: no variable is left in it."""

    subject: str
    preheader: str
    text: str
    html: str
    language: str = "en"


def render(source: LetterSource, variables: Mapping[str, str], frame: Frame) -> Letter:
    """Make the letter of `source` for one reader.

    Parameters: `variables`, the text for each variable of the source (more are allowed, and not used);
    `frame`, what stands around it.
    Returns the letter, with a plain text and an HTML form of the same words.
    Raises `LetterError` for a variable that is unknown or has an empty value, a stray brace, a link that is
    no web, mail or telephone address, or a mail over `SIZE_LIMIT` octets.
    """
    variables_in(source)
    values = {name: one_line(value, VALUE_LIMIT) for name, value in variables.items()}
    subject = one_line(filled(source.subject, values), SUBJECT_LIMIT)
    preheader = one_line(filled(source.preheader, values), PREHEADER_LIMIT)
    body, words = _filled_body(source.body, values)
    sheet = environment().get_template("letter.html")
    html = sheet.render(subject=subject, preheader=preheader, frame=frame, body=body)
    text = _text(words, frame)
    if weight(text, html) > SIZE_LIMIT:
        raise LetterError(f"The letter is longer than {SIZE_LIMIT // 1000} kB. Shorten its body.")
    return Letter(subject, preheader, text, html, frame.language)


def weight(*parts: str) -> int:
    """Return how many octets `parts` take in a mail at most: with CRLF, as base64 in lines of 76."""
    return sum(-(-(len(part.encode()) + part.count("\n")) // 57) * 78 for part in parts)


@lru_cache(maxsize=64)
def variables_in(source: LetterSource) -> frozenset[str]:
    """Return the names of the variables that `source` uses.

    Raises `LetterError` for a brace that belongs to no variable.
    """
    parts = {"subject": source.subject, "preheader": source.preheader, "body": source.body}
    for part, text in parts.items():
        rest = _VARIABLE.sub("", text)
        stray = re.search(r"[{}]", rest)
        if stray:
            near = one_line(rest[max(stray.start() - 20, 0) : stray.end() + 20], 50)
            raise LetterError(
                f"The {part} has a brace that belongs to no variable, near “{near}”. "
                "Write a variable as {first_name}, in small letters, or take the brace out."
            )
    return frozenset(_VARIABLE.findall("\n".join(parts.values())))


def letter_sources(folder: Path = TEMPLATES) -> dict[str, LetterSource]:
    """Return every letter in `folder`, read once: files such as follow-up-skills.md, by name without the ending.

    A file begins with a line ---, then "subject: …" and "preheader: …", then a line --- and the body.
    Raises `LetterError` with a sentence that names the file which is broken.
    """
    return dict(_sources(folder))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the mails' own template environment: HTML escaped, a missing value an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


@lru_cache(maxsize=8)
def _sources(folder: Path) -> Mapping[str, LetterSource]:
    sources = {path.stem: _read(path) for path in sorted(folder.glob("*.md"))}
    if not sources:
        raise LetterError(f"There are no letters in {folder}. Put the templates/email folder back.")
    return sources


def filled(text: str, values: Mapping[str, str], change: Callable[[str], str] = str) -> str:
    """Return `text` with its variables put in, each as `change` writes it.

    Raises `LetterError` for a variable that is unknown, or empty for this reader.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            raise LetterError(f"The letter uses {{{name}}}, and there is no such variable.")
        if not values[name]:
            raise LetterError(f"The letter uses {{{name}}}, and it is empty for this reader.")
        return change(values[name])

    return _VARIABLE.sub(value, text)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).disable(_UNREAD)
    # A link's address is checked and escaped in _address, after its variables are filled in.
    markdown.normalizeLink = lambda url: url  # type: ignore[method-assign]
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


@lru_cache(maxsize=64)
def _blocks(body: str) -> tuple[tuple[tuple[Token, ...], frozenset[str]], ...]:
    """Return the paragraphs, lists and so on that stand by themselves, each with the variables in it."""
    blocks, depth = [], 0
    block: list[Token] = []
    for token in _markdown().parse(body):
        block.append(token)
        depth += token.nesting
        if not depth:
            blocks.append((tuple(block), frozenset(_names(block))))
            block = []
    return tuple(blocks)


def _names(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        yield from _VARIABLE.findall(f"{token.content} {token.attrs.get('href', '')}")
        yield from _names(token.children or ())


def _filled_body(body: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the body's HTML and its text, made anew only where they say something else to this reader."""
    made = [
        _made(body, at, tuple((name, values[name]) for name in sorted(names) if name in values))
        for at, (_, names) in enumerate(_blocks(body))
    ]
    return "".join(html for html, _ in made), "\n\n".join(words for _, words in made if words)


@lru_cache(maxsize=1024)
def _made(body: str, at: int, values: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    tokens = [_with_values(token, dict(values)) for token in _blocks(body)[at][0]]
    return str(_markdown().renderer.render(tokens, _markdown().options, {})), plain_text(tokens)


def _with_values(token: Token, values: Mapping[str, str]) -> Token:
    """Return a copy of `token` with its variables filled in and its style written out."""
    attrs: dict[str, str | int | float] = {}
    if token.type == "link_open":
        attrs["href"] = _address(str(token.attrs.get("href", "")), values)
    elif "start" in token.attrs:
        attrs["start"] = token.attrs["start"]
    if token.nesting >= 0 and token.tag in _STYLES:
        attrs["style"] = _STYLES[token.tag]
    children = None if token.children is None else [_with_values(child, values) for child in token.children]
    content = filled(token.content, values) if token.type == "text" else ""
    return token.copy(attrs=attrs, children=children, content=content)


def _address(href: str, values: Mapping[str, str]) -> str:
    """Return a link's address, filled in: a leading {…_url} as it is, any other variable percent-encoded."""
    base = re.match(r"\{[a-z]+(?:_[a-z0-9]+)*_url\}", href)
    start, rest = (base[0], href[base.end() :]) if base else ("", href)
    address = filled(start, values) + filled(rest, values, lambda value: quote(value, safe=""))
    if _scheme(address) not in _SCHEMES or re.search(r'[\s<>"\\{}]', address):
        raise LetterError(
            f"The link to “{one_line(href, 100)}” leads nowhere safe. Begin it with https://, mailto: or {{guide_url}}."
        )
    return address


def _scheme(address: str) -> str:
    """Return how `address` is reached, or '' where it is no address at all."""
    try:
        return urlsplit(address).scheme
    except ValueError:
        return ""


def _text(body: str, frame: Frame) -> str:
    sheet = environment().get_template("letter.txt")
    return sheet.render(body=body, frame=frame, reason=_wrapped(frame.reason))


@lru_cache(maxsize=64)
def _wrapped(reason: str) -> str:
    return wrapped(one_line(reason, VALUE_LIMIT))


def _read(path: Path) -> LetterSource:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise LetterError(f"{path} can't be read. Put it back, or save it again as UTF-8.") from None
    parts = re.fullmatch(r"---\n(?P<front>.*?)\n---\n(?P<body>.*\S.*)", text, re.DOTALL)
    lines = [line.partition(":") for line in parts["front"].splitlines()] if parts else []
    front = {key.strip(): value.strip() for key, _, value in lines}
    if parts is None or set(front) != {"subject", "preheader"} or not all(front.values()):
        raise LetterError(
            f"{path} does not begin as a letter does. Begin it with ---, a subject: line, a preheader: line and ---."
        )
    source = LetterSource(front["subject"], front["preheader"], parts["body"].strip() + "\n")
    try:
        variables_in(source)
    except LetterError as error:
        raise LetterError(f"{path}: {error}") from None
    return source
