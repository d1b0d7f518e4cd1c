"""What pages tell search engines about themselves: JSON-LD in the words of schema.org, and nothing that isn't known."""

import json
from collections.abc import Mapping
from typing import Any

from tpminstitute.core.config import Settings

_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What could end or comment out the element that the text stands in (HTML, 4.12.1.3)."""


def for_page(told: Mapping[str, Any]) -> str:
    """Return `told` as JSON-LD that may stand inside a `<script>` of data, whatever is in its texts."""
    whole = {"@context": "https://schema.org", **told}
    return "".join(_ESCAPED.get(char, char) for char in json.dumps(whole, ensure_ascii=False, separators=(",", ":")))


def organization(settings: Settings) -> dict[str, Any]:
    """Return who the institute is, and how to reach it."""
    return {
        "@type": "Organization",
        "@id": f"{settings.public_url}/#institute",
        "name": settings.institute_name,
        "url": f"{settings.public_url}/",
        "email": settings.institute_email,
        "telephone": settings.institute_phone,
    }
