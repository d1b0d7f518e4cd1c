"""What staff write about a course: Markdown that becomes a little HTML, and nothing that could act."""

import html

import nh3
from markdown_it import MarkdownIt

_TAGS = {"p", "a", "em", "strong", "ul", "ol", "li", "br"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"https", "mailto", "tel"}
_MARKDOWN = MarkdownIt("zero").enable(["paragraph", "list", "emphasis", "link", "escape", "newline", "entity"])


def as_html(text: str) -> str:
    """Return Markdown as inert HTML: paragraphs, lists, emphasis, links within the site or by https, mailto and tel."""
    return nh3.clean(
        _MARKDOWN.render(text), tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener"
    ).strip()


def as_plain(text: str) -> str:
    """Return Markdown as one line of plain words, for what is no page."""
    rendered = _MARKDOWN.render(text).replace("</p>", " ").replace("</li>", " ").replace("<br", " <br")
    return " ".join(html.unescape(nh3.clean(rendered, tags=set())).split())
