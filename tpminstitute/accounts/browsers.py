"""What a browser says of itself, in words that somebody recognises; and where it is, roughly."""

import re
from ipaddress import IPv6Address, ip_address, ip_network

_BROWSERS = (
    ("Edge", r"\bEdgA?/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Headless)?Chrome/|\bCriOS/"),
    ("Safari", r"\bVersion/\S+ (?:Mobile/\S+ )?Safari/"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("ChromeOS", "CrOS"),
    ("a Mac", "Macintosh"),
    ("Linux", "Linux"),
)


def browser_in_words(said: str) -> str:
    """Return the browser and the device of a User-Agent header, such as ``Firefox on Windows``."""
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, said)), "A browser")
    system = next((name for name, word in _SYSTEMS if word in said), "")
    return f"{browser} on {system}" if system else browser


def shortened(address: str) -> str:
    """Return a network address without its last part: enough to recognise one's own, ``192.0.2.…``."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        return f"{ip_network((found, 48), strict=False).network_address}".removesuffix("::") + "::…"
    return ".".join(address.split(".")[:3]) + ".…"
