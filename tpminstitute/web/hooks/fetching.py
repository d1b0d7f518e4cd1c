"""The one way out of this door: what Amazon SNS points to, over TLS, small, and soon or not at all."""

import ssl
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.request import HTTPRedirectHandler, HTTPSHandler, build_opener

Fetch = Callable[[str], bytes]
"""Fetches an https address; raises `FetchError`."""

TIMEOUT = 5.0
"""Seconds, for each wait on the other side."""

LARGEST = 64 * 1024
"""Octets; a certificate has two thousand."""


class FetchError(Exception):
    """An address could not be fetched."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Go nowhere else: the address was checked, the next one wasn't."""


def fetch_from_amazon(url: str, context: ssl.SSLContext | None = None) -> bytes:
    """Fetch what stands at an https address that was checked to be Amazon's.

    Parameters: `context`, whom to trust; the system's authorities by default.
    Returns the body. Raises `FetchError` for anything but a small 200 without a redirect.
    """
    opener = build_opener(_NoRedirect, HTTPSHandler(context=context or ssl.create_default_context()))
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            found: bytes = answer.read(LARGEST + 1)
    except (OSError, HTTPException, ValueError) as problem:
        raise FetchError(type(problem).__name__) from problem
    if len(found) > LARGEST:
        raise FetchError("too large")
    return found
