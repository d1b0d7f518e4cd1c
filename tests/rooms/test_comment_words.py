"""What is typed as a comment becomes HTML that can only be read, and no word of it is lost."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpminstitute.comments.words import html_of

ADDRESS = "https://x.example/a_b?c=d"
LINK = f'<a href="{ADDRESS}" rel="nofollow ugc noopener">{ADDRESS}</a>'
LABELLED = f'<p><a href="https://y.example" rel="nofollow ugc noopener">{ADDRESS}</a></p>'
TAGS = {"p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "br"}


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("One\ntwo\n\nthree", "<p>One<br>\ntwo</p>\n<p>three</p>"),
        ("*a* **b** `c`", "<p><em>a</em> <strong>b</strong> <code>c</code></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("```\nx < y\n```", "<pre><code>x &lt; y\n</code></pre>"),
        ("[go](https://x.example)", '<p><a href="https://x.example" rel="nofollow ugc noopener">go</a></p>'),
        ("# no heading", "<p># no heading</p>"),
        ("a\n===\n\n---", "<p>a<br>\n===</p>\n<p>---</p>"),
        ("<b onclick=x>bold</b>", "<p>&lt;b onclick=x&gt;bold&lt;/b&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,hi)", "<p>[x](data:text/html,hi)</p>"),
        ("[x](/staff/mail)", '<p><a rel="nofollow ugc noopener">x</a></p>'),
        ("[x](ftp://x.example)", '<p><a rel="nofollow ugc noopener">x</a></p>'),
        (
            "![x](https://x.example/y.png)",
            '<p>!<a href="https://x.example/y.png" rel="nofollow ugc noopener">x</a></p>',
        ),
        ("a\u202eb", "<p>a⟨U+202E⟩b</p>"),
        (f"See {ADDRESS}, please.", f"<p>See {LINK}, please.</p>"),
        (f"({ADDRESS})\n{ADDRESS}.", f"<p>({LINK})<br>\n{LINK}.</p>"),
        (f"*{ADDRESS}*", f"<p><em>{LINK}</em></p>"),
        (f"<{ADDRESS}>", f"<p>{LINK}</p>"),
        (f"`{ADDRESS}`", f"<p><code>{ADDRESS}</code></p>"),
        (f"[{ADDRESS}](https://y.example)", LABELLED),
        ("x.example, ftp://x.example, javascript://x", "<p>x.example, ftp://x.example, javascript://x</p>"),
        (
            "https://x\u202e.example",
            '<p><a href="https://x" rel="nofollow ugc noopener">https://x</a>⟨U+202E⟩.example</p>',
        ),
        (
            'https://x.example/"onclick=x',
            '<p><a href="https://x.example/" rel="nofollow ugc noopener">https://x.example/</a>"onclick=x</p>',
        ),
    ],
)
def test_a_little_markdown_is_understood_and_nothing_else(typed, html):
    assert html_of(typed) == html


@pytest.mark.parametrize("typed", ["> " * 10 + "deep", "- " * 10 + "deep", ">" * 2400 + "deep", "> - " * 600 + "deep"])
def test_what_is_nested_too_deep_is_shown_as_it_was_typed(typed):
    assert unescape(re.sub("<[^>]+>", "", html_of(typed))) == typed


@given(st.text(alphabet=st.sampled_from("ab<>&\"'*_`>-1.[]()!#\\ \n\t:/@h\u202e"), max_size=400))
def test_whatever_is_typed_nothing_but_these_tags_and_links_comes_out(typed):
    html = html_of(typed)
    assert set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", html)) <= TAGS
    assert set(re.findall(r"[\s\"']([a-z-]+)=\"", re.sub(r">[^<]*<", "><", html))) <= {"href", "rel", "start"}
    assert all(link.startswith(("http://", "https://")) for link in re.findall(r'href="([^"]*)"', html))
