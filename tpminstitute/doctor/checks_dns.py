"""What the world reads about the sending domain: DMARC, MX, and the name behind the sending address."""

from urllib.parse import urlsplit

import dns.reversename
from dns.resolver import Resolver

from tpminstitute.core.config import Settings
from tpminstitute.doctor.checks_settings import domain_of
from tpminstitute.doctor.findings import Finding, at_risk, ok, unknown, wrong
from tpminstitute.doctor.lookups import addresses, look_up, mail_servers, public_addresses, texts

DMARC, MX, PTR = "DMARC", "MX", "PTR"
POLICIES = ("none", "quarantine", "reject")


def check_dmarc(resolver: Resolver, settings: Settings) -> list[Finding]:
    """Look for the policy of the sender's domain, or of a domain above it (RFC 7489, 6.6.3)."""
    domain = domain_of(settings.mail_from)
    start = f"Publish at _dmarc.{domain} the TXT record `v=DMARC1; p=none; rua=mailto:{settings.institute_email}`."
    for name in _upwards(domain):
        records = [text for text in texts(resolver, f"_dmarc.{name}") if text.lower().startswith("v=dmarc1")]
        if len(records) > 1:
            says = f"There are {len(records)} DMARC records at _dmarc.{name}, so none of them counts."
            return [wrong(DMARC, says, "Remove all but one.")]
        if records:
            return [_dmarc_record(name, domain, records[0], start)]
    return [at_risk(DMARC, f"{domain} has no DMARC record; large providers hold its mail for suspect.", start)]


def _dmarc_record(name: str, domain: str, record: str, start: str) -> Finding:
    said = tags(record)
    policy = said.get("p", "").lower()
    if policy not in POLICIES:
        says = f"The DMARC record at _dmarc.{name} has no policy that counts (p={policy or 'missing'})."
        return wrong(DMARC, says, start)
    applies = policy if name == domain else said.get("sp", policy).lower()
    meaning = {"none": "which only watches", "quarantine": "forgeries go to spam", "reject": "forgeries are refused"}
    return ok(DMARC, f"The policy at {name} is {applies}, {meaning.get(applies, 'as its record says')}.")


def tags(record: str) -> dict[str, str]:
    """Return the tags of a DMARC or DKIM record: `v=DKIM1; p=…`."""
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _upwards(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


def check_mx(resolver: Resolver, settings: Settings) -> list[Finding]:
    """Look whether answers and bounces can come in."""
    domains = dict.fromkeys((domain_of(settings.mail_from), domain_of(settings.institute_email)))
    return [_mx_of(resolver, domain) for domain in domains]


def _mx_of(resolver: Resolver, domain: str) -> Finding:
    servers = mail_servers(resolver, domain)
    if not servers:
        if addresses(resolver, domain):
            says = f"{domain} has no MX record; its own address is taken instead, which some servers don't do."
            return at_risk(MX, says, f"Publish at {domain} the MX record `10 mail.{domain}.`, with your server's name.")
        says = f"{domain} has neither an MX record nor an address, so answers and bounces can't come in."
        return wrong(MX, says, f"Publish at {domain} the MX record `10 mail.{domain}.`, with your server's name.")
    if servers == [""]:
        says = f"{domain} says that it takes no mail (a null MX), so answers and bounces can't come in."
        return wrong(MX, says, "Publish the MX record of your mail server, or send from a domain that has one.")
    missing = [server for server in servers if not addresses(resolver, server)]
    if missing:
        says = f"{', '.join(missing)}, where {domain} takes its mail, has no address."
        return wrong(MX, says, f"Give it an A record, or take it out of the MX records of {domain}.")
    return ok(MX, f"{domain} takes its mail at {', '.join(servers)}.")


def check_ptr(resolver: Resolver, settings: Settings) -> list[Finding]:
    """Look whether each address of the mail server has a name that leads back to it."""
    host = urlsplit(settings.mail_server_url).hostname or ""
    found = [_ptr_of(resolver, host, address) for address in public_addresses(resolver, host)]
    if found:
        return found
    says = f"{host} has no public address, so the one that mail comes from isn't known here."
    return [unknown(PTR, says, 'On the machine that sends: `dig -x "$(curl -s ifconfig.co)"` should name it.')]


def _ptr_of(resolver: Resolver, host: str, address: str) -> Finding:
    records = look_up(resolver, str(dns.reversename.from_address(address)), "PTR")
    names = [str(record.target).rstrip(".").lower() for record in records]  # type: ignore[attr-defined]
    do = f"Have whoever rents you {address} set its reverse name, and give that name an A or AAAA record back."
    if not names:
        says = f"{address} ({host}) has no name; large providers refuse mail from nameless addresses."
        return wrong(PTR, says, do)
    if not any(address in addresses(resolver, name) for name in names):
        return wrong(PTR, f"{address} is called {names[0]}, which doesn't lead back to it.", do)
    return ok(PTR, f"{address} is called {names[0]}, and that leads back to it.")
