"""The staff desk."""

from flask import Blueprint

staff = Blueprint("staff", __name__, url_prefix="/staff")

from tpminstitute.web.staff import (  # noqa: E402  (they register their routes)
    access,  # noqa: F401
    account,  # noqa: F401
    accounts,  # noqa: F401
    audit,  # noqa: F401
    bulk,  # noqa: F401
    calendar,  # noqa: F401
    comment_settings,  # noqa: F401
    comments,  # noqa: F401
    contact_facts,  # noqa: F401
    courses,  # noqa: F401
    dates_of_courses,  # noqa: F401
    desk,  # noqa: F401
    details,  # noqa: F401
    doctor,  # noqa: F401
    drafts,  # noqa: F401
    duplicates,  # noqa: F401
    effect,  # noqa: F401
    enrollments,  # noqa: F401
    exports,  # noqa: F401
    factors,  # noqa: F401
    forgotten,  # noqa: F401
    freshness,  # noqa: F401
    imports,  # noqa: F401
    inquiries,  # noqa: F401
    judging,  # noqa: F401
    letters,  # noqa: F401
    mail,  # noqa: F401
    messages,  # noqa: F401
    news,  # noqa: F401
    notes,  # noqa: F401
    own_mail,  # noqa: F401
    pathway_check,  # noqa: F401
    people,  # noqa: F401
    people_views,  # noqa: F401
    pipeline,  # noqa: F401
    presence,  # noqa: F401
    privacy,  # noqa: F401
    publishing,  # noqa: F401
    received,  # noqa: F401
    reminders,  # noqa: F401
    replies,  # noqa: F401
    reply_tools,  # noqa: F401
    reports,  # noqa: F401
    retention,  # noqa: F401
    search,  # noqa: F401
    second_step,  # noqa: F401
    sequence_edit,  # noqa: F401
    sequence_settings,  # noqa: F401
    sequences,  # noqa: F401
    settings_pages,  # noqa: F401
    setup,  # noqa: F401
    stage_settings,  # noqa: F401
    suppressions,  # noqa: F401
    tag_settings,  # noqa: F401
    time_machine,  # noqa: F401
    time_zone,  # noqa: F401
    today,  # noqa: F401
    told_settings,  # noqa: F401
    topic_settings,  # noqa: F401
    trail,  # noqa: F401
    uploads,  # noqa: F401
    waits,  # noqa: F401
)
