"""The public site."""

from flask import Blueprint

site = Blueprint("site", __name__)

from tpminstitute.web.site import (  # noqa: E402  (they register their routes)
    calendar_feed,  # noqa: F401
    comment_links,  # noqa: F401
    comments,  # noqa: F401
    courses,  # noqa: F401
    go,  # noqa: F401
    guide_files,  # noqa: F401
    health,  # noqa: F401
    machines,  # noqa: F401
    me,  # noqa: F401
    me_address,  # noqa: F401
    me_call,  # noqa: F401
    me_changes,  # noqa: F401
    me_comments,  # noqa: F401
    me_data,  # noqa: F401
    own_comment,  # noqa: F401
    pages,  # noqa: F401
    pathway,  # noqa: F401
    publication,  # noqa: F401
    reply,  # noqa: F401
    search,  # noqa: F401
    send_guide,  # noqa: F401
    sharing,  # noqa: F401
    spelling,  # noqa: F401
    thanks,  # noqa: F401
    unsubscribe,  # noqa: F401
    write,  # noqa: F401
)
