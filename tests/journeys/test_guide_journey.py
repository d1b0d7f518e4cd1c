"""The guide on a phone: there at once and still, read, left, come back to, and what was read sent along, or not."""

from playwright.sync_api import expect
from sqlalchemy import select

from tpminstitute.inbox.models import BroughtAlong, Inquiry

SMALLEST = {"width": 360, "height": 740}

MEASURED = """async () => {
  const moved = [];
  const observer = new PerformanceObserver((list) => moved.push(...list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
  moved.push(...observer.takeRecords());
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return {
    shifts: moved.filter((one) => !one.hadRecentInput).map((one) => one.value),
    bytes: loaded.reduce((sum, one) => sum + one.transferSize, 0),
    requests: loaded.map((one) => one.name),
    blocking: loaded.filter((one) => one.renderBlockingStatus === "blocking").map((one) => one.name),
    wide: document.documentElement.scrollWidth,
  };
}"""

LONGEST = "understanding-the-role-of-a-program-manager-in-tech"

IN_VIEW = "chapter => chapter.scrollIntoView({ block: 'end', behavior: 'instant' })"


def test_the_guide_is_read_on_a_phone_left_and_come_back_to_and_its_chapters_go_along_only_if_they_may(
    started, new_page
):
    service = started(SWEEP_SECONDS="1", SCREENING="off")
    the_first_page_is_small_and_whole_and_nothing_moves(service, new_page(viewport=SMALLEST))
    page = new_page(viewport=SMALLEST)
    page.clock.install()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url} {request.post_data or ''}"))
    page.goto(service.url)
    what_is_read_is_remembered_and_a_jump_is_no_reading(page)
    who_comes_back_goes_on_where_they_stopped(service, page)
    assert [one for one in sent if "introduction" in one or one.startswith("POST")] == []
    what_was_read_goes_along_when_it_may(service, page)
    what_was_read_stays_when_it_is_unticked(service, page)
    printed = new_page()
    printed.goto(service.url)
    on_paper_it_is_a_book_without_a_form(printed)


def the_first_page_is_small_and_whole_and_nothing_moves(service, page):
    page.goto(service.url)
    measured = page.evaluate(MEASURED)
    assert len(measured["requests"]) == 5, measured["requests"]  # the page, and four small modules behind it
    assert 15_000 < measured["bytes"] < 30_000, measured
    assert measured["blocking"] == []
    assert measured["shifts"] == []
    assert measured["wide"] == SMALLEST["width"]
    edition = page.locator("article").get_attribute("data-edition")
    page.evaluate("kept => localStorage.setItem('guide-read', JSON.stringify(kept))", came_far(edition))
    page.reload()
    expect(page.locator("[data-go-on] a")).to_contain_text("Understanding the Role of a Program Manager")
    assert page.evaluate(MEASURED)["shifts"] == []


def came_far(edition):
    return {"edition": edition, "read": ["introduction"], "at": LONGEST}


def what_is_read_is_remembered_and_a_jump_is_no_reading(page):
    chapters = page.locator("[data-chapter]")
    for number in (0, 1):
        chapters.nth(number).evaluate(IN_VIEW)
        page.clock.fast_forward(1_000)
        page.clock.fast_forward(120_000)
    page.goto(f"{page.url}#conclusion")
    page.clock.fast_forward(1_000)
    kept = page.evaluate("JSON.parse(localStorage.getItem('guide-read'))")
    assert set(kept) == {"edition", "read", "at"}
    assert kept["read"][:1] == ["introduction"]
    assert "conclusion" not in kept["read"]
    expect(page.locator("summary [data-left]")).to_have_text("1 minute")


def who_comes_back_goes_on_where_they_stopped(service, page):
    page.goto(f"{service.url}/courses")
    page.goto(service.url)
    link = page.locator("[data-go-on] a")
    expect(link).to_have_text("Go on with “Conclusion”")
    link.click()
    assert page.url.endswith("#conclusion")


def what_was_read_goes_along_when_it_may(service, page):
    page.goto(f"{service.url}/contact?about=skill-leadership")
    write(page)
    offer = page.get_by_label("Goes along: you read “Introduction”")
    expect(offer).to_be_checked()
    page.get_by_text("What exactly").click()
    expect(page.locator("[data-along-titles] li").first).to_have_text("Introduction")
    press_send(page)
    along = newest(service)
    assert along.chapters_read[0] == "Introduction"
    assert along.about == "the skill “Leadership”"


def what_was_read_stays_when_it_is_unticked(service, page):
    page.goto(f"{service.url}/contact")
    write(page)
    page.get_by_label("Goes along").uncheck()
    press_send(page)
    assert newest(service) is None


def on_paper_it_is_a_book_without_a_form(page):
    page.emulate_media(media="print")
    for hidden in ("form.letter", "nav.margin", ".chapter-end", "#keep", "details.contents"):
        expect(page.locator(hidden).first).to_be_hidden()
    for shown in ("h1", ".path-figure svg", "#conclusion", ".site-foot address"):
        expect(page.locator(shown).first).to_be_visible()
    after = "link => getComputedStyle(link, '::after').content"
    assert "courses" in page.locator("section a[href='/courses']").evaluate(after)


def write(page):
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail", exact=True).fill("ada@example.org")
    page.get_by_label("What is it about?").select_option("pmp")
    page.get_by_label("Your message").fill("How do I begin?")


def press_send(page):
    page.get_by_role("button", name="Send message").click()
    page.wait_for_url("**/thanks/*")


def newest(service):
    with service.database() as db, db.read() as session:
        newest = session.scalars(select(Inquiry.id).order_by(Inquiry.id.desc())).first()
        return session.get(BroughtAlong, newest)
