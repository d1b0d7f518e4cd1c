"""Which domains look mistyped, what was meant, and which are left alone."""

import pytest

from tpminstitute.screening.addresses import is_disposable, meant, one_slip


@pytest.mark.parametrize(
    ("typed", "better"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("Gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.comm", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("gm\u0430il.com", "gmail.com"),
        ("xn--gmil-6cd.com", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmil.fr", "hotmail.fr"),
        ("yaho.com", "yahoo.com"),
        ("yahooo.co.uk", "yahoo.co.uk"),
        ("outlok.com", "outlook.com"),
        ("icoud.com", "icloud.com"),
        ("protonmial.com", "protonmail.com"),
        ("t-onlin.de", "t-online.de"),
        ("university.con", "university.com"),
        ("stanford.eud", "stanford.edu"),
        ("charity.ogr", "charity.org"),
    ],
)
def test_what_was_meant_is_found(typed, better):
    assert meant(typed) == better


@pytest.mark.parametrize(
    "typed",
    [
        *("gmail.com", "googlemail.com", "ymail.com", "mail.com", "email.com", "gmx.de", "gmx.net", "web.de", "me.com"),
        *(
            "yahoo.fr",
            "hotmail.co.uk",
            "outlook.com.br",
            "live.nl",
            "yandex.ru",
            "mail.ru",
            "qq.com",
            "163.com",
            "hey.com",
        ),
        *("example.org", "tpminstitute.org", "mailbox.org", "posteo.de", "uni-koeln.de", "harvard.edu", "nhs.uk"),
        *(
            "m\u00fcller.example",
            "xn--mller-kva.example",
            "\u043f\u043e\u0447\u0442\u0430.\u0440\u0444",
            "company.cm",
            "startup.co",
            "a.om",
        ),
        *("", "com", "localhost", "...", "a" * 253, "xn--", "xn--\u00e4", "[127.0.0.1]"),
    ],
)
def test_what_may_be_right_is_left_alone(typed):
    assert meant(typed) is None


@pytest.mark.parametrize(
    ("typed", "known", "near"),
    [
        ("gmial", "gmail", True),
        ("gmal", "gmail", True),
        ("gmaiil", "gmail", True),
        ("gmaul", "gmail", True),
        ("mgail", "gmail", True),
        ("gmaila", "gmail", True),
        ("gmail", "gmail", False),
        ("gamli", "gmail", False),
        ("gmailcom", "gmail", False),
        ("gm", "gmail", False),
        ("", "gmail", False),
    ],
)
def test_one_slip_of_the_finger(typed, known, near):
    assert one_slip(typed, known) is near


@pytest.mark.parametrize(
    ("domain", "thrown_away"),
    [
        ("yopmail.com", True),
        ("YOPmail.com", True),
        ("inbox.yopmail.com", True),
        ("notyopmail.com", False),
        ("com", False),
        ("gmail.com", False),
        ("", False),
    ],
)
def test_a_disposable_domain_is_known_with_all_below_it(domain, thrown_away):
    assert is_disposable(domain) is thrown_away
