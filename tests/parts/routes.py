"""Flask's routes, put in order once: it takes longer than many a test, and every application has them all."""

from operator import attrgetter
from typing import Any, ClassVar

from flask import Flask
from werkzeug.routing import Map, Rule, RuleFactory

_told = attrgetter(
    *("rule", "endpoint", "subdomain", "host", "strict_slashes", "merge_slashes", "build_only", "alias"),
    *("websocket", "redirect_to", "provide_automatic_options"),
)


class RememberedMap(Map):
    """A map whose routes wait until somebody asks for one; then it takes over what an equal map made of them.

    What was made never changes again, so it may serve one application after another.
    """

    _made: ClassVar[dict[object, Map]] = {}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Begin without routes."""
        self._waiting: list[Rule] = []
        super().__init__(*arguments, **options)

    def add(self, rulefactory: RuleFactory) -> None:
        """Let routes wait."""
        assert self._remap, "A route comes after the first question, when other applications may have the same map."
        self._waiting += rulefactory.get_rules(self)

    def update(self) -> None:
        """Take over the routes of an equal map, or put these in order."""
        if self._remap:
            made = self._made.setdefault(self._key(), self)
            if made is self:
                for rule in self._waiting:
                    super().add(rule)
                super().update()
            self._matcher, self._rules_by_endpoint = made._matcher, made._rules_by_endpoint
            self._remap = False

    def _key(self) -> object:
        rules = tuple((_told(rule), frozenset(rule.methods or ()), str(rule.defaults)) for rule in self._waiting)
        settings = (self.host_matching, self.merge_slashes, self.strict_slashes, self.default_subdomain)
        return rules, settings, frozenset(self.converters.items())


def remember_routes() -> None:
    """From now on every application of this process has such a map."""
    Flask.url_map_class = RememberedMap
