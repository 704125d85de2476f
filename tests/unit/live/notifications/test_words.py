"""Templates, schemas, what an SMS costs: decisions about text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.live.notifications.catalogue import KINDS, SHIPPED, shown, words_of
from functions.live.notifications.mappings import WIRED
from functions.live.notifications.rules import shapes, sms
from functions.live.notifications.rules.kinds import CHANNELS, Words
from functions.live.notifications.rules.templates import BadTemplate, check, parse, render
from functions.live.notifications.rules.words import digest_words, faults_of, fill, mail_html

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "order": {"type": "object", "properties": {"number": {"type": "integer"}}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"title": {"type": "string"}}}},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("template", "data", "said"),
    [
        ("Hi {{name}}!", {"name": "Ann"}, "Hi Ann!"),
        ("{{ order.number }}", {"order": {"number": 7}}, "7"),
        ("{{#lines}}-{{title}};{{/lines}}", {"lines": [{"title": "a"}, {"title": "b"}]}, "-a;-b;"),
        ("{{#tags}}{{.}} {{/tags}}", {"tags": ["x", "y"]}, "x y "),
        ("{{#name}}there{{/name}}{{^name}}nobody{{/name}}", {}, "nobody"),
        ("{{missing}}|", {}, "|"),
        ("no braces", {}, "no braces"),
    ],
)
def test_a_template_is_filled(template, data, said):
    assert render(template, data) == said


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{{nmae}}", 1),
        ("Hello\n\n{{order.nummer}}", 3),
        ("{{#lines}}\n{{titel}}{{/lines}}", 2),
        ("a\n{{#name}}", 2),
        ("{{/name}}", 1),
        ("x\n{{ name }", 2),
        ("{{name}}}}", 1),
        ("{{lines}}", 1),
        ("{{ 1 + 1 }}", 1),
        ("{{#name}}" * 6 + "{{/name}}" * 6, 1),
    ],
)
def test_a_bad_placeholder_is_refused_with_its_line(template, line):
    with pytest.raises(BadTemplate) as refused:
        check(template, SCHEMA)

    assert refused.value.line == line


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text):
    try:
        parse(text)
    except BadTemplate as refused:
        assert refused.line >= 1


@given(st.text(max_size=100))
def test_html_is_escaped_whatever_the_data(text):
    words = fill("email", Words("t", html="<b>{{name}}</b>"), {"name": text})

    assert "<" not in words.html.removeprefix("<b>").removesuffix("</b>")


def test_a_line_end_never_gets_into_a_subject():
    words = fill("email", Words("Hello {{name}}"), {"name": "x\r\nBcc: eve@example.com\u2028y"})

    assert words.title == "Hello x Bcc: eve@example.com y"
    assert [fault.pointer for fault in faults_of("email", Words("a\r\nBcc: x"), SCHEMA)] == ["/title"]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x", 'https://x"y']
)
def test_a_link_of_another_scheme_is_left_out(link):
    assert fill("inapp", Words("t", link="{{name}}"), {"name": link}).link == ""
    assert fill("inapp", Words("t", link="/orders/{{name}}"), {"name": "7"}).link == "/orders/7"


def test_a_mail_without_html_of_its_own_is_safe_too():
    page = mail_html(Words("<script>", "a <b>\n\nc"), base="https://x.test", unsubscribe="https://x.test/u?a=1&b=2")

    assert "<script>" not in page and "<b>" not in page and "a=1&amp;b=2" in page


def test_a_digest_names_what_it_leaves_out():
    words = digest_words("Comments", [Words(f"t{number}") for number in range(20)], 3)

    assert words.title == "Comments: 23 new" and words.body.endswith("+3 more") and words.body.count("\n") == 20


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_comes_with_us_can_be_published(name, channel):
    kind = KINDS[name]

    assert shapes.faults_of(kind.schema) == []
    assert faults_of(channel, words_of(name, channel), shown(kind.schema)) == []
    assert set(SHIPPED[name].channels.split()) <= set(CHANNELS)


@pytest.mark.parametrize("mapped", WIRED, ids=lambda one: one.event)
def test_an_event_gives_what_its_type_shows(mapped):
    said = dict.fromkeys(mapped.reads, "x")

    assert shapes.misfits(KINDS[mapped.type].schema, mapped.filled(said)) == []
    assert mapped.topic or mapped.users(dict.fromkeys(mapped.who.split(), "u"))


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "string"}, "/schema/type"),
        ({"type": "object", "properties": {"a": {"type": "date"}}}, "/schema/properties/a/type"),
        ({"type": "object", "patternProperties": {}}, "/schema/patternProperties"),
        ({"type": "object", "required": ["a"]}, "/schema/required"),
        ({"type": "object", "additionalProperties": True}, "/schema/additionalProperties"),
        (
            {"type": "object", "properties": {"a": {"type": "string", "maxLength": -1}}},
            "/schema/properties/a/maxLength",
        ),
        ({"type": "object", "properties": {"a-b": {"type": "string"}}}, "/schema/properties"),
        ({"type": "object", "properties": {"a": {"type": "array"}}}, "/schema/properties/a/items/type"),
        ({"type": "object", "properties": {"a": {"type": "string", "enum": [1]}}}, "/schema/properties/a/enum"),
        ({"type": "object", "properties": {"a": {"type": "number", "minimum": "1"}}}, "/schema/properties/a/minimum"),
    ],
)
def test_a_schema_that_is_not_understood_is_refused(schema, pointer):
    assert pointer in [fault.pointer for fault in shapes.faults_of(schema)]


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ({"name": "x"}, []),
        ({}, ["/data/name"]),
        ({"name": 5}, ["/data/name"]),
        ({"name": "x", "more": 1}, ["/data/more"]),
        ({"name": "x", "order": {"number": True}}, ["/data/order/number"]),
        ({"name": "x", "lines": [{"title": 1}]}, ["/data/lines/0/title"]),
        ({"name": "x" * 2_001}, ["/data/name"]),
        ({"name": "x", "tags": ["a"] * 101}, ["/data/tags"]),
    ],
)
def test_data_is_held_to_its_schema(data, pointers):
    assert [fault.pointer for fault in shapes.misfits(SCHEMA, data)] == pointers


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, (1, "GSM-7")),
        ("a" * 161, (2, "GSM-7")),
        ("a" * 306, (2, "GSM-7")),
        ("a" * 307, (3, "GSM-7")),
        ("€" * 80, (1, "GSM-7")),
        ("€" * 81, (2, "GSM-7")),
        # An escape and what it is for stay together, so that a part of 153 holds 76 of them.
        ("€" * 153, (3, "GSM-7")),
        ("ж" * 70, (1, "UCS-2")),
        ("ж" * 71, (2, "UCS-2")),
        ("😀" * 35, (1, "UCS-2")),
        ("😀" * 36, (2, "UCS-2")),
        ("", (1, "GSM-7")),
    ],
)
def test_the_parts_of_an_sms_are_counted(text, parts):
    assert sms.segments(text) == parts


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("STOP", "stop"),
        (" stop. ", "stop"),
        ("Start", "start"),
        ("HELP?", "help"),
        ("please stop it", None),
        ("", None),
    ],
)
def test_keywords_are_understood_alone(text, wanted):
    assert sms.keyword(text) == wanted
