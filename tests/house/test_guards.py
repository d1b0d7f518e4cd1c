"""Staff pages are closed, public pages set no cookie, and nothing comes from another host."""

import re
import socket
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.house.tree import ROOT, shown

SAMPLES = {"IntegerConverter": 1, "UUIDConverter": "00000000-0000-4000-8000-000000000000"}
OPEN_STAFF_PAGES = ("/staff/sign-in", "/staff/setup/", "/staff/forgotten", "/staff/new-password/")
OUR_HOSTS = {"tpminstitute.org", "www.tpminstitute.org"}
NAMES_ONLY = {"www.w3.org", "schema.org", "example.com", "example.org", "www.example.org"}  # never fetched
FOREIGN = re.compile(r"""(?:https?:|["'(=\s])//([a-z0-9][a-z0-9.-]*\.[a-z]{2,})""", re.IGNORECASE)
PAGES = [p for folder in ("site", "staff") for p in sorted((ROOT / "templates" / folder).rglob("*.html"))]
INLINE = {
    "a style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b(?![^>]*\b(?:src=|type=\"application/ld\+json\"))", re.IGNORECASE),
    "an event attribute": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
}


def address(app: Flask, rule: Rule) -> str:
    """An address that fits a rule, with invented values for its variables."""
    values = {name: SAMPLES.get(type(c).__name__, "sample") for name, c in rule._converters.items()}
    with app.test_request_context():
        built = app.url_map.bind("localhost").build(rule.endpoint, values, method=sorted(rule.methods or {"GET"})[0])
    return str(built)


def rules(app: Flask, *, staff: bool) -> list[Rule]:
    found = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/staff") is staff]
    return sorted(found, key=lambda rule: rule.rule)


def test_every_staff_page_is_closed_without_a_session(app):
    app.config["WTF_CSRF_METHODS"] = set()  # as if each form's token were right, so that only the session counts
    client = app.test_client(use_cookies=False)
    open_to_all = []
    walked = 0
    for rule in rules(app, staff=True):
        if rule.rule.startswith(OPEN_STAFF_PAGES):
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            walked += 1
            answer = client.open(address(app, rule), method=method)
            to_sign_in = answer.status_code in (302, 303) and "/staff/sign-in" in answer.headers["Location"]
            if not to_sign_in and answer.status_code not in (401, 403):
                open_to_all.append(f"{method} {rule.rule}: {answer.status}")
    assert walked > 3, "the staff area was not found"
    assert not open_to_all


def test_no_page_has_the_parts_made_anew_for_itself():
    with_context = re.compile(r"from 'parts\.html' import [^%]* with context")
    assert [shown(path) for path in PAGES if with_context.search(path.read_text("utf-8"))] == []


def test_no_public_page_sets_a_cookie(app):
    client = app.test_client(use_cookies=False)
    with_cookie = []
    for rule in rules(app, staff=False):
        if "GET" in (rule.methods or set()):
            answer = client.get(address(app, rule))
            assert answer.status_code < 500, f"GET {rule.rule}: {answer.status}"
            if "Set-Cookie" in answer.headers:
                with_cookie.append(f"{rule.rule}: {answer.headers['Set-Cookie']}")
            answer.close()
    assert not with_cookie


def written_files() -> list[Path]:
    kinds = {".html", ".txt", ".md", ".css", ".js", ".svg"}
    files = [*(ROOT / "templates").rglob("*"), *(ROOT / "static").rglob("*")]
    return sorted(path for path in files if path.suffix in kinds)


def test_no_template_or_static_file_refers_to_another_host():
    foreign = [
        f"{shown(path)}: {host}"
        for path in written_files()
        for host in FOREIGN.findall(path.read_text("utf-8"))
        if host.lower() not in OUR_HOSTS | NAMES_ONLY
    ]
    assert not foreign


@pytest.mark.parametrize("what", INLINE)
def test_pages_hold_nothing_the_content_security_policy_refuses(what):
    assert PAGES
    guilty = [shown(path) for path in PAGES if INLINE[what].search(path.read_text("utf-8"))]
    assert not guilty, f"{what} in {guilty}"


@pytest.mark.parametrize(
    "reach",
    [
        lambda probe: probe.connect(("192.0.2.1", 80)),
        lambda probe: probe.connect_ex(("192.0.2.1", 80)),
        lambda probe: socket.getaddrinfo("tpminstitute.org", 443),
    ],
    ids=["connect", "connect_ex", "getaddrinfo"],
)
def test_a_test_that_reaches_out_is_refused(went_out, reach):
    with socket.socket() as probe:
        probe.settimeout(0.2)
        with pytest.raises(AssertionError, match="this machine only"):
            reach(probe)
    assert went_out
    went_out.clear()
