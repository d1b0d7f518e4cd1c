"""What a browser may load on our pages, and the public pages' style sheet, which they carry in themselves.

A style sheet that is linked is a second way to the server and back before a first word is seen. Carried in the page it
needs the policy's leave, which is given to exactly these bytes.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

STATIC = Path(__file__).resolve().parents[2] / "static"


@cache
def site_sheet() -> Markup:
    """Return the public pages' style element, without comments and spaces that say nothing."""
    return Markup("<style>{}</style>").format(Markup(_sheet()))  # a file of ours


@cache
def content_security_policy() -> str:
    """Return the policy of every page: nothing from elsewhere, and no style or script in a page but the sheet."""
    digest = base64.b64encode(hashlib.sha256(_sheet().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'self' 'sha256-{digest}'; script-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def _sheet() -> str:
    source = (STATIC / "style.css").read_text("utf-8")
    bare = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL))
    # Around these no space says anything; before a colon one does (`main :is(h1, h2)`).
    return re.sub(r":\s+", ":", re.sub(r"\s*([{};,])\s*", r"\1", bare)).replace(";}", "}").strip()
