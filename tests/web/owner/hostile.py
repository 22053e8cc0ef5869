"""What besets every route: methods, texts, bodies, headers, kinds of content, and the names that forms have."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
KINDS_OF_TEXT = (
    ("", " ", "\ufeff"),
    ("\0", "a\0b", "\x7f\x1b[31m", "\r\nX-Evil: 1", "\ud7ff\ue000"),
    ("²", "९", "-1", "0"),
    ("9" * 30, "1" * 5000, "1e400", "NaN"),
    ("null", "[]", "\\", "%", "_"),
    ("../../etc/passwd", "/etc/localtime", "Europe/../.."),
    ("<script>alert(1)</script>", "'; DROP TABLE subscribers; --", "\u202egnp"),
    ("{{ 7*7 }}", "{{ '%999999999d' % 1 }}", "{% for x in y %}", "{{ brand.x.y }}", "{{"),
    ("9999-99-99", "0001-01-01", "9999-12-31", "24:61"),
    ("😀" * 70, "a" * 20_000),
    ("x@y", "a" * 65 + "@example.com", "ü@ü.ü"),
)
RAW = (b"%00", b"%ff%fe", b"%ED%A0%80", b"a=%", b"&&=&=", b"=" * 500, b"\xff\xfe\x00", b"a=1;b=2", b"+" * 999)
IDS = (
    "0",
    "1",
    "2",
    "-1",
    str(2**31),
    str(2**63 - 1),
    str(2**63),
    "9" * 40,
    "1.5",
    "²",
    "९",
    "%00",
    "1%00",
    "a",
    "%20",
)
HEADERS = (
    {"Cookie": "session=\xff; =; ;;; a=b; session=.eJw.x.y; remember_token=1|x"}, {"Cookie": "=" * 3000},
    {"Range": "bytes=9-1,-,5-"}, {"Range": "pages=1"}, {"If-Modified-Since": "never", "If-None-Match": '"'},
    {"If-Range": "x", "Range": "bytes=0-"}, {"Accept": "\xff;q=x", "Accept-Language": "-,;q=", "Accept-Encoding": "?"},
    {"Referer": "http://[::1"}, {"Referer": "\xff://\x01"}, {"Referer": "a" * 5000}, {"Authorization": "Bearer"},
    {"Authorization": "Basic =="}, {"Authorization": "Digest a"}, {"X-Forwarded-For": ",,unknown,\xff,[::"},
    {"X-Forwarded-Host": "localhost, localhost"}, {"Content-Length": "-1"}, {"Content-Length": "x"},
    {"Content-Length": "9" * 40}, {"Transfer-Encoding": "gzip"}, {"User-Agent": "\xff\x01"}, {"X-CSRFToken": "\xff"},
)  # fmt: skip
KINDS = (
    "application/json", "application/x-www-form-urlencoded; charset=klingon", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "text/plain; charset=utf-16", "a/b/c;;;=",
    "multipart/form-data; boundary=" + "b" * 300, "application/xml", "\xff", "",
)  # fmt: skip
JSON = ("[]", "{}", "1", "null", '"x"', "{", "[" * 3000, '{"email": {"a": [1]}, "csrf_token": 5}', "\ufeff{}", "NaN")

NAMES = {
    "csrf_token", "email", "first_name", "newsletter", "guide", "website", "proof", "press", "stop", "password",
    "title", "subject",
    "preheader", "body", "base", "topic", "article", "audience", "when", "day", "clock", "box", "attach", "delay",
    "zone", "name", "address", "old", "new", "new_again", "again", "List-Unsubscribe", "sequence", "series", "confirm",
    "id", "words", "file", "tags", "sites", "gives", "verb", "live", "public", "reason", "step", "sure", "upto",
    "agreed", "form", "correct", "begin_page", "begin", "question", "headline", "button", "consent_words", "ground",
    "after_url", "accept", "basis", "q", "tag", "status",
    "accent", "font", "corners", "follow_urls", "guide_colours", "logo", "logo_words", "logo_width", "mail", "take",
    "sitting", "follows", "named", "reader", "subscriber", "scheme", "pictures", "show",
    "pause", "go_on", "data", "erase", "topics", "shown", "left", "why", "clicks", "campaign", "slug", "number",
    "do", "kept", "landing", "add", "lead", "for_whom", "minutes", "b.0.kind", "b.0.heading", "b.0.text", "b.0.lines",
    "headed", "known", "b.0.pages", "b.0.question", "b.0.answer", "b.0.picture", "b.0.who", "b.0.gone",
    "role", "note", "answer", "seen", "source", "rhythm", "weekday", "hour", "makes", "takes_old",
    "asked", "in_series", "joined_after", "sent", "field", "how", "value", "segment", "from_topic",
    "part", "at_once", "look", "to", "credential", "behind", "count", "span", "whom", "domain", "counts", "relay",
    "scope", "closing", "language", "code", "fixed_topics", "picture", "picture_words", "below",
    "without", "had", "one_a_day",
}  # fmt: skip

QUERIES = {
    "next", "q", "requested", "state", "page", "before", "after", "to", "saved", "v", "lane", "status", "tag", "from",
    "form", "guide", "topic", "reviewed", "draft", "against", "days", "do", "series",
    "asked", "fetched", "joined_after", "joined_before", "zone", "in_series", "stage", "step", "sent", "clicked",
    "language", "field", "how", "kind", "who", "what", "value", "segment", "from_topic", "set_up", "name", "verb",
    "audience", "without", "had", "campaign", "article", "when", "day", "clock",
}  # fmt: skip
