"""The application as it is wired, on a fresh SQLite database."""

import pytest

from tpminstitute.core.config import load_settings


@pytest.fixture
def app(sqlite_url, tmp_path):
    """The Flask application; nobody is signed in."""
    from app import create_app  # here, so that a broken door leaves the other tests of the house standing

    application = create_app(load_settings(database_url=sqlite_url, data_dir=tmp_path / "var"))
    yield application
    application.extensions["tpm"].db.close()
