"""The permission needed for each page and button of the owner's area: one line per endpoint, without exception.

The product does not start with an endpoint missing here (`check`), so a new page stays closed until it gets a
permission. A page whose only use is to change something needs the permission of its button.
"""

from collections.abc import Iterable
from typing import Any

from flask import Flask, jsonify, make_response, render_template, request
from flask_login import current_user

from newsletter.accounts import Permission, Role, roles_with, with_permission
from newsletter.web.forms import PASSWORDS
from newsletter.web.language import _, lazy
from newsletter.web.state import reading

PREFIX = "owner."
SECRETS = (*PASSWORDS, "csrf_token", "code", "secret", "credential")
"""Fields whose input no page shows again."""
OPEN = frozenset({
    "login", "login_code", "login_passkey", "login_passkey_options", "forgot", "reset", "invitation", "address_press",
    "address_not_me",
})  # fmt: skip
"""Endpoints open without signing in."""
_NEEDED: dict[Permission, str] = {
    Permission.OWN: """
        logout proof settings settings_zone settings_password settings_address second_factor second_factor_on
        second_factor_off second_factor_codes passkeys passkey_options passkey_add passkey_remove session_end
        sessions_end_others""",
    Permission.READ: """
        dashboard search write articles article article_preview article_version article_versions campaigns campaign
        campaign_progress campaign_recipients campaign_links topics pictures guides guide_cover guide_file guide_page
        all_series series forms form_code subscribers subscribers_count subscriber subscriber_consent imports import_one
        import_progress bulk_actions bulk_action bulk_action_progress segments fields results result results_export
        funnel funnel_form funnel_export messages held mails mail_html feeds feed spam""",
    Permission.WRITE: """
        article_new article_edit article_frame article_typed article_test article_restore draft_keep draft_delete
        spam_ask campaign_links_ask
        picture_add picture_words picture_delete campaign_new campaign_whom campaign_left_out
        campaign_test campaign_try campaign_approval
        campaign_throw_away bring_over bring_over_do feed_add feed_save feed_do""",
    Permission.SEND: """
        article_archive article_clicks campaign_schedule campaign_leavings campaign_act campaign_ask_cancel
        campaign_choose campaign_test_stop campaign_words campaign_words_go_on campaign_words_preview
        campaign_resend_ask campaign_resend campaign_continue campaign_two_mails
        campaign_ask_again campaign_again campaign_hand_back feed_sending
        message_act""",
    Permission.ARRANGE: """
        series_live series_add series_step guide_save guide_new_ask guide_new guide_replace_ask guide_replace
        guide_shown guide_landing guide_landing_preview guide_setup guide_test form_new form_preview form_do
        form_delete field field_new field_delete topic topic_add topic_act form""",
    Permission.PEOPLE: """
        subscriber_edit_ask subscriber_edit subscriber_ask_again subscriber_unsubscribe subscriber_everything
        subscriber_erase subscriber_guide subscriber_series subscriber_lift subscriber_clicks
        subscriber_move_ask subscriber_move subscriber_pause subscriber_topics
        subscriber_consent_json subscribers_tag_ask subscribers_tag subscribers_tag_undo subscriber_import
        subscriber_import_send
        import_columns import_headings import_sheet import_basis import_act import_discard import_errors
        import_ask_undo import_undo bulk_action_new bulk_action_begin bulk_action_do segment segment_new
        segment_copy segment_delete""",
    Permission.EXPORT: "subscribers_export",
    Permission.ERASE: "bulk_action_erase",
    Permission.SETTINGS: """
        settings_brand settings_clicks settings_clicks_delete form_sites form_below reports reports_renew throwaway
        throwaway_save throwaway_ours throwaway_switch theme theme_save theme_mail theme_first texts text
        text_save text_ours text_preview privacy privacy_save data data_backup unlock examples
        examples_remove
        sending sending_state sending_check sending_relay sending_key sending_limit sending_warm_up
        sending_limit_remove""",
    Permission.TEAM: "audit team team_invite team_invitation team_role team_remove",
}
NEEDED: dict[str, Permission] = {name: permission for permission, names in _NEEDED.items() for name in names.split()}
ROLES = {
    Role.OWNER: lazy("owner"), Role.EDITOR: lazy("editor"), Role.WRITER: lazy("writer"), Role.VIEWER: lazy("viewer"),
}  # fmt: skip
WORDS = {
    Permission.OWN: lazy("change their own account"),
    Permission.READ: lazy("read these pages"),
    Permission.WRITE: lazy("write articles and draft campaigns"),
    Permission.SEND: lazy("send campaigns, decide about messages, and publish in the archive"),
    Permission.ARRANGE: lazy("change series, guides, forms, topics and fields"),
    Permission.PEOPLE: lazy("change subscribers and segments, and import lists"),
    Permission.EXPORT: lazy("take all subscribers out as a file"),
    Permission.ERASE: lazy("erase many subscribers at once"),
    Permission.SETTINGS: lazy("change the settings"),
    Permission.TEAM: lazy("say who is in the team, and read the audit log"),
}
"""Each permission as it reads after "may"."""


def check(app: Flask) -> None:
    """Raise ValueError, so that the product does not start, if an endpoint lacks a permission or the reverse."""
    known = {rule.endpoint.removeprefix(PREFIX) for rule in app.url_map.iter_rules() if _is_ours(rule.endpoint)}
    if wrong := known.symmetric_difference(NEEDED.keys() | OPEN) | (NEEDED.keys() & OPEN):
        raise ValueError(f"newsletter/web/owner/permissions.py: {', '.join(sorted(wrong))}")


def _is_ours(endpoint: str) -> bool:
    return endpoint.startswith(PREFIX)


def may(endpoint: str) -> bool:
    """Whether the user may open this endpoint; its name may include the blueprint's."""
    name = endpoint.removeprefix(PREFIX)
    return name in OPEN or bool(current_user.may(NEEDED[name]))


def refused() -> Any:
    """The answer to a user without permission, with whom to ask and what they typed; None if permitted."""
    permission = NEEDED[(request.endpoint or "").removeprefix(PREFIX)]
    return None if current_user.may(permission) else refusal(permission)


def refusal(permission: Permission) -> Any:
    """The page of refusal. Nothing was done, and it shows what was typed."""
    whom = roles_with(permission)
    if request.accept_mimetypes.best == "application/json":
        return jsonify(error=_("Your role may not do this any more: %(what)s.", what=WORDS[permission])), 403
    with reading() as session:
        people = [one.email for one in with_permission(session, permission)]
    page = render_template(
        "owner/refused.html", what=WORDS[permission], role=ROLES[current_user.role], people=people,
        roles=[ROLES[one] for one in whom], typed=list(_typed()),
    )  # fmt: skip
    return make_response(page, 403)


def _typed() -> Iterable[tuple[str, str]]:
    for name, value in request.form.items(multi=True):
        if name not in SECRETS and (len(value) > 40 or " " in value.strip()):
            yield name, value
