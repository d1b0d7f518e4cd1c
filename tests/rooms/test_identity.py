"""E-mail addresses and phone numbers, as people write them."""

import pytest

from tpminstitute.contacts.identity import AddressError, read_email, read_phone


@pytest.mark.parametrize(
    ("typed", "address", "key"),
    [
        ("ada@example.org", "ada@example.org", "ada@example.org"),
        ("  Ada@Example.ORG ", "Ada@example.org", "ada@example.org"),
        ("ada+guide@example.org", "ada+guide@example.org", "ada+guide@example.org"),
        ("ada@bücher.example.org", "ada@bücher.example.org", "ada@xn--bcher-kva.example.org"),
        ("jürgen@example.org", "jürgen@example.org", "jürgen@example.org"),
    ],
)
def test_an_address_is_kept_and_gets_a_key(typed, address, key):
    email = read_email(typed)
    assert (email.address, email.key) == (address, key)


@pytest.mark.parametrize(
    "typed",
    ["", "ada", "ada@", "@example.org", "a b@example.org", "ada@example.org\r\nBcc: x@y.org", "ada@@example.org"],
)
def test_what_is_no_address_is_refused_with_what_to_do(typed):
    with pytest.raises(AddressError, match="Check the e-mail address"):
        read_email(typed)


@pytest.mark.parametrize(
    ("typed", "regions", "e164"),
    [
        ("+1 (215) 430-2201", (), "+12154302201"),
        ("215-430-2201", (), "+12154302201"),
        ("+44 20 7946 0958", (), "+442079460958"),
        ("0044 20 7946 0958", (), "+442079460958"),
        ("011 44 20 7946 0958", (), "+442079460958"),
        ("020 7946 0958", ("GB",), "+442079460958"),
        ("030 901820", ("DE",), "+4930901820"),
        ("+91 98765 43210", (), "+919876543210"),
        ("０３-３５８１-２３４５", ("JP",), "+81335812345"),
    ],
)
def test_a_number_is_read_in_its_countrys_way(typed, regions, e164):
    assert read_phone(typed, regions) == e164


def test_a_number_of_no_countrys_rules_is_not_refused():
    assert read_phone("12345 ext. 6") is None


@pytest.mark.parametrize("typed", ["call me", "12", "+", "\u202e\u0000"])
def test_what_has_no_number_in_it_is_refused(typed):
    with pytest.raises(AddressError, match="all its digits"):
        read_phone(typed)
