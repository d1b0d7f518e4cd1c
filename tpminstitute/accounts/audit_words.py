"""The audit log in words: what each action was, and what sort of thing it was done to."""

KINDS = {
    "contact": "Contacts",
    "mail": "Mail",
    "address": "Closed addresses",
    "template": "Templates",
    "follow_ups": "Follow-ups",
    "calendar": "Calendar",
    "account": "Accounts",
    "coming_in": "Signing in",
    "export": "Exports and imports",
    "setting": "Settings",
    "other": "Other",
}
"""What the log can be filtered by, in the order of the list."""

_WORDS = {
    "account_closed": "closed an account",
    "account_created": "created an account",
    "account_renamed": "changed their name",
    "account_reopened": "reopened an account",
    "acknowledge": "sent an acknowledgement that had been left out",
    "address_closed": "closed an address to mail",
    "address_reopened": "opened an address to mail again",
    "archive_sequence": "archived follow-ups",
    "audit_exported": "exported the audit log",
    "begin_enrollments": "began follow-ups for contacts",
    "clicks_counted": "had opened links counted",
    "clicks_not_counted": "had opened links not counted any more",
    "close_conversation": "closed a conversation",
    "contact_data_exported": "exported all that is held about a contact",
    "contact_erased": "erased a contact",
    "contact_seen": "opened a contact",
    "contacts_merged": "merged two contacts",
    "contacts_unmerged": "made two contacts of one again",
    "course_date_added": "added a course",
    "course_date_changed": "changed a course",
    "course_date_removed": "removed a course",
    "drop_draft": "dropped a follow-up’s draft",
    "holiday_added": "added a holiday",
    "holiday_removed": "removed a holiday",
    "invitation_renewed": "renewed an invitation",
    "invitation_withdrawn": "withdrew an invitation",
    "invited": "invited somebody",
    "leave": "let a mail rest",
    "let_follow_ups_go_on": "let follow-ups go on",
    "mail_held": "held all outgoing mail",
    "mail_released": "let outgoing mail go again",
    "make_address": "made a secret address for their own mail",
    "mark_handled": "marked an inquiry as handled",
    "mark_spam": "marked an inquiry as spam",
    "move_people": "moved people to another version",
    "move_to_stage": "moved a contact to another stage",
    "note_call": "noted a call",
    "passkey_added": "added a passkey",
    "passkey_removed": "removed a passkey",
    "password_changed": "changed their password",
    "password_reset": "chose a new password by a link",
    "recovery_code_used": "came in with a recovery code",
    "recovery_codes_made": "made new recovery codes",
    "release": "released a suspected inquiry",
    "reopen": "reopened an inquiry",
    "reset_asked": "asked for a link to a new password",
    "retention_changed": "changed what goes by itself",
    "retention_run": "let go what a rule of retention means",
    "role_changed": "changed a role",
    "same_person": "said that a mail is by the contact it is filed with",
    "say_background": "said where a contact stands",
    "second_step_taken_off": "took the second step off an account",
    "second_step_rule_changed": "changed who needs a second step",
    "send_again": "had a mail sent again",
    "send_draft": "sent a follow-up’s draft",
    "send_reply": "sent a reply",
    "sequence_added": "added a sequence",
    "sequence_archived": "archived a sequence",
    "sequence_course_changed": "changed the course of a sequence",
    "sequence_renamed": "renamed a sequence",
    "sequence_saved": "saved a sequence",
    "sequence_start_changed": "changed when a sequence begins",
    "sequence_switched_off": "switched a sequence off",
    "sequence_switched_on": "switched a sequence on",
    "sequence_unarchived": "took a sequence out of the archive",
    "sessions_ended": "ended sessions",
    "set_aside": "set a mail aside",
    "set_time_zone": "set a contact’s time zone",
    "signed_in": "signed in",
    "signed_out": "signed out",
    "somebody_else": "began a conversation of its own for a mail",
    "stop_follow_ups": "stopped follow-ups",
    "suppressions_exported": "exported the closed addresses",
    "tag_contact": "put a tag on a contact",
    "template_added": "added a template",
    "template_saved": "saved a template",
    "test_letter": "had a test of a letter sent",
    "totp_added": "set up an authenticator app",
    "totp_removed": "removed their authenticator app",
    "untag_contact": "took a tag off a contact",
}

_KINDS_BY_BEGINNING = {
    "account": "account",
    "address": "address",
    "clicks": "follow_ups",
    "contact": "contact",
    "course_date": "calendar",
    "export": "export",
    "holiday": "calendar",
    "import": "export",
    "invitation": "account",
    "invited": "account",
    "mail": "mail",
    "passkey": "account",
    "password": "account",
    "recovery_code": "account",
    "reset_asked": "coming_in",
    "retention": "setting",
    "role": "account",
    "second_step": "account",
    "sequence": "follow_ups",
    "sessions": "coming_in",
    "setting": "setting",
    "signed": "coming_in",
    "template": "template",
    "totp": "account",
}


def kind_of(action: str) -> str:
    """Return what sort of thing an action is done to, by the longest beginning of its name that is known."""
    if action.endswith(("_exported", "_imported")):
        return "export"
    known = [beginning for beginning in _KINDS_BY_BEGINNING if action.startswith(beginning)]
    return _KINDS_BY_BEGINNING[max(known, key=len)] if known else "other"


def sentence_of(action: str, subject: str) -> str:
    """Return what was done, as the rest of a sentence that begins with a name: ``held all outgoing mail: Moving``.

    An action that nobody wrote words for is told by its own name.
    """
    words = _WORDS.get(action, action.replace("_", " "))
    return f"{words}: {subject}" if subject else words
