"""What is installed is what was locked, and each dependency has its reason."""

import re

import pytest

from tests.house.tree import ROOT, project

FILES = ["requirements.txt", "requirements-dev.txt"]


def text(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def pins(file: str) -> dict[str, set[str]]:
    """Every pinned package (`name==version; marker`) with its hashes."""
    found: dict[str, set[str]] = {}
    pin = ""
    for line in text(file).splitlines():
        if line and not line.startswith((" ", "#")):
            pin = line.rstrip("\\ ")
            found[pin] = set()
        found.setdefault(pin, set()).update(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line))
    return found


def plain(requirement: str) -> str:
    """The normalised name of the package a requirement asks for."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;@]", requirement, maxsplit=1)[0]).lower()


@pytest.mark.parametrize("file", FILES)
def test_the_lock_names_no_index_host(file):
    assert not re.findall(r"index-url|find-links|trusted-host|https?://\S*", text(file))


@pytest.mark.parametrize("file", FILES)
def test_every_pin_is_exact_and_has_a_hash(file):
    locked = pins(file)
    assert len(locked) > 20
    assert not [pin for pin, hashes in locked.items() if "==" not in pin or not hashes]


def test_the_test_lock_holds_the_same_versions_as_the_service():
    assert not set(pins("requirements.txt")) - set(pins("requirements-dev.txt"))


def test_everything_asked_for_is_locked():
    declared = project()
    asked = [*declared["project"]["dependencies"], *declared["dependency-groups"]["build"]]
    assert not {plain(r) for r in asked} - {plain(pin) for pin in pins("requirements.txt")}
    tools = declared["dependency-groups"]["dev"]
    assert not {plain(r) for r in tools} - {plain(pin) for pin in pins("requirements-dev.txt")}


def test_every_dependency_has_its_reason():
    declared = project()
    asked = [*declared["project"]["dependencies"], *declared["dependency-groups"]["dev"]]
    reasons = (ROOT / "docs/dependencies.md").read_text("utf-8").lower()
    assert not {plain(requirement) for requirement in asked} - set(re.findall(r"[\w-]+", reasons))
