"""Forms of the desk that act once, however often they arrive: a double press, Back and Reload, a retry by a proxy.

A page carries a random key in each of its forms that add something. With who sends it, where to and what was typed it
makes the key that the database takes once; changed words make another, so that they are never lost.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import flash, g, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from tpminstitute.core import once as forms
from tpminstitute.core import tokens
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me

FIELD = "once"
_NOT_TYPED = {FIELD, "csrf_token"}


@staff.app_template_global("once")
def field() -> Markup:
    """Return the hidden field of a form that acts once; all forms of a page share its key."""
    if "once" not in g:
        g.once = Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, tokens.public_id())
    return g.once  # type: ignore[no-any-return]


def acts_once(said: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a view act once for each form; a form without a key, of a page from before an upgrade, acts each time.

    Who sends a form again is led where the first was led, and told `said`, as a warning, so that nothing goes on record
    (`trail`). What was refused was not taken, so that it can be tried again.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def acting(*args: Any, **kwargs: Any) -> Any:
            nonce = request.form.get(FIELD, "")
            if not nonce:
                return view(*args, **kwargs)
            key = _key(nonce)
            led_to = forms.take(session(), key)
            if led_to:
                flash(said, "warning")
                return redirect(led_to, 303)
            answer = view(*args, **kwargs)
            if isinstance(answer, Response) and answer.location and not g.get("refused"):
                forms.lead_to(session(), key, answer.location)
            return answer

        return acting

    return decorate


def _key(nonce: str) -> str:
    """Return what a form is known by: its nonce, who sends it, where to, and what was typed or brought with it."""
    typed = [(name, text.replace("\r\n", "\n")) for name, text in request.form.items(multi=True)]
    typed = [field for field in typed if field[0] not in _NOT_TYPED]
    return tokens.digest(json.dumps([nonce, me().id, request.full_path, typed, g.get("brought_digest")]))
