"""Read what providers send, field by field: whatever is missing or of another type is said, never guessed."""

import json
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from tpminstitute.web.hooks.door import Unreadable

MOST_FIELDS = 500


def json_of(text: bytes | str) -> Any:
    """Return what a JSON text holds; raises `Unreadable`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("This is no JSON.") from None


def object_of(value: Any, what: str) -> dict[str, Any]:
    """Return `value`, which must be a JSON object; raises `Unreadable` with `what` it should be."""
    if not isinstance(value, dict):
        raise Unreadable(f"{what} is missing, or no object.")
    return value


def text_of(found: dict[str, Any], name: str) -> str:
    """Return the text of a field that must be there; raises `Unreadable`."""
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"The field {name} is missing, or no text.")
    return value


def word_of(found: dict[str, Any], name: str) -> str:
    """Return the text or number of a field that may be missing, then ''."""
    value = found.get(name)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def inner(found: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the object at the end of a path of fields, empty when there is none."""
    for name in names:
        value = found.get(name)
        found = value if isinstance(value, dict) else {}
    return found


def list_of(found: dict[str, Any], name: str) -> list[Any]:
    """Return the list in a field, empty when there is none."""
    value = found.get(name)
    return value if isinstance(value, list) else []


def form_of(sent: bytes, content_type: str) -> dict[str, bytes]:
    """Return the fields of a form, each as the octets that were sent: a mail in it may be in any encoding.

    Parameters: `sent`, the body; `content_type`, the header, for URL-encoded forms and for multipart ones.
    Raises `Unreadable` for what is no form.
    """
    kind, options = parse_options_header(content_type)
    if kind == "application/x-www-form-urlencoded":
        return _urlencoded(sent)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary.isascii() or not boundary:
        raise Unreadable("This is no form.")
    try:
        return _multipart(sent, boundary.encode("ascii"))
    except (ValueError, RequestEntityTooLarge):
        raise Unreadable("This form is damaged, or has too many fields.") from None


def _urlencoded(sent: bytes) -> dict[str, bytes]:
    pairs = sent.split(b"&", MOST_FIELDS)
    if len(pairs) > MOST_FIELDS:
        raise Unreadable("This form has too many fields.")
    fields = [pair.replace(b"+", b" ").partition(b"=") for pair in pairs if pair]
    return {unquote_to_bytes(name).decode("utf-8", "replace"): unquote_to_bytes(value) for name, _, value in fields}


def _multipart(sent: bytes, boundary: bytes) -> dict[str, bytes]:
    decoder = MultipartDecoder(boundary, max_parts=MOST_FIELDS)
    decoder.receive_data(sent)
    decoder.receive_data(None)
    parts: dict[str, list[bytes]] = {}
    name = ""
    while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
        if isinstance(event, Field | File):
            name = event.name
        elif isinstance(event, Data):
            parts.setdefault(name, []).append(event.data)
    return {field: b"".join(data) for field, data in parts.items()}
