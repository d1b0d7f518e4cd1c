"""Questions to the domain name system."""

import ipaddress

import dns.exception
import dns.resolver
from dns.rdata import Rdata
from dns.resolver import Resolver

from tpminstitute.doctor.findings import CannotTell

LONGEST_WAIT = 3.0
"""Seconds for one question, all name servers and tries together."""


def system_resolver() -> Resolver:
    """Return a resolver that asks this machine's name servers; raises `CannotTell` when it knows none."""
    try:
        resolver = Resolver()
    except (dns.exception.DNSException, OSError) as error:
        raise CannotTell(f"This machine knows no name server ({_reason(error)}).") from None
    resolver.timeout = LONGEST_WAIT / 2
    resolver.lifetime = LONGEST_WAIT
    resolver.cache = dns.resolver.Cache()  # an SPF record is read once for each address of the mail server
    return resolver


def look_up(resolver: Resolver, name: str, kind: str) -> list[Rdata]:
    """Return the records of `kind` at `name`, none when there are none.

    Raises `CannotTell` when nobody answers, which says nothing about the records.
    """
    try:
        return list(resolver.resolve(name, kind, search=False))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise CannotTell(f"{name} can't be looked up from here ({_reason(error)}).") from None


def texts(resolver: Resolver, name: str) -> list[str]:
    """Return the TXT records at `name`, each joined from its parts (RFC 7208, 3.3)."""
    return [b"".join(record.strings).decode("utf-8", "replace") for record in look_up(resolver, name, "TXT")]  # type: ignore[attr-defined]


def addresses(resolver: Resolver, name: str) -> list[str]:
    """Return the IPv4 and IPv6 addresses of `name`."""
    found = [*look_up(resolver, name, "A"), *look_up(resolver, name, "AAAA")]
    return [record.address for record in found]  # type: ignore[attr-defined]


def mail_servers(resolver: Resolver, name: str) -> list[str]:
    """Return the servers that take the mail of `name`; one that is "" says that it takes none (RFC 7505)."""
    return [str(record.exchange).rstrip(".").lower() for record in look_up(resolver, name, "MX")]  # type: ignore[attr-defined]


def public_addresses(resolver: Resolver, host: str) -> list[str]:
    """Return the addresses of `host`, itself one or a name, that the world can reach."""
    try:
        known = [str(ipaddress.ip_address(host))]
    except ValueError:
        known = [] if host == "localhost" else addresses(resolver, host)
    return [address for address in known if ipaddress.ip_address(address).is_global]


def _reason(error: Exception) -> str:
    known: dict[type[Exception], str] = {
        dns.resolver.NoNameservers: "the name server couldn't answer",
        dns.resolver.LifetimeTimeout: f"no answer within {LONGEST_WAIT:.0f} s",
        dns.resolver.NoResolverConfiguration: "no /etc/resolv.conf",
    }
    return known.get(type(error), str(error)[:200] or type(error).__name__)
