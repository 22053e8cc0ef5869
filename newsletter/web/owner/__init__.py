"""The owner's area: one file for each noun, all on one blueprint that lets nobody in without signing in."""

from flask import Flask
from flask_bootstrap import Bootstrap5

from newsletter.accounts.session import LONGEST
from newsletter.web.owner import (
    ab_tests,
    ab_trial,
    approval,
    articles,
    audit,
    bring_over,
    bulk_actions,
    campaigns,
    clicks,
    dashboard,
    drafts,
    feeds,
    fields,
    funnel,
    guide_setup,
    guides,
    held,
    import_basis,
    import_columns,
    import_undo,
    importing,
    landing,
    leavings,
    mails,
    messages,
    own_guides,
    passkey_sign_in,
    passkeys,
    people,
    permissions,
    person,
    pictures,
    progress,
    proof,
    receipt,
    recipients,
    reports,
    resending,
    reset,
    results,
    rewording,
    search,
    second_factor,
    second_tries,
    segment_tree,
    segments,
    series,
    sessions,
    settings,
    sign_up_forms,
    subscribers,
    team,
    theme,
    throwaway,
    too_large,
    topics,
    typed,
    versions,
)
from newsletter.web.owner.display import FILTERS
from newsletter.web.owner.door import door
from newsletter.web.owner.session import manager

__all__ = [
    "ab_tests",
    "ab_trial",
    "approval",
    "articles",
    "audit",
    "bring_over",
    "bulk_actions",
    "campaigns",
    "clicks",
    "dashboard",
    "drafts",
    "feeds",
    "fields",
    "funnel",
    "guide_setup",
    "guides",
    "held",
    "import_basis",
    "import_columns",
    "import_undo",
    "importing",
    "install",
    "landing",
    "leavings",
    "mails",
    "messages",
    "own_guides",
    "passkey_sign_in",
    "passkeys",
    "people",
    "permissions",
    "person",
    "pictures",
    "progress",
    "proof",
    "receipt",
    "recipients",
    "reports",
    "resending",
    "reset",
    "results",
    "rewording",
    "search",
    "second_factor",
    "second_tries",
    "segment_tree",
    "segments",
    "series",
    "sessions",
    "settings",
    "sign_up_forms",
    "subscribers",
    "team",
    "theme",
    "throwaway",
    "too_large",
    "topics",
    "typed",
    "versions",
]


def install(app: Flask) -> None:
    """Put the owner's area under /owner, with Flask-Login and Bootstrap's own files."""
    app.config.update(
        PERMANENT_SESSION_LIFETIME=LONGEST,
        # Pages carry `Referrer-Policy: no-referrer` (personal links must not travel), so there is none to compare.
        # The token in the form and the SameSite cookie stay.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.static_url_path = "/static"  # the app has no static folder of its own, and Bootstrap-Flask builds on this
    Bootstrap5(app)
    manager.init_app(app)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["may"] = permissions.may
    app.register_blueprint(door)
    permissions.check(app)
