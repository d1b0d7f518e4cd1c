"""The last page: what stands where even the page of an error can't be made. It asks nobody for anything."""

from html import escape

from tpminstitute.core.config import Settings
from tpminstitute.web.policy import site_sheet


def still_page(settings: Settings, title: str, text: str) -> str:
    """Return a whole page in the site's look, made at the start of what the operator set."""
    name, email = escape(settings.institute_name), escape(settings.institute_email)
    return (
        '<!doctype html>\n<html lang="en" class="site">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)} · {name}</title>\n<meta name="robots" content="noindex">\n'
        f'<meta name="color-scheme" content="light dark">\n{site_sheet()}\n</head>\n<body>\n'
        f'<header class="site-head"><a class="site-name" href="/">{name}</a></header>\n'
        f'<main id="main"><div class="page">\n<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n'
        f'<p>Our address is <a href="mailto:{email}">{email}</a>.</p>\n</div></main>\n</body>\n</html>\n'
    )
