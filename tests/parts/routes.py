"""Flask's routes, whose code is compiled once: for each of 62 routes Werkzeug writes and compiles two functions."""

from collections.abc import Callable
from typing import ClassVar

from flask import Flask
from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]


class RememberedRule(Rule):
    """A route that takes the functions which build its address from an equal one of an earlier application."""

    _compiled: ClassVar[dict[object, _Builder]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> _Builder:
        converters = sorted((name, type(one)) for name, one in self._converters.items())
        key = (self.rule, tuple(self._trace), str(converters), str(self.defaults), append_unknown)
        if key not in self._compiled:
            self._compiled[key] = super()._compile_builder(append_unknown)
        return self._compiled[key]


def remember_routes() -> None:
    """From now on every application of this process has such routes."""
    Flask.url_rule_class = RememberedRule
