"""Text can be read: at least 4.5 to 1 on its ground, in light and in dark."""

import re

import pytest

from tests.house.tree import ROOT

ENOUGH = 4.5
DARK = r"@media\s*\(prefers-color-scheme:\s*dark\)\s*\{\s*:root\s*\{([^}]*)\}"
LIGHT = r":root\s*\{([^}]*--paper[^}]*)\}"

# (text, ground): on paper and on raised ground, and on the grounds of buttons and chosen rows.
TEXTS = ("ink", "ink-2", "accent", "amber", "red", "green")
PAIRS = [(text, ground) for text in TEXTS for ground in ("paper", "raised")]
PAIRS += [(text, "soft") for text in ("ink", "ink-2", "accent")]
PAIRS += [("paper", ground) for ground in ("accent", "red", "ink")]


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme by name; what dark doesn't change it takes from light."""
    sheet = re.sub(r"/\*.*?\*/", "", (ROOT / "static/style.css").read_text("utf-8"), flags=re.DOTALL)
    dark = re.search(DARK, sheet)
    assert dark, "the custom properties of the dark scheme were not found"
    light = re.search(LIGHT, sheet.replace(dark.group(0), ""))
    assert light, "the custom properties of the light scheme were not found"
    blocks = [light.group(1)] if scheme == "light" else [light.group(1), dark.group(1)]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})\b", "".join(blocks)))


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2), 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS, ids=lambda name: name)
def test_text_has_enough_contrast_on_its_ground(scheme, text, ground):
    palette = colours(scheme)
    ratio = contrast(palette[text], palette[ground])
    assert ratio >= ENOUGH, f"{text} on {ground} in {scheme}: {ratio:.2f}"


def test_the_dark_scheme_is_another_one():
    assert colours("dark")["paper"] != colours("light")["paper"]


def test_black_on_white_is_21_to_1():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
