"""What the rooms' tests share: settings with a folder of their own."""

from pathlib import Path

import pytest

from tests.factories import make_settings
from tpminstitute.core.config import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a test, with its own data folder."""
    return make_settings(tmp_path)
