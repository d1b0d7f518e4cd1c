"""Mails broken at random are read without a crash; `python -m tests.fuzz` does the same for as long as you like."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import samples
from tests.fuzz import faults, mutated

MAILS = [sample.content for sample in samples()]


@settings(max_examples=600)
@given(st.sampled_from(MAILS), st.integers(0, 2**32))
def test_broken_mails_are_read(content, seed):
    assert not faults(mutated(content, MAILS, random.Random(seed)))


@settings(max_examples=400)
@given(st.binary(max_size=3_000))
def test_any_bytes_are_read(content):
    assert not faults(content)


@settings(max_examples=300)
@given(st.text(st.characters(), max_size=600), st.sampled_from(["text/plain", "text/html"]), st.text(max_size=60))
def test_any_text_is_read(text, media_type, subject):
    head = f"From: ada@example.org\r\nSubject: {subject}\r\nContent-Type: {media_type}; charset=utf-8\r\n\r\n"
    assert not faults((head + text).encode("utf-8", "surrogatepass"))
