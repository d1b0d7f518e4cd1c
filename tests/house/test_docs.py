"""The manual is true: every setting, command, target and page stands in it."""

import re

import click
import pytest

from tests.house.tree import ROOT, manual
from tpminstitute.core.config import Settings


def page(name: str) -> str:
    path = ROOT / "docs" / name
    assert path.exists(), f"docs/{name} is missing"
    return path.read_text("utf-8")


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_documented(field):
    assert f"`{field.upper()}`" in page("configuration.md")


def test_every_documented_setting_exists():
    """A setting's name stands in backticks at the start of a table row or heading."""
    named = set(re.findall(r"^(?:\||#+)\s*`([A-Z][A-Z_]+)`", page("configuration.md"), re.MULTILINE))
    assert named <= {field.upper() for field in Settings.model_fields}


def test_every_make_target_is_documented():
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert "run" in targets
    text = manual()
    assert not [target for target in targets if f"make {target}" not in text]


def test_every_documented_make_target_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", manual())) <= targets


def test_every_command_is_documented():
    from tpminstitute.cli import commands

    names = spelled_out(commands, "tpm")
    assert "tpm run" in names
    text = manual()
    assert not [name for name in names if name not in text]


def spelled_out(command: click.Command, name: str) -> list[str]:
    if not isinstance(command, click.Group):
        return [name]
    return [found for word, child in command.commands.items() for found in spelled_out(child, f"{name} {word}")]


def test_every_route_is_documented(app):
    text = anonymous(page("routes.md"))
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert not [rule for rule in sorted(rules) if f"`{anonymous(rule)}`" not in text]


def anonymous(rule: str) -> str:
    """A rule without the names of its variables: what they are called is the code's business."""
    return re.sub(r"<[^>]*>", "<>", rule)
