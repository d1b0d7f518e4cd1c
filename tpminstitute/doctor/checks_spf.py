"""SPF: which servers may send for the domain, and whether ours is one of them (RFC 7208)."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from dns.resolver import Resolver

from tpminstitute.core.config import Settings
from tpminstitute.doctor.checks_settings import domain_of
from tpminstitute.doctor.findings import CannotTell, Finding, at_risk, ok, unknown, wrong
from tpminstitute.doctor.lookups import public_addresses
from tpminstitute.doctor.spf import MOST_LOOKUPS, BrokenRecord, Verdict, ending, lookups, records_of, verdict

SUBJECT = "SPF"

TRY = "Send a mail to a mailbox elsewhere, and look for spf=pass in its source."


def check_spf(resolver: Resolver, settings: Settings) -> list[Finding]:
    """Look for the record of the sender's domain, and read it as a receiving server does for our mail server."""
    domain = domain_of(settings.mail_from)
    try:
        records = records_of(resolver, domain)
        if not records:
            says = f"{domain} has no SPF record, so other servers can't tell our mail from forged mail."
            start = f"Publish at {domain} one TXT record such as `v=spf1 include:spf.your-provider.example ~all`."
            return [wrong(SUBJECT, says, start)]
        record = _record(resolver, domain, records[0])
        return [record, _coverage(resolver, domain, records[0], urlsplit(settings.mail_server_url).hostname or "")]
    except BrokenRecord as broken:
        return [wrong(SUBJECT, str(broken), "Correct the record; until then it counts for nothing.")]


def _record(resolver: Resolver, domain: str, record: str) -> Finding:
    cost = lookups(resolver, domain, record)
    end = ending(resolver, record)
    if end == "+":
        says = f"The record of {domain} ends with +all: it lets the whole world send in its name."
        return wrong(SUBJECT, says, "End it with `~all` or `-all`.")
    if end in ("", "?"):
        says = f"The record of {domain} doesn't say what holds for other servers."
        return at_risk(SUBJECT, says, "End it with `~all` or `-all`.")
    return ok(SUBJECT, f"One record at {domain}, ends with {end}all, costs {cost} of {MOST_LOOKUPS} lookups.")


def _coverage(resolver: Resolver, domain: str, record: str, host: str) -> Finding:
    """Say whether the record lets the server send that mail is handed to."""
    try:
        known = public_addresses(resolver, host)
        said = {address: verdict(resolver, domain, record, ip_address(address)) for address in known}
    except CannotTell as why:
        return unknown(SUBJECT, f"Whether it covers {host} can't be told. {why}", TRY)
    if not said:
        return unknown(SUBJECT, f"{host} has no public address, so whether it covers what sends can't be told.", TRY)
    missing = {address: how for address, how in said.items() if how not in (Verdict.PASS, Verdict.UNKNOWN)}
    if missing:
        ours = host == domain or host.endswith(f".{domain}") or Verdict.PASS in said.values()
        return _not_covered(domain, host, missing) if ours else _perhaps_relayed(domain, host, missing)
    if Verdict.UNKNOWN in said.values():
        says = f"The record of {domain} decides by each mail (macros, exists or ptr), so it can't be told for {host}."
        return unknown(SUBJECT, says, TRY)
    return ok(SUBJECT, f"It covers {host} ({', '.join(said)}).")


def _not_covered(domain: str, host: str, missing: Mapping[str, Verdict]) -> Finding:
    words = " ".join(f"ip{ip_address(address).version}:{address}" for address in missing)
    do = f"Put `{words}` into it before its `all`, unless that server hands mail on to another that it covers. {TRY}"
    says = f"The record of {domain} doesn't cover {', '.join(missing)} ({host}), so mail from there"
    if Verdict.FAIL in missing.values():
        return wrong(SUBJECT, f"{says} is refused or counts as forged.", do)
    return at_risk(SUBJECT, f"{says} may count as forged.", do)


def _perhaps_relayed(domain: str, host: str, missing: Mapping[str, Verdict]) -> Finding:
    """Many providers send from other addresses than the one that takes their customers' mail."""
    says = f"The record of {domain} doesn't cover {', '.join(missing)} ({host}); a provider may send from elsewhere."
    do = f"Look up which `include:` your provider asks for, and whether it stands in the record. {TRY}"
    return unknown(SUBJECT, says, do)
