"""Read SPF records as a receiving server does (RFC 7208)."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from dns.resolver import Resolver

from tpminstitute.doctor.lookups import addresses, mail_servers, texts

MOST_LOOKUPS = 10
"""Questions that a record may cost its reader; more of them, and it counts for nothing (RFC 7208, 4.6.4)."""

MOST_SERVERS = 10
"""Servers that an `mx` may name, each of which costs a question of its own (RFC 7208, 4.6.4)."""

ASKS = {"a", "mx", "ptr", "exists"}
ONWARD = {"include", "redirect"}
SIGNS = "+-~?"
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<target>.*)")

Address = IPv4Address | IPv6Address


class BrokenRecord(Exception):
    """A record that counts for nothing; its text is a sentence that says why."""


class Verdict(StrEnum):
    """What a record says of a sender (RFC 7208, 2.6), by its sign; `UNKNOWN`: only the receiving server can tell."""

    PASS = "+"
    FAIL = "-"
    SOFT = "~"
    NEUTRAL = "?"
    UNKNOWN = ""


@dataclass(frozen=True)
class Term:
    """One word of a record: `-include:a.example` is the sign `-`, the name `include`, and its target."""

    sign: str
    name: str
    target: str
    masks: tuple[str, str] = ("", "")
    is_modifier: bool = False


def records_of(resolver: Resolver, domain: str) -> list[str]:
    """Return the SPF record of `domain` in a list, which is empty when it has none; raises `BrokenRecord` for two."""
    found = [text for text in texts(resolver, domain) if text.lower().split(" ", 1)[0] == "v=spf1"]
    if len(found) > 1:
        raise BrokenRecord(f"{domain} has {len(found)} SPF records, and more than one is none.")
    return found


def lookups(resolver: Resolver, domain: str, record: str, already: int = 0) -> int:
    """Return how many questions reading `record` costs; raises `BrokenRecord` when they are too many."""
    cost = already
    for term in _terms(record):
        if term.name not in ASKS | ONWARD:
            continue
        cost += 1
        if cost > MOST_LOOKUPS:
            raise BrokenRecord(f"The record of {domain} costs more than {MOST_LOOKUPS} lookups.")
        if term.name in ONWARD and "%" not in term.target:
            cost = lookups(resolver, term.target, _onward(resolver, domain, term.target), cost)
    return cost


def ending(resolver: Resolver, record: str) -> str:
    """Return the sign before `all`, following a redirect; empty when there is none."""
    terms = _terms(record)
    for term in terms:
        if term.name == "all":
            return term.sign
    for term in terms:
        if term.name == "redirect" and "%" not in term.target:
            onward = records_of(resolver, term.target)
            return ending(resolver, onward[0]) if onward else ""
    return ""


def verdict(resolver: Resolver, domain: str, record: str, address: Address) -> Verdict:
    """Return what the record of `domain` says of mail from `address` (RFC 7208, 4.6).

    Ask only after `lookups`, which bounds what this costs. Terms that depend on the mail itself (macros, `exists`) or
    on the sender's own name server (`ptr`) can't be told from here, and so can't what they decide.
    Raises `BrokenRecord` where a receiving server finds the record broken.
    """
    doubts: set[str] = set()
    terms = _terms(record)
    for term in terms:
        if term.is_modifier:
            continue
        matches = _matches(resolver, domain, term, address)
        if matches:
            return _unless(doubts, Verdict(term.sign))
        if matches is None:
            doubts.add(term.sign)
    return _unless(doubts, _redirected(resolver, domain, terms, address))


def _unless(doubts: set[str], found: Verdict) -> Verdict:
    """Return `found`, unless one of the terms before it that can't be told might have said something else."""
    return found if doubts <= {found.value} else Verdict.UNKNOWN


def _redirected(resolver: Resolver, domain: str, terms: list[Term], address: Address) -> Verdict:
    """Return what is said where no term matched: by the record that another one redirects to, if there is one."""
    for term in terms:
        if term.name == "redirect":
            if "%" in term.target:
                return Verdict.UNKNOWN
            return verdict(resolver, term.target, _onward(resolver, domain, term.target), address)
    return Verdict.NEUTRAL


def _matches(resolver: Resolver, domain: str, term: Term, address: Address) -> bool | None:
    """Return whether a term speaks of `address`; None when that can't be told from here."""
    if "%" in term.target:
        return None
    target = term.target or domain
    readers: dict[str, Callable[[], bool | None]] = {
        "all": lambda: True,
        "ip4": lambda: address in _network(domain, term),
        "ip6": lambda: address in _network(domain, term),
        "a": lambda: _is_one_of(addresses(resolver, target), domain, term, address),
        "mx": lambda: _is_one_of(_of_mail_servers(resolver, target), domain, term, address),
        "include": lambda: _included(resolver, domain, term, address),
        "exists": lambda: None,
        "ptr": lambda: None,
    }
    if term.name not in readers:
        raise BrokenRecord(f"The record of {domain} says “{term.name}”, which is no word of SPF.")
    return readers[term.name]()


def _included(resolver: Resolver, domain: str, term: Term, address: Address) -> bool | None:
    inner = verdict(resolver, term.target, _onward(resolver, domain, term.target), address)
    return None if inner is Verdict.UNKNOWN else inner is Verdict.PASS


def _of_mail_servers(resolver: Resolver, domain: str) -> list[str]:
    servers = [server for server in mail_servers(resolver, domain) if server]
    if len(servers) > MOST_SERVERS:
        raise BrokenRecord(f"{domain} has {len(servers)} mail servers, and an mx may name {MOST_SERVERS}.")
    return [address for server in servers for address in addresses(resolver, server)]


def _is_one_of(known: list[str], domain: str, term: Term, address: Address) -> bool:
    mask = term.masks[0 if address.version == 4 else 1] or str(address.max_prefixlen)
    same = [text for text in known if ipaddress.ip_address(text).version == address.version]
    return any(address in _read_network(domain, f"{text}/{mask}") for text in same)


def _network(domain: str, term: Term) -> IPv4Network | IPv6Network:
    mask = f"/{term.masks[0]}" if term.masks[0] else ""
    network = _read_network(domain, term.target + mask)
    if f"ip{network.version}" != term.name:
        raise BrokenRecord(f"The record of {domain} says {term.name}:{term.target}, which is no such address.")
    return network


def _read_network(domain: str, text: str) -> IPv4Network | IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BrokenRecord(f"The record of {domain} names {text}, which is no address or range of them.") from None


def _onward(resolver: Resolver, domain: str, target: str) -> str:
    inner = records_of(resolver, target) if target else []
    if not inner:
        raise BrokenRecord(f"The record of {domain} names {target or 'nobody'}, which has no SPF record.")
    return inner[0]


def _terms(record: str) -> list[Term]:
    return [_term(word) for word in record.lower().split()[1:]]


def _term(word: str) -> Term:
    """Return a term taken apart: `~a:b.example/24//64` → ~, a, b.example, (24, 64)."""
    sign, plain = (word[0], word[1:]) if word[0] in SIGNS else ("+", word)
    if modifier := _MODIFIER.fullmatch(plain):
        return Term(sign, modifier["name"], modifier["target"], is_modifier=True)
    head, _, rest = plain.partition("/")
    four, _, six = f"/{rest}".partition("//") if rest.startswith("/") else rest.partition("//")
    name, _, target = head.partition(":")
    return Term(sign, name, target, (four, six))
