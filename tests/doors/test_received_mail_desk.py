"""One mail that came in, at the desk: its HTML made inert, its files, the decision that it waits for."""

import base64

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.html import active_content, read
from tests.doors.mails import CHARLIE, PDF, PNG, a_mail, acknowledgement_id, came_in
from tests.doors.naughty import NAUGHTY
from tests.doors.people import labels
from tests.factories import contact_of, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.contacts.models import ContactAddress
from tpminstitute.inbox.inert import sanitised
from tpminstitute.inbox.models import ReceivedMail, Standing
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus

HOSTILE_HTML = {
    "script": "<script>alert(1)</script>",
    "event": "<p onclick=alert(1) onmouseover='alert(1)'>x</p>",
    "form": "<form action=https://evil.example><input name=password><button>Sign in</button></form>",
    "frame": "<iframe src=https://evil.example></iframe><object data=x></object><embed src=x>",
    "style sheet": "<style>@import 'https://evil.example'</style><link rel=stylesheet href=https://evil.example>",
    "style that reaches out": '<p style="background:url(https://evil.example/x);background-color:u\\72l(//evil.example)">x</p>',
    "style that covers": "<p style='position:fixed;inset:0;z-index:9;display:none'>x</p>",
    "picture": "<img src=https://evil.example/p.gif srcset='https://evil.example/q 2x'>",
    "picture without scheme": "<img src=//evil.example/p.gif><img src=/staff/sign-out>",
    "picture of a drawing": "<img src='data:image/svg+xml;base64,AAAA'>",
    "background": "<table background=https://evil.example><tr><td background=//evil.example>x</td></tr></table>",
    "media": "<video poster=https://evil.example src=https://evil.example></video><audio src=https://evil.example>",
    "drawing": "<svg onload=alert(1)><image href=https://evil.example /></svg><math><mi xlink:href=javascript:x>",
    "refresh": "<meta http-equiv=refresh content='0;url=https://evil.example'><base href=https://evil.example>",
    "link that runs": "<a href='javascript:alert(1)'>x</a><a href='data:text/html,x'>y</a><a href='/staff/'>z</a>",
    "template": "<template><script>alert(1)</script></template><noscript><img src=x onerror=alert(1)></noscript>",
    **{f"naughty {name}": text for name, text in NAUGHTY.items()},
}


def page_of(public_id):
    return f"/staff/received/{public_id}"


def says(answer, desk):
    assert answer.status_code == 303
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


# --- its own HTML ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("html", HOSTILE_HTML.values(), ids=HOSTILE_HTML)
def test_nothing_in_a_mails_html_acts_or_asks_another_place_for_anything(html):
    made = sanitised(f"<p>Dear institute</p>{html}", {}).page
    body = read(made.partition("<body>")[2])
    assert "Dear institute" in body.text
    allowed = {"p.style", "img ", "td.style"}
    assert not [found for found in active_content(body) if found not in allowed]
    for element in body.inner:
        assert element.tag not in ("form", "input", "button", "link", "meta", "video", "audio", "template")
        assert not {"src", "srcset", "background", "poster", "onclick"} & set(element.attrs)
        assert not [word for word in ("url", "position", "display", "evil") if word in element["style"]]


def test_the_pictures_that_a_mail_carries_are_shown_and_others_are_counted(db, settings, desk):
    html = "<p>Look</p><img src='cid:one'><img src='https://evil.example/a.gif'><img src='cid:nothing'>"
    public_id = came_in(db, settings, html=html, inline={"one": PNG})
    shown = read(desk.client.get(f"{page_of(public_id)}/html").text)
    assert [picture["src"].partition(",")[0] for picture in shown.all("img")] == ["data:image/png;base64", "", ""]
    assert "1 picture from elsewhere was blocked" in desk.page(page_of(public_id)).words


def test_the_html_is_shown_in_a_sandbox_with_a_policy_that_lets_nothing_in(db, settings, desk):
    public_id = came_in(db, settings, html="<p>Dear institute</p>")
    frame = desk.page(page_of(public_id)).first("iframe")
    assert frame.attrs["sandbox"] is None, "an empty sandbox allows nothing"
    answer = desk.client.get(frame["src"])
    policy = answer.headers["Content-Security-Policy"]
    for rule in ("sandbox", "default-src 'none'", "img-src 'self' data:", "style-src 'unsafe-inline'"):
        assert rule in policy.split("; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_mail_without_html_says_so_and_has_no_frame(db, settings, desk):
    public_id = came_in(db, settings)
    page = desk.page(page_of(public_id))
    assert not page.all("iframe")
    assert "This mail has no HTML." in page.words
    assert desk.client.get(f"{page_of(public_id)}/html").status_code == 404


# --- downloads ---------------------------------------------------------------------------------------------


def test_a_mail_is_downloaded_byte_for_byte_as_it_came(db, settings, desk):
    content = a_mail(subject="Plan", html="<p>x</p>", files={"plan.pdf": PDF * 20})
    public_id = came_in(db, settings, content)
    answer = desk.client.get(f"{page_of(public_id)}/original")
    assert answer.data == content
    assert answer.headers["Content-Disposition"] == "attachment; filename=Plan.eml"
    assert answer.mimetype == "application/octet-stream"


@on_sqlite
@pytest.mark.parametrize(
    ("name", "octets", "handed_out_as"),
    [
        ("cv.pdf", PDF, "application/pdf"),
        ("photo.png", PNG, "image/png"),
        ("page.html", b"<!doctype html><script>alert(1)</script>" * 9, "application/octet-stream"),
        ("photo.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>" * 9, "application/octet-stream"),
        ("cv.pdf", b"MZ\x90\0" * 90, "application/octet-stream"),
    ],
)
def test_a_file_is_handed_out_to_be_saved_and_never_opened(db, settings, desk, name, octets, handed_out_as):
    public_id = came_in(db, settings, files={name: octets})
    answer = desk.client.get(f"{page_of(public_id)}/files/1")
    assert answer.data == octets
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == handed_out_as


def test_no_subject_breaks_the_name_of_a_download(db, settings, desk):
    for name, text in NAUGHTY.items():
        subject = base64.b64encode(text.encode("utf-8", "replace"))
        content = b"From: ada@example.org\r\nSubject: =?utf-8?b?" + subject + b"?=\r\n\r\nHello " + name.encode()
        answer = desk.client.get(f"{page_of(came_in(db, settings, content))}/original")
        assert answer.data == content
        assert answer.headers["Content-Disposition"].startswith("attachment; filename")
        assert not set(answer.headers["Content-Disposition"]) & set("\r\n\u202e/\\"), name


def test_a_mail_that_never_was_is_not_found(desk):
    for address in ("", "/html", "/original", "/files/1"):
        assert desk.client.get(f"/staff/received/nothing{address}").status_code == 404, address


def test_a_file_that_never_was_is_not_found(db, settings, desk):
    public_id = came_in(db, settings, files={"cv.pdf": PDF})
    for position in ("0", "2", "999", "1000", "-1", str(10**30), "x"):
        assert desk.client.get(f"{page_of(public_id)}/files/{position}").status_code == 404, position


# --- mails that wait for a person --------------------------------------------------------------------------


@pytest.fixture
def strangers(db, settings):
    """The public id of Charlie's answer to a mail that went to Ada."""
    submitted(db, settings, consents=True)
    return came_in(db, settings, sender=f"Charlie <{CHARLIE}>", answers=acknowledgement_id(db), text="It is me, Ada.")


def on_adas_page(desk, db):
    return desk.page(f"/staff/contacts/{contact_of(db).public_id}").first("section", class_="timeline")


def standing(db, public_id):
    with db.read() as session:
        return session.scalars(select(ReceivedMail.standing).where(ReceivedMail.public_id == public_id)).one()


def test_a_mail_that_waits_for_a_look_is_listed_and_leads_to_its_place(db, desk, strangers):
    page = desk.page("/staff/inbox?show=look")
    assert page.first("a", aria_current="true").words == "To look at 1"
    link = page.first("li", class_="row").first("a")
    assert link.words == "Charlie"
    assert link["href"].endswith(f"#mail-{strangers}")
    notice = desk.page(link["href"]).with_id(f"mail-{strangers}").first("div", class_="notice")
    assert CHARLIE in notice.words
    assert labels(notice) == ["Same person: keep this address", "Somebody else", "Set aside"]


def test_the_same_person_keeps_the_address_and_the_mail_is_theirs(db, settings, desk, strangers):
    assert "The address is kept" in says(desk.press("Same person", on_adas_page(desk, db)), desk)
    with db.read() as session:
        assert session.scalars(select(ContactAddress.email)).one() == CHARLIE
        assert session.scalars(select(Enrollment.status)).one() is EnrollmentStatus.STOPPED
    assert standing(db, strangers) is Standing.TRUSTED


def test_somebody_else_becomes_a_contact_of_their_own_and_the_follow_ups_go_on(db, desk, strangers):
    answer = desk.press("Somebody else", on_adas_page(desk, db))
    assert "an inquiry of their own" in says(answer, desk)
    assert desk.page(answer.location).first("h1").words == "Charlie"
    with db.read() as session:
        assert session.scalars(select(Enrollment.status)).one() is EnrollmentStatus.ACTIVE


def test_a_mail_that_is_set_aside_waits_no_longer(db, desk, strangers):
    page = on_adas_page(desk, db)
    assert "Set aside." in says(desk.press("Set aside", page), desk)
    assert not desk.page("/staff/inbox?show=look").all("li", class_="row")
    assert "decided on by now" in says(desk.press("Same person", page), desk)


def test_a_doubtful_mail_that_belongs_to_nobody_has_a_page_of_its_own(db, settings, desk):
    public_id = came_in(db, settings, sender="")
    link = desk.page("/staff/inbox?show=look").first("li", class_="row").first("a")
    assert (link.words, link["href"].partition("?")[0]) == ("Nobody named", page_of(public_id))
    page = desk.page(link["href"])
    assert labels(page.first("div", class_="notice")) == ["Set aside"]
    desk.press("Set aside", page)
    assert [
        row["href"].partition("?")[0] for row in desk.page("/staff/inbox?show=other").all("a", class_="row-name")
    ] == [page_of(public_id)]


def test_a_machines_mail_that_belongs_to_nobody_is_among_the_other_mail(db, settings, desk):
    came_in(db, settings, sender="News <news@shop.example>", headers={"Auto-Submitted": "auto-generated"})
    (row,) = desk.page("/staff/inbox?show=other").all("li", class_="row")
    assert row.words.startswith("News A question")
    assert "Automatic" in row.words


def test_a_reader_can_look_at_a_mail_and_decide_nothing(db, desk_of, strangers):
    rita = desk_of("Rita", Role.READER)
    assert labels(rita.page(page_of(strangers)).first("main")) == []
    for verb in ("same-person", "somebody-else", "set-aside"):
        answer = rita.client.post(f"{page_of(strangers)}/{verb}", data={"csrf_token": rita.token})
        assert answer.status_code == 403
    assert standing(db, strangers) is Standing.DOUBTFUL


def test_no_decision_is_made_about_a_mail_that_never_was(desk):
    for verb in ("same-person", "somebody-else", "set-aside"):
        answer = desk.client.post(f"/staff/received/nothing/{verb}", data={"csrf_token": desk.token})
        assert answer.status_code == 404
