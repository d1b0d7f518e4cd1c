"""What the domain of an e-mail address says: disposable, or mistyped. Nothing is looked up on the network."""

from collections.abc import Iterator, Mapping
from functools import cache

from disposable_email_domains import blocklist

from tpminstitute.screening.links import skeleton

_PROVIDERS: Mapping[str, str] = {
    "gmail": "com",
    "googlemail": "com",
    "yahoo": "com co.uk fr de it es ca in co.in co.jp com.br com.ar com.mx com.au com.sg com.ph co.id com.vn com.tr "
    "gr pl ro se dk no ie nl at be",
    "ymail": "com",
    "hotmail": "com co.uk fr de it es nl be ca se dk no fi at ch com.br com.ar com.tr com.au co.jp gr",
    "outlook": "com fr de it es at be dk ie cl pt jp in kr com.br com.ar com.au co.id com.vn com.tr com.gr cz hu sk",
    "live": "com co.uk fr de it nl be ca se dk no at ie cn jp com.au com.mx com.pt",
    "icloud": "com",
    "proton": "me",
    "protonmail": "com ch",
    "mail": "com ru ee",
    "email": "com de cz it",
    "yandex": "ru com ua kz by com.tr",
    "rediffmail": "com",
    "fastmail": "com fm",
    "comcast": "net",
    "verizon": "net",
    "sbcglobal": "net",
    "bellsouth": "net",
    "btinternet": "com",
    "t-online": "de",
    "freenet": "de",
    "arcor": "de",
    "bluewin": "ch",
    "hispeed": "ch",
    "wanadoo": "fr es",
    "orange": "fr",
    "laposte": "net",
    "libero": "it",
    "virgilio": "it",
    "telefonica": "net",
    "terra": "com.br",
    "naver": "com",
    "hanmail": "net",
    "seznam": "cz",
    "centrum": "cz sk",
    "interia": "pl",
    "telenet": "be",
    "skynet": "be",
    "ziggo": "nl",
    "planet": "nl",
    "xs4all": "nl",
    "bigpond": "com net.au",
    "optusnet": "com.au",
    "shaw": "ca",
    "sympatico": "ca",
    "rogers": "com",
    "tutanota": "com de",
}
"""The names that many people have their mailbox under, with their endings."""

_SLIPS: Mapping[str, str] = {
    "con": "com", "cmo": "com", "ocm": "com", "comm": "com", "vom": "com", "xom": "com", "cpm": "com", "coom": "com",
    "clm": "com", "comn": "com", "cim": "com", "c0m": "com", "nte": "net", "ney": "net", "nett": "net", "ent": "net",
    "ogr": "org", "rog": "org", "orgg": "org", "ofg": "org", "prg": "org", "eud": "edu", "edy": "edu",
}  # fmt: skip
"""Endings that don't exist (data.iana.org/TLD), and what was meant."""

_SHORTEST = 5
"""Letters: in a shorter name one slip of the finger makes another real name."""

_TYPO_OF_COM = frozenset(("co", "cm", "om", "cn"))
"""Endings that do exist, but under which none of the big names is a mailbox."""


def is_disposable(domain: str) -> bool:
    """Return whether addresses under `domain`, or one it belongs to, are made to be thrown away."""
    parts = domain.lower().split(".")
    return any(".".join(parts[at:]) in blocklist for at in range(len(parts) - 1))


def is_provider(domain: str) -> bool:
    """Return whether many people have their mailbox under `domain`."""
    return domain in _known()


def meant(domain: str) -> str | None:
    """Return the domain that was probably meant, such as gmail.com for gmial.com; None when nothing looks mistyped."""
    typed = domain.strip().rstrip(".").lower()
    if typed in _known():
        return None
    seen = skeleton(typed)
    name, _, ending = seen.partition(".")
    for better in _candidates(name, ending):
        if better in _known():
            return better
    last = seen.rpartition(".")[2]
    mended = f"{seen.rpartition('.')[0]}.{_SLIPS.get(last, last)}"
    return mended if mended != typed and (last in _SLIPS or seen in _known()) and "." in seen else None


def _candidates(name: str, ending: str) -> Iterator[str]:
    """Yield what a name and its ending may stand for, the likeliest first."""
    for known in [name, *_near(name)]:
        if known not in _PROVIDERS:
            continue
        yield f"{known}.{ending}"
        yield f"{known}.{_SLIPS.get(ending, ending)}"
        if ending in _TYPO_OF_COM or ending.startswith("com"):
            yield f"{known}.com"


def _near(name: str) -> list[str]:
    return [known for known in _PROVIDERS if len(known) >= _SHORTEST and one_slip(name, known)]


@cache
def _known() -> frozenset[str]:
    return frozenset(f"{name}.{ending}" for name, endings in _PROVIDERS.items() for ending in endings.split())


def one_slip(typed: str, known: str) -> bool:
    """Return whether one slip of the finger lies between two words: a letter too many or few, another, or two swapped.

    That is Damerau and Levenshtein's distance of one (F. Damerau, Communications of the ACM 7(3), 1964).
    """
    if abs(len(typed) - len(known)) > 1 or typed == known:
        return False
    at = next((i for i, (a, b) in enumerate(zip(typed, known, strict=False)) if a != b), min(len(typed), len(known)))
    rest, wanted = typed[at:], known[at:]
    swapped = len(rest) > 1 and rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]
    return swapped or rest[1:] == wanted[1:] or rest[1:] == wanted or rest == wanted[1:]
