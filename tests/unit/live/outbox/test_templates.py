import pytest

from functions.live.outbox.templates import (
    WITHHELD,
    MissingVariable,
    UnknownTemplate,
    check,
    render,
    withheld,
)
from functions.live.outbox.wording import TEMPLATES

VALUES = {
    "code": "123456",
    "link": "https://tessera.test/#t=a&b=c",
    "at": "14 March 2030",
    "device": "Firefox",
    "organisation": "Atelier",
}
# Every other variable stands for itself.
VALUES |= {name: f"some {name}" for template in TEMPLATES.values() for name in template.variables if name not in VALUES}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_says_the_same_in_both_forms(name):
    made = render(name, VALUES, sender="Tessera")

    assert made.subject and "{" not in made.subject + made.text + made.html
    for variable in TEMPLATES[name].variables:
        assert VALUES[variable] in made.text
        assert VALUES[variable].replace("&", "&amp;") in made.html


@pytest.mark.parametrize(("name", "variable"), [(n, v) for n, t in TEMPLATES.items() for v in sorted(t.variables)])
def test_a_missing_variable_is_named(name, variable):
    values = {key: value for key, value in VALUES.items() if key != variable}

    with pytest.raises(MissingVariable) as refused:
        render(name, values, sender="Tessera")

    assert [error.pointer for error in refused.value.errors] == [f"/data/{variable}"]


def test_markup_in_a_value_stays_text():
    made = render("new-device", {**VALUES, "device": '<img src=x onerror="x">'}, sender="A & B")

    assert "<img" not in made.html and "&lt;img src=x onerror=&quot;x&quot;&gt;" in made.html
    assert "A &amp; B" in made.html and "A & B" in made.text


def test_a_value_cannot_bring_lines_or_variables_of_its_own():
    made = render("new-device", {**VALUES, "device": "x\r\n\r\n{at}"}, sender="Tessera")

    assert ": x {at}." in made.text


def test_an_unknown_template_is_refused_with_those_there_are():
    with pytest.raises(UnknownTemplate, match="verify-sign-up"):
        check("welcome", {}, sealed=False)


def test_what_is_sealed_is_not_missing_yet():
    check("verify-sign-up", {}, sealed=True)


def test_a_look_at_the_source_shows_no_secret():
    made = render("verify-sign-up", withheld("verify-sign-up", VALUES), sender="Tessera")

    assert WITHHELD in made.text
    assert "123456" not in made.text + made.html and "tessera.test/#t" not in made.text + made.html
