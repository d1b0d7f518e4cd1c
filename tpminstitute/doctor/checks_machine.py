"""The machine and the way to it: disk, and the site's own public address."""

import http.client
import json
import os
import ssl
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from tpminstitute.core.config import Settings
from tpminstitute.doctor.checks_database import in_words
from tpminstitute.doctor.checks_mail import certificate
from tpminstitute.doctor.checks_settings import is_this_machine
from tpminstitute.doctor.findings import Finding, at_risk, ok, unknown, wrong

DISK, WEB = "Disk", "Web"

FULL, NEARLY_FULL = 200_000_000, 1_000_000_000
"""Bytes left: below the first a burst of mail may fill the disk, below the second somebody should tidy up."""

FEWEST_FILES = 5_000
LONGEST_WAIT = 3.0


def check_disk(
    folder: Path, *, full: int = FULL, nearly: int = NEARLY_FULL, files: int = FEWEST_FILES
) -> list[Finding]:
    """Look how much may still be kept at `folder`: bytes, and files where the disk counts them."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    do = f"See what takes the room with `du -xh {folder} | sort -h | tail`, or give it a larger disk."
    left = f"{in_words(free)} left at {folder}"
    if free < full:
        return [wrong(DISK, f"Only {left}: soon no inquiry can be stored.", do)]
    if disk.f_files and disk.f_favail < files:
        says = f"Only {disk.f_favail} more files fit on the disk of {folder}, however many bytes are left."
        return [wrong(DISK, says, "Find the folders full of small files with `du --inodes -x / | sort -n | tail`.")]
    if free < nearly:
        return [at_risk(DISK, f"Only {left}.", do)]
    return [ok(DISK, f"{left}.")]


def check_web(settings: Settings) -> list[Finding]:
    """Ask the site's public address whether it is alive."""
    parts = urlsplit(settings.public_url)
    connection = _connection(parts)
    try:
        connection.request("GET", f"{parts.path}/healthz", headers={"User-Agent": "tpm doctor"})
        certified = [certificate(WEB, parts.netloc, connection.sock)] if parts.scheme == "https" else []
        answer = connection.getresponse()
        body = answer.read(1000)
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason or str(error)
        says = f"The TLS certificate of {settings.public_url} isn't valid ({why}); browsers warn visitors off."
        return [wrong(WEB, says, "Let the web server before the service renew it.")]
    except (OSError, http.client.HTTPException) as error:
        return [_silent(settings, parts, error)]
    finally:
        connection.close()
    return [*certified, _answer(settings.public_url, answer, body)]


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, parts.port, timeout=LONGEST_WAIT, context=context)
    return http.client.HTTPConnection(host, parts.port, timeout=LONGEST_WAIT)


def _silent(settings: Settings, parts: SplitResult, error: Exception) -> Finding:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    says = f"{settings.public_url} doesn't answer ({reason})."
    if isinstance(error, ConnectionRefusedError) or is_this_machine(parts.hostname or ""):
        return wrong(WEB, says, "Start the service with `tpm run`, and the web server before it if there is one.")
    do = "Open it from another machine: some networks let nobody reach their own public address from inside."
    return unknown(WEB, says, do)


def _answer(public_url: str, answer: http.client.HTTPResponse, body: bytes) -> Finding:
    if 300 <= answer.status < 400:
        says = f"{public_url} only sends on to {answer.getheader('Location', 'somewhere else')}."
        return at_risk(WEB, says, "Set `PUBLIC_URL` to the address people end up at; links in mails begin with it.")
    try:
        alive = answer.status == 200 and json.loads(body).get("status") == "alive"
    except (ValueError, AttributeError):
        alive = False
    if alive:
        return ok(WEB, f"{public_url} answers.")
    says = f"Something else answers at {public_url} (status {answer.status})."
    return wrong(WEB, says, "Lead that address to this service, or correct `PUBLIC_URL`.")
