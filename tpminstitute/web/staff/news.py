"""What a staff member is told by mail, and their calendar's secret address."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.today import calendar_feed
from tpminstitute.today.calendar_feed import Shown
from tpminstitute.today.choices import choose_digest, digest_of
from tpminstitute.today.models import Digest
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me

DIGESTS = {
    Digest.OWN: ("When something of mine is due or waits", "Your reminders, and the people whom you look after."),
    Digest.EVERYTHING: ("When anything is due or waits", "What stands on the page of today, whoever’s it is."),
    Digest.NEVER: ("Never", "The page of today shows it all the same."),
}


@staff.get("/news")
def news() -> str:
    """Show what one is told by mail, and one's calendar."""
    return _page()


@staff.post("/news")
@acting
def choose_news() -> Response:
    """Keep when the morning digest comes."""
    typed = request.form.get("digest", "")
    if typed not in set(Digest):
        flash("Choose one of the three. Nothing was changed.", "warning")
    else:
        choose_digest(session(), me().id, Digest(typed))
        flash("It is kept.", "success")
    return redirect(url_for("staff.news"), 303)


@staff.post("/news/calendar")
@acting
def make_calendar() -> Response | str:
    """Make the secret address of one's calendar, or another in place of the old one, and show it this once."""
    secret = calendar_feed.make_feed(session(), me().id, _shown())
    return _page(f"{settings().public_url}{url_for('site.calendar_feed', secret=secret)}")


@staff.post("/news/calendar/shown")
@acting
def choose_shown() -> Response:
    """Keep what one's calendar shows beside reminders."""
    if calendar_feed.choose_shown(session(), me().id, _shown()):
        flash("It is kept. Your calendar shows it when it looks the next time.", "success")
    else:
        flash("You have no calendar address any more. Nothing was changed.", "warning")
    return redirect(url_for("staff.news"), 303)


@staff.post("/news/calendar/off")
@acting
def end_calendar() -> Response:
    """Switch one's calendar off."""
    if calendar_feed.end_feed(session(), me().id):
        flash("The address leads nowhere any more.", "success")
    else:
        flash("You have no calendar address any more. Nothing was changed.", "warning")
    return redirect(url_for("staff.news"), 303)


def _page(address: str = "") -> str:
    minute = settings().digest_minute
    return render_template(
        "staff/news.html",
        digests=DIGESTS,
        chosen=digest_of(session(), me().id),
        digest_at=f"{minute // 60}:{minute % 60:02}",
        zone=settings().institute_zone,
        feed=calendar_feed.feed_of(session(), me().id),
        address=address,
        may_act=may_act(),
    )


def _shown() -> Shown:
    return Shown(courses="courses" in request.form, holidays="holidays" in request.form)
