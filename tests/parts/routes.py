"""Flask's routes, each read and compiled once: it takes longer than many a test, and every application has them all."""

from types import MethodType
from typing import Any, ClassVar

from flask import Flask
from werkzeug.routing import Rule


class RememberedRule(Rule):
    """A route that takes what was made of an equal one for an earlier application."""

    _made: ClassVar[dict[object, dict[str, Any]]] = {}

    def compile(self) -> None:
        """Take over the parts, the converters and the functions that build an address, or make them."""
        place = (self.rule, self.subdomain, self.host, self.map.host_matching, self.merge_slashes)
        key = (*place, str(self.defaults), frozenset(self.map.converters.items()))
        if key not in self._made:
            super().compile()
            self._made[key] = {
                "_parts": self._parts,
                "_trace": self._trace,
                "_converters": self._converters,
                "arguments": self.arguments,
                "_build": self._build.__func__,  # type: ignore[attr-defined]
                "_build_unknown": self._build_unknown.__func__,  # type: ignore[attr-defined]
            }
        vars(self).update(self._made[key])
        self._build, self._build_unknown = MethodType(self._build, self), MethodType(self._build_unknown, self)


def remember_routes() -> None:
    """From now on every application of this process has such routes."""
    Flask.url_rule_class = RememberedRule
