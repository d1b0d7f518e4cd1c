"""SPF: which servers may send for the domain (RFC 7208)."""

from dns.resolver import Resolver

from tpminstitute.core.config import Settings
from tpminstitute.doctor.checks_settings import domain_of
from tpminstitute.doctor.findings import Finding, at_risk, ok, wrong
from tpminstitute.doctor.lookups import texts

SUBJECT = "SPF"

MOST_LOOKUPS = 10
"""Questions that a record may cost its reader; more of them, and it counts for nothing (RFC 7208, 4.6.4)."""

ASKS = {"a", "mx", "ptr", "exists"}


class BrokenRecord(Exception):
    """A record that counts for nothing; its text is a sentence that says why."""


def check_spf(resolver: Resolver, settings: Settings) -> list[Finding]:
    """Look for the record of the sender's domain and read it as a receiving server does."""
    domain = domain_of(settings.mail_from)
    start = f"Publish at {domain} one TXT record such as `v=spf1 include:spf.your-provider.example ~all`."
    try:
        records = _records(resolver, domain)
        if not records:
            says = f"{domain} has no SPF record, so other servers can't tell our mail from forged mail."
            return [wrong(SUBJECT, says, start)]
        lookups = _lookups(resolver, domain, records[0])
        ending = _ending(resolver, records[0])
    except BrokenRecord as broken:
        return [wrong(SUBJECT, str(broken), "Correct the record; until then it counts for nothing.")]
    if ending == "+":
        says = f"The record of {domain} ends with +all: it lets the whole world send in its name."
        return [wrong(SUBJECT, says, "End it with `~all` or `-all`.")]
    if ending in ("", "?"):
        says = f"The record of {domain} doesn't say what holds for other servers."
        return [at_risk(SUBJECT, says, "End it with `~all` or `-all`.")]
    return [ok(SUBJECT, f"One record at {domain}, ends with {ending}all, costs {lookups} of {MOST_LOOKUPS} lookups.")]


def _records(resolver: Resolver, domain: str) -> list[str]:
    found = [text for text in texts(resolver, domain) if text.lower().split(" ", 1)[0] == "v=spf1"]
    if len(found) > 1:
        raise BrokenRecord(f"{domain} has {len(found)} SPF records, and more than one is none.")
    return found


def _lookups(resolver: Resolver, domain: str, record: str, already: int = 0) -> int:
    """Return how many questions reading `record` costs; raises `BrokenRecord` when they are too many."""
    cost = already
    for term in record.split()[1:]:
        name, target = _term(term)
        if name not in ASKS and name not in ("include", "redirect"):
            continue
        cost += 1
        if cost > MOST_LOOKUPS:
            raise BrokenRecord(f"The record of {domain} costs more than {MOST_LOOKUPS} lookups.")
        if name in ("include", "redirect") and "%" not in target:
            inner = _records(resolver, target) if target else []
            if not inner:
                raise BrokenRecord(f"The record of {domain} names {target or 'nobody'}, which has no SPF record.")
            cost = _lookups(resolver, target, inner[0], cost)
    return cost


def _term(term: str) -> tuple[str, str]:
    """Return a term's name and the domain behind it: `include:a.example` → include, a.example."""
    plain = term.lower().lstrip("+-~?")
    for sign in ":=":
        name, found, target = plain.partition(sign)
        if found and name.isalpha():
            return name, target.partition("/")[0]
    return plain.partition("/")[0], ""


def _ending(resolver: Resolver, record: str) -> str:
    """Return the sign before `all`, following a redirect; empty when there is none."""
    terms = record.lower().split()[1:]
    for term in terms:
        if term.lstrip("+-~?") == "all":
            return term[0] if term[0] in "+-~?" else "+"
    for term in terms:
        if term.startswith("redirect=") and "%" not in term:
            onward = _records(resolver, term.removeprefix("redirect="))
            return _ending(resolver, onward[0]) if onward else ""
    return ""
