"""Flask's templates, with one table of what all of them know."""

from collections.abc import MutableMapping
from typing import Any

from flask.templating import Environment


class Templates(Environment):
    """Templates that share the table of globals itself, since none has globals of its own.

    Jinja lays a table over it for each template, and compares two of them, name by name, for each import in a page.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template; `d` are those of its own."""
        return super().make_globals(d) if d else self.globals
