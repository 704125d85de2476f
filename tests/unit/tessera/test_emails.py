"""Addresses: one key for every spelling of one mailbox."""

import pytest

from tessera.emails import parse
from tessera.problems import InvalidRequest

GOOD = [
    ("ann@example.com", "ann@example.com"),
    ("Ann@Example.COM", "ann@example.com"),
    ("ANN@EXAMPLE.COM", "ann@example.com"),
    ("ann.lee@example.com", "ann.lee@example.com"),
    ("ann+news@example.com", "ann+news@example.com"),
    ("a@example.com", "a@example.com"),
    ("o'brien@example.com", "o'brien@example.com"),
    ("ann_lee@example.com", "ann_lee@example.com"),
    ("ann-lee@example.com", "ann-lee@example.com"),
    ("12345@example.com", "12345@example.com"),
    ("!#$%&*/=?^`{|}~@example.com", "!#$%&*/=?^`{|}~@example.com"),
    ("ann@mail.example.co.uk", "ann@mail.example.co.uk"),
    ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
    ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
    ("ann@faß.example", "ann@xn--fa-hia.example"),
    ("jürgen@example.com", "jürgen@example.com"),
    ("JÜRGEN@example.com", "jürgen@example.com"),
    ("ju\u0308rgen@example.com", "jürgen@example.com"),
    ("straße@example.com", "strasse@example.com"),
    ("δοκιμή@example.com", "δοκιμή@example.com"),
    ("用户@example.com", "用户@example.com"),
    ("почта@пример.example", "почта@xn--e1afmkfd.example"),
    ("Ω@example.com", "ω@example.com"),
    ("ı@example.com", "ı@example.com"),
    # The two small sigmas are one letter, and the long s is an s.
    ("\u03c2ίσυφος@example.com", "σίσυφοσ@example.com"),
    ("ΣΊΣΥΦΟΣ@example.com", "σίσυφοσ@example.com"),
    ("\u017fam@example.com", "sam@example.com"),
    ("\u0130bo@example.com", "i\u0307bo@example.com"),
    ("\u1100\u1161@example.com", "\uac00@example.com"),
    ("\ufb01n@example.com", "fin@example.com"),
    # Another width is another letter: what a provider makes of it is its own business.
    ("\uff41nn@example.com", "\uff41nn@example.com"),
    ("علي@example.com", "علي@example.com"),
    ("דוד@example.com", "דוד@example.com"),
    ("राम@example.com", "राम@example.com"),
    ("สมชาย@example.com", "สมชาย@example.com"),
    ("łukasz@example.com", "łukasz@example.com"),
    ("ÆØÅ@example.com", "æøå@example.com"),
    ("E\u0301va@example.com", "éva@example.com"),
    ("\u212bsa@example.com", "åsa@example.com"),
    ("stra\u1e9ee@example.com", "strasse@example.com"),
    ("ann@例え.example", "ann@xn--r8jz45g.example"),
    ("ann@ΕΛΛΆΔΑ.example", "ann@xn--hxakic4aa.example"),
    ("ann@日本\u3002example", "ann@xn--wgv71a.example"),
    ("ann@MÜNCHEN.example", "ann@xn--mnchen-3ya.example"),
    ("ann@\uff45xample.com", "ann@example.com"),
    ("Νίκος@παράδειγμα.example", "νίκοσ@xn--hxajbheg2az3al.example"),
    (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
]
BAD = [
    "",
    "ann",
    "ann@",
    "@example.com",
    "ann@@example.com",
    "ann@localhost",
    "ann@exa mple.com",
    "an n@example.com",
    " ann@example.com",
    "ann@example.com ",
    ".ann@example.com",
    "ann.@example.com",
    "a..n@example.com",
    "ann@-example.com",
    "ann@example-.com",
    "ann@example..com",
    "ann@[127.0.0.1]",
    "Ann <ann@example.com>",
    '"ann"@example.com',
    "ann@example.com\r\nBcc: bob@example.com",
    "ann\u0000@example.com",
    "ann\u202e@example.com",
    "a\u200bnn@example.com",
    "ann\u00ad@example.com",
    "ann@exam\u2066ple.com",
    f"{'a' * 65}@example.com",
    f"ann@{'a' * 64}.com",
    f"ann@{'a.' * 130}com",
    "ann@☃.example\u0007",
]


def test_email_unicode_table_is_long_enough():
    assert len(GOOD) >= 40


@pytest.mark.parametrize(("text", "key"), GOOD)
def test_email_unicode_table(text: str, key: str):
    assert parse(text).key == key


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(InvalidRequest) as refused:
        parse(text)

    assert refused.value.errors[0].pointer == "/email"


def test_case_mappings_that_collide_elsewhere_stay_apart_here():
    # The Kelvin sign folds to k, as every mailbox that ignores case sees it; the dotless i stays its own letter.
    assert parse("\u212aate@example.com").key == "kate@example.com"
    assert parse("m\u0131ke@example.com").key != parse("mike@example.com").key


def test_mail_goes_to_the_spelling_that_was_given():
    assert parse("Ann.Lee@Example.com").spelled == "Ann.Lee@example.com"


@pytest.mark.parametrize(
    ("text", "key", "local_part", "domain"),
    [
        ("Ann@Example.COM", "ann@example.com", "Ann", "example.com"),
        ("ann+x@example.com", "ann+x@example.com", "ann+x", "example.com"),
        ("ann@faß.example.org", "ann@xn--fa-hia.example.org", "ann", "xn--fa-hia.example.org"),
        ("ÄNN@example.com", "änn@example.com", "ÄNN", "example.com"),
    ],
)
def test_an_address_has_one_key_for_all_its_spellings(text: str, key: str, local_part: str, domain: str):
    found = parse(text)

    assert (found.key, found.local_part, found.domain) == (key, local_part, domain)
