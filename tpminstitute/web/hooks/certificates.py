"""The certificates that Amazon SNS signs with: fetched once, kept, and never more than a few a minute."""

from collections import deque
from datetime import datetime, timedelta
from threading import Lock

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tpminstitute.core import clock
from tpminstitute.web.hooks.fetching import Fetch, FetchError

MOST_KEPT = 8
MOST_A_MINUTE = 6
"""A stranger may name addresses at Amazon that don't exist; they must not make this service ask for them all day."""


class Certificates:
    """Public keys by the address of their certificate, for all requests of this process."""

    def __init__(self, fetch: Fetch) -> None:
        """Parameters: `fetch` gets a certificate in PEM from an address that was checked to be Amazon's."""
        self.fetch = fetch
        self._kept: dict[str, x509.Certificate] = {}
        self._fetched_at: deque[datetime] = deque(maxlen=MOST_A_MINUTE)
        self._lock = Lock()

    def key_at(self, url: str) -> rsa.RSAPublicKey:
        """Return the public key of the certificate at `url`, which must be valid today.

        Raises `FetchError` when it can't be fetched now, is none, or is out of date.
        """
        with self._lock:
            certificate = self._kept.get(url) or self._fetched(url)
        if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
            raise FetchError("the certificate is out of date")
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise FetchError("the certificate holds no RSA key")
        return key

    def _fetched(self, url: str) -> x509.Certificate:
        now = clock.now()
        if len(self._fetched_at) == MOST_A_MINUTE and self._fetched_at[0] > now - timedelta(minutes=1):
            raise FetchError("too many certificates were asked for in the last minute")
        self._fetched_at.append(now)
        try:
            certificate = x509.load_pem_x509_certificate(self.fetch(url))
        except ValueError:
            raise FetchError("what stands there is no certificate") from None
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[url] = certificate
        return certificate
