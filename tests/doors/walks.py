"""Every route of the desk, each way it can be asked, made from the application's own map."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.routing.converters import NumberConverter

MISSING_NUMBER, MISSING_TEXT = 2_000_000_000, "0" * 20


@dataclass(frozen=True)
class Way:
    """One route asked in one way: the endpoint without its blueprint where it is the desk's own."""

    endpoint: str
    method: str
    address: str


def ways(app: Flask, method: str, there: dict[str, dict[str, object]] | None = None) -> Iterator[Way]:
    """Yield each route below /staff that takes `method`, with addresses of what isn't there.

    Parameters: `there`, the names of what is, by the first part of the address: ``{"contacts": {"public_id": …}}``.
    """
    map_ = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.rule.startswith("/staff") and method in (rule.methods or ()):
            values = {name: _value(rule, name, there or {}) for name in rule.arguments}
            address = map_.build(rule.endpoint, values, method=method)
            yield Way(rule.endpoint.removeprefix("staff."), method, address)


def _value(rule: Rule, name: str, there: dict[str, dict[str, object]]) -> object:
    known = there.get(rule.rule.split("/")[2], {})
    if name in known:
        return known[name]
    converter = rule._converters[name]
    return (
        min(MISSING_NUMBER, converter.max or MISSING_NUMBER) if isinstance(converter, NumberConverter) else MISSING_TEXT
    )
