"""Look at everything, side by side and within a time limit, so that nothing silent can hold the doctor up."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from dns.resolver import Resolver
from sqlalchemy.exc import DBAPIError

from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.doctor.checks_broker import check_broker
from tpminstitute.doctor.checks_database import check_clock, check_database, check_migrations
from tpminstitute.doctor.checks_dkim import check_dkim
from tpminstitute.doctor.checks_dns import check_dmarc, check_mx, check_ptr
from tpminstitute.doctor.checks_letters import check_letters
from tpminstitute.doctor.checks_machine import check_disk, check_web
from tpminstitute.doctor.checks_mail import check_mail_server
from tpminstitute.doctor.checks_mailbox import check_mailbox, check_replies
from tpminstitute.doctor.checks_settings import check_settings
from tpminstitute.doctor.checks_spf import check_spf
from tpminstitute.doctor.checks_work import check_mail_queue, check_search, check_worker
from tpminstitute.doctor.findings import CannotTell, Finding, ok, unknown, wrong
from tpminstitute.doctor.lookups import system_resolver

TIME_LIMIT = 10.0
"""Seconds for all checks together."""

SHORTEST_SECRET = 3
"""Characters; a shorter one stands in every second word, and hides nothing."""


@dataclass(frozen=True)
class Check:
    """One thing to look at; `run` may take its time, raise, or never come back."""

    subject: str
    run: Callable[[], list[Finding]]


def quick_checks(settings: Settings, db: Database) -> list[Check]:
    """Return the checks that ask nobody but this machine and the database."""
    return [
        Check("Settings", lambda: check_settings(settings)),
        Check("Database", lambda: check_database(db)),
        Check("Migrations", lambda: check_migrations(db)),
        Check("Clock", lambda: check_clock(db)),
        Check("Worker", lambda: check_worker(db, settings)),
        Check("Mail queue", lambda: check_mail_queue(db)),
        Check("Search", lambda: check_search(db)),
        Check("Letters", lambda: check_letters(db, settings)),
        Check("Mailbox", lambda: check_mailbox(db, settings)),
        Check("Replies", lambda: check_replies(settings)),
        Check("Disk", lambda: check_disk(settings.data_dir)),
    ]


def outside_checks(settings: Settings, resolver: Callable[[], Resolver]) -> list[Check]:
    """Return the checks that ask others: broker, mail server, the site's address, the domain name system."""
    return [
        Check("Broker", lambda: check_broker(settings)),
        Check("Web", lambda: check_web(settings)),
        Check("Mail server", lambda: check_mail_server(settings)),
        *_domain_checks(settings, resolver),
    ]


def _domain_checks(settings: Settings, resolver: Callable[[], Resolver]) -> list[Check]:
    if settings.mail_is_caught:
        says = "Mail is caught, so the sending domain's records aren't looked up; set SMTP_URL, and they are."
        return [Check("Domain", lambda: [ok("Domain", says)])]
    return [
        Check("SPF", lambda: check_spf(resolver(), settings)),
        Check("DKIM", lambda: check_dkim(resolver(), settings)),
        Check("DMARC", lambda: check_dmarc(resolver(), settings)),
        Check("MX", lambda: check_mx(resolver(), settings)),
        Check("PTR", lambda: check_ptr(resolver(), settings)),
    ]


def examine(
    settings: Settings,
    db: Database,
    *,
    outside: bool = True,
    resolver: Callable[[], Resolver] = system_resolver,
) -> list[Finding]:
    """Look at everything and return what was found, in the order of the checks.

    Parameters: `outside`, whether others are asked as well, which may take seconds; `resolver`, who answers for the
    domain name system. Nothing that is found holds a secret of `settings`.
    """
    checks = quick_checks(settings, db)
    if outside:
        checks += outside_checks(settings, resolver)
    secrets = secrets_of(settings)
    return [_without(secrets, finding) for finding in run_side_by_side(checks)]


def run_side_by_side(checks: list[Check], time_limit: float = TIME_LIMIT) -> list[Finding]:
    """Run `checks`, each in a thread of its own, and return what they found in their order.

    A check that isn't back after `time_limit` seconds, or that raises, is itself a finding.
    """
    found: dict[int, list[Finding]] = {}

    def run(number: int, check: Check) -> None:
        found[number] = _attempt(check)

    # Daemons: a thread that hangs doesn't keep the process from ending, as an executor's would.
    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(checks)]
    ends = time.monotonic() + time_limit
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    came = dict(found)
    return [
        finding for number, check in enumerate(checks) for finding in came.get(number) or [_too_late(check, time_limit)]
    ]


def _attempt(check: Check) -> list[Finding]:
    try:
        return check.run()
    except CannotTell as why:
        return [unknown(check.subject, str(why), "Try again, or look from another machine.")]
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        return [unknown(check.subject, f"The database couldn't say ({reason}).", "See Database and Migrations first.")]
    except Exception as error:
        says = f"This check broke ({type(error).__name__}: {error})."
        return [
            wrong(check.subject, says, "The other lines hold all the same. Report this as a fault of `tpm doctor`.")
        ]


def _too_late(check: Check, time_limit: float) -> Finding:
    says = f"No answer within {time_limit:.0f} s."
    return wrong(check.subject, says, "Something swallows the question: look at firewalls, and at whoever is asked.")


def secrets_of(settings: Settings) -> list[str]:
    """Return everything in `settings` that nobody may read, longest first."""
    urls = (settings.database_url, settings.redis_url, settings.smtp_url, settings.imap_url)
    passwords = [password for url in urls if (password := urlsplit(url).password)]
    known = {settings.secret_key, *passwords, *map(unquote, passwords)}
    return sorted((secret for secret in known if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)


def _without(secrets: list[str], finding: Finding) -> Finding:
    """Take secrets out of sentences that quote what a server or a library said."""
    says, do = finding.says, finding.do
    for secret in secrets:
        says, do = says.replace(secret, "…"), do.replace(secret, "…")
    return replace(finding, says=says, do=do)


def settings_finding(sentence: str) -> Finding:
    """Return the finding for settings that stop every command."""
    return wrong("Settings", sentence, "Correct it in the environment; nothing else can be looked at before.")
