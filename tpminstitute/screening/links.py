"""Web addresses in a text, and what their hosts say."""

import ipaddress
import re
from collections.abc import Iterator, Sequence

import idna

from tpminstitute.screening.folding import plain, to_latin

LONGEST_HOST = 253
"""Characters (RFC 1035, 2.3.4)."""

_LINK = re.compile(r"(?:https?://|\bwww\.)([^\s/?#<>\"'\])}|]+)", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"(?<![@\w.-])((?:[\w-]+\.)+(?:com|net|org|info|biz|ru|xyz|top|click|online|site|shop|store|club|icu|vip|bet|casino|"
    r"pro|io|me|cc|su|ly|live|fun))(?![\w-])",
    re.IGNORECASE,
)
_FRAMEWORKS = frozenset(("asp.net", "ado.net", "vb.net", "socket.io", "draw.io"))
"""What developers name that only looks like an address."""

MARKUP = re.compile(r"\[url|\[link|<a\s+href|\]\(https?:", re.IGNORECASE)

_WELL_KNOWN = frozenset(
    (
        "linkedin.com", "github.com", "gitlab.com", "github.io", "google.com", "youtube.com", "youtu.be",
        "microsoft.com", "atlassian.com", "scaledagile.com", "pmi.org", "scrum.org", "scrumalliance.org",
        "credly.com", "orcid.org", "stackoverflow.com", "medium.com", "notion.site", "indeed.com", "glassdoor.com",
        "xing.com", "amazon.jobs", "dropbox.com", "behance.net", "researchgate.net", "tpminstitute.org",
        "wikipedia.org", "coursera.org",
    )
)  # fmt: skip
"""Where people show who they are and what they made, and what they ask about."""

_SHORTENERS = frozenset(
    (
        "bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "cutt.ly", "rb.gy", "shorturl.at", "t.ly",
        "t.me", "telegram.me", "wa.me", "telegra.ph", "adf.ly", "bit.do", "rebrand.ly", "s.id", "v.gd", "da.gd",
        "clck.ru",
    )
)  # fmt: skip

_CHEAP = frozenset(
    (
        "xyz", "top", "click", "win", "bet", "casino", "loan", "icu", "buzz", "cyou", "rest", "sbs", "monster", "vip",
        "bond", "quest", "cfd", "lol", "su", "tk", "ml", "ga", "cf", "gq", "fun", "work", "party", "date", "review",
    )
)  # fmt: skip


def hosts_in(text: str) -> list[str]:
    """Return the host of each web address in `text`, in lower case, in the order they stand in; repeated ones too."""
    whole = list(_LINK.finditer(text))
    found = {match.start(1): match[1] for match in whole}
    bare = [match for match in _BARE_HOST.finditer(text) if match[1].lower() not in _FRAMEWORKS]
    if bare:
        covered = {at for match in whole for at in range(*match.span())}
        found |= {match.start(1): match[1] for match in bare if match.start() not in covered}
    return [_host(found[at]) for at in sorted(found)]


def holds_host(text: str) -> bool:
    """Return whether `text` holds what looks like a web address without its beginning, such as ``example.com``."""
    return bool(_BARE_HOST.search(text))


def holds_link(text: str) -> bool:
    """Return whether `text` holds a web address with its beginning."""
    return bool(_LINK.search(text) or MARKUP.search(text))


def foreign(hosts: Sequence[str]) -> list[str]:
    """Return those of `hosts` that aren't well-known sites."""
    return [host for host in hosts if not _within(host, _WELL_KNOWN)]


def shortened(hosts: Sequence[str]) -> list[str]:
    """Return the hosts that only lead on to another one."""
    return [host for host in hosts if _within(host, _SHORTENERS)]


def cheap(hosts: Sequence[str]) -> list[str]:
    """Return the hosts under domains that are given away."""
    return [host for host in hosts if host.rpartition(".")[2] in _CHEAP]


def bare_numbers(hosts: Sequence[str]) -> list[str]:
    """Return the hosts that are IP addresses."""
    return [host for host in hosts if _is_number(host)]


def lookalikes(hosts: Sequence[str]) -> list[str]:
    """Return the hosts that look like a Latin name and hold letters of another script (UTS 39, 5)."""
    return [host for host in hosts if not _written(host).isascii() and skeleton(host).isascii()]


def skeleton(host: str) -> str:
    """Return `host` as it looks: letters that look Latin are Latin, accents gone."""
    return to_latin(plain(_written(host)))


def _host(text: str) -> str:
    host = text.rpartition("@")[2][:LONGEST_HOST].lower().rstrip(".,;:!")
    return host.partition(":")[0].removeprefix("www.")


def _written(host: str) -> str:
    if "xn--" not in host:
        return host
    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host


def _within(host: str, domains: frozenset[str]) -> bool:
    return any(parent in domains for parent in _parents(host))


def _parents(host: str) -> Iterator[str]:
    parts = host.split(".")
    return (".".join(parts[at:]) for at in range(len(parts) - 1))


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.isdigit()
    return True
