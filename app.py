"""Where settings, database, mail and doors are wired together; `python app.py` runs the whole service."""

import gc
import sys

if __name__ == "__main__":  # what follows is for the web process; this one starts it, and the others
    from tpminstitute.cli import main

    sys.exit(main(["run"]))

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tpminstitute.core.config import Settings, load_settings
from tpminstitute.core.db import Database
from tpminstitute.core.jobs import Publisher
from tpminstitute.core.logs import set_up_logs
from tpminstitute.guide.book import Book
from tpminstitute.guide.chapters import CONTENT, Guide, Page, load_guide, load_page
from tpminstitute.guide.shelf import Shelf
from tpminstitute.guide_command import print_apart
from tpminstitute.mail.dkim import signing_key
from tpminstitute.mail.letters import letter_sources
from workers.celery_app import create_celery, publish

LARGEST_BODY = 12 * 1024 * 1024
"""Bytes; a message that is far too long still comes back to its writer."""


@dataclass(frozen=True)
class Service:
    """The parts that the doors share."""

    settings: Settings
    db: Database
    guide: Guide
    courses: Page


def create_app(settings: Settings | None = None, press: Callable[[Book], None] | None = None) -> Flask:
    """Return the web application.

    Parameters: `settings` default to the environment's; `press` prints the guide's PDF before anybody asks for it,
    without one it is made for the first reader who does.
    """
    from tpminstitute.site_search.talk import KeptTalk
    from tpminstitute.web.common import add_common
    from tpminstitute.web.hooks import add_hooks
    from tpminstitute.web.pathway_table import add_pathway
    from tpminstitute.web.site import site
    from tpminstitute.web.site.kept_page import KeptGuide
    from tpminstitute.web.site.reply import ReplyTimes
    from tpminstitute.web.staff import staff
    from tpminstitute.web.staff.security import add_security
    from tpminstitute.web.staff.uploads import FilesOnDisk
    from tpminstitute.web.templates import Templates

    settings = settings or load_settings()
    celery = create_celery(settings)
    db = Database(settings.database_url, Publisher(lambda job: publish(celery, job)))
    app = Flask(__name__)
    app.request_class, app.jinja_environment = FilesOnDisk, Templates
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_MEMORY_SIZE=LARGEST_BODY)
    # Read once; a broken one stops the start with its sentence.
    letter_sources()
    signing_key(settings)
    app.extensions["tpm"] = Service(settings, db, load_guide(), load_page(CONTENT / "courses.md"))
    add_common(app)
    add_pathway(app)
    add_security(app, settings, db)
    app.register_blueprint(site)
    app.register_blueprint(staff)
    add_hooks(app)
    app.extensions["tpm_shelf"] = shelf = Shelf(settings.guide_folder, press)
    app.extensions["tpm_reply"] = reply_times = ReplyTimes(db)
    app.extensions["tpm_talk"] = KeptTalk()
    app.extensions["tpm_guide"] = kept_guide = KeptGuide(app, shelf, reply_times)
    app.wsgi_app = kept_guide  # type: ignore[method-assign]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def serve() -> Flask:
    """Return the application for the web server, with its log lines set up."""
    gc.disable()  # of what is imported and made from here on nothing is garbage
    settings = load_settings()
    set_up_logs(settings.log_format)
    app = create_app(settings, print_apart)
    keep_for_good()
    return app


def keep_for_good() -> None:
    """Leave what was made so far out of the search for garbage: it stays as long as the process.

    With it, every few dozen pages one would wait for a look through a quarter of a million objects.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
