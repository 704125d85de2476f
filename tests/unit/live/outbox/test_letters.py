import base64
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.live.outbox.addresses import digest, normalised
from functions.live.outbox.letters import Attachment, Letter, text_of

WHEN = datetime(2030, 3, 14, 9, 26, 53, tzinfo=UTC)


def letter(**given):
    fields = {
        "mail_id": "01HZX3J0V7Q8M4N5P6R7S8T9VW",
        "attempt": 2,
        "category": "transactional",
        "sender": "hello@tessera.test",
        "sender_name": "Tessera",
        "to": ["ann@example.com"],
        "cc": [],
        "bcc": [],
        "subject": "News",
        "text": "Hello.",
        "html": None,
        "written_at": WHEN,
        **given,
    }
    return Letter(**fields)


def parsed(made):
    return message_from_bytes(made.mime(), policy=default)


def words(read, kind):
    return read.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_mime_roundtrip_unicode():
    file = base64.b64encode("Grüße, 世界".encode()).decode()
    read = parsed(
        letter(
            sender_name="Ünïted 邮局",
            subject="Grüße aus Köln 🌧️ " + "sehr lang " * 15,
            text="Zeile eins ä\nZeile zwei 世界\n",
            html="<p>Grüße 世界 🌍</p>",
            cc=["bob@example.com"],
            reply_to="reply@example.com",
            headers={"X-Campaign": "Frühling"},
            attachments=[Attachment("Übersicht 世界.txt", "text/csv", file)],
        )
    )

    assert read["Subject"].split() == ("Grüße aus Köln 🌧️ " + "sehr lang " * 15).split()
    assert read["From"].addresses[0].display_name == "Ünïted 邮局"
    assert [read["To"], read["Cc"], read["Reply-To"]] == ["ann@example.com", "bob@example.com", "reply@example.com"]
    assert read["X-Campaign"] == "Frühling"
    assert words(read, "plain") == "Zeile eins ä\nZeile zwei 世界\n"
    assert words(read, "html").strip() == "<p>Grüße 世界 🌍</p>"
    (attached,) = read.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("Übersicht 世界.txt", "text/csv")
    assert attached.get_payload(decode=True).decode() == "Grüße, 世界"


def test_every_line_ends_as_mail_wants_it_and_none_is_too_long():
    raw = letter(subject="ä" * 190, text="a" * 5000 + "\nb\r\nc", html="<p>" + "ü" * 3000 + "</p>").mime()

    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.isascii()


def test_blind_copies_stand_in_no_header():
    assert b"secret@example.com" not in letter(bcc=["secret@example.com"]).mime()


def test_each_attempt_has_a_message_id_of_its_own_and_names_the_mail():
    read = parsed(letter())

    assert read["Message-ID"] == "<01HZX3J0V7Q8M4N5P6R7S8T9VW.2@tessera.test>"
    assert read["X-Tessera-Mail"] == "01HZX3J0V7Q8M4N5P6R7S8T9VW/2"


def test_html_alone_gets_its_words_as_text():
    read = parsed(letter(text=None, html="<h1>Hello</h1><p>Go <a href='https://a.test/x'>here</a>.</p>"))

    assert words(read, "plain") == "Hello\nGo here (https://a.test/x).\n"


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<p>a</p><p>b</p>", "a\nb\n"),
        ("a<br>b", "a\nb\n"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two\n"),
        ("<style>p{}</style><script>x()</script>seen", "seen\n"),
        ("1 &lt; 2 &amp; 3", "1 < 2 & 3\n"),
        ('<a href="https://a.test">https://a.test</a>', "https://a.test\n"),
    ],
)
def test_the_words_of_html(markup, words):
    assert text_of(markup) == words


@given(st.text(max_size=300), st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=120))
def test_any_words_and_subject_make_a_mail_that_reads_back(body, subject):
    body = "".join(char for char in body if not 0xD800 <= ord(char) <= 0xDFFF)
    raw = letter(text=body, html=f"<p>{body}</p>", subject=subject).mime()

    read = message_from_bytes(raw, policy=default)
    assert read["X-Tessera-Mail"] == "01HZX3J0V7Q8M4N5P6R7S8T9VW/2"
    assert " ".join(read["Subject"].split()) == " ".join(subject.split())


# What a decoder would make line ends, headers of its own, or nothing readable of.
LOOKS_ENCODED = [
    "=?utf-8?q?a=0D=0ABcc:_eve=40example.com?=",
    "=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
    "=?utf-8?q?=ff?= é",
    "=?utf-8?q?=00?=",
    "x =?nowhere?q?y?= =?utf-8?q?=0D=0A=0D=0A<b>z</b>?=",
    "=?",
]
TEXT = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=150)
NASTY = st.one_of(st.sampled_from(LOOKS_ENCODED), TEXT, st.builds("{} {}".format, TEXT, st.sampled_from(LOOKS_ENCODED)))
SET_BY_US = {"from", "to", "subject", "date", "message-id", "x-tessera-mail", "content-type", "mime-version"}


def as_read(value):
    """A header as a reader shows it, by the oldest decoder there is."""
    return " ".join(str(make_header(decode_header(value))).split())


@given(subject=NASTY, header=NASTY, name=NASTY, sender=NASTY)
@example(subject=LOOKS_ENCODED[0], header=LOOKS_ENCODED[1], name=LOOKS_ENCODED[0], sender=LOOKS_ENCODED[0])
def test_what_looks_encoded_is_text_and_brings_no_header(subject, header, name, sender):
    file = Attachment(name, "text/plain", "YQ==")
    raw = letter(subject=subject, headers={"X-Campaign": header}, attachments=[file], sender_name=sender).mime()

    read = message_from_bytes(raw, policy=compat32)
    assert {header.lower() for header in read} == {*SET_BY_US, "x-campaign"}
    assert as_read(read["Subject"]) == " ".join(subject.split())
    assert as_read(read["X-Campaign"]) == " ".join(header.split())
    assert read["From"].endswith("<hello@tessera.test>")
    _, attached = read.get_payload()
    assert {header.lower() for header in attached} <= {
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "mime-version",
    }
    assert attached.get_payload(decode=True) == b"a"
    assert attached.get_filename() == name.strip()
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Report (2).pdf", 'filename="Report (2).pdf"'),
        ("Übersicht.pdf", "filename*=utf-8''%C3%9Cbersicht.pdf"),
        ('a".pdf', "filename*=utf-8''a%22.pdf"),
        ("é" * 21, f"filename*0*=utf-8''{'%C3%A9' * 20};\r\n filename*1*=%C3%A9"),
    ],
)
def test_a_file_is_called_what_it_was(name, written):
    raw = letter(attachments=[Attachment(name, "text/plain", "YQ==")]).mime()

    assert f"Content-Disposition: attachment;\r\n {written}\r\n".encode() in raw
    (read,) = message_from_bytes(raw, policy=default).iter_attachments()
    assert read.get_filename() == name


@pytest.mark.parametrize("local", ["=?utf-8?q?a=0D=0ABcc:_eve?=", "=?utf-8?q?x?="])
def test_an_address_that_looks_encoded_stands_as_it_is(local):
    raw = letter(to=[f"{local}@example.com", "bob@example.com"], reply_to=f"{local}@example.com").mime()

    assert f"To: {local}@example.com,\r\n bob@example.com\r\n".encode() in raw
    assert b"\r\nBcc" not in raw


@pytest.mark.parametrize("length", [1, 77, 800])
def test_a_long_value_is_folded_where_it_may_be_and_kept_whole(length):
    value = "<" + "a" * length + "> " + "b" * 60 + " c"
    read = parsed(letter(headers={"References": value}))

    assert read["References"].replace("\r\n", "").strip() == value


def test_fifty_recipients_stand_on_lines_of_their_own():
    people = [f"person.with.a.long.name.{number}@example.com" for number in range(50)]

    read = parsed(letter(to=people))

    assert [str(one) for one in read["To"].addresses] == people


@pytest.mark.parametrize(
    ("given_address", "kept"),
    [
        ("Ann@Example.COM", "Ann@example.com"),
        ("ann+tag@example.com", "ann+tag@example.com"),
        ("o'neil@example.co.uk", "o'neil@example.co.uk"),
        ("ann@faß.de", "ann@xn--fa-hia.de"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_an_address_has_one_spelling(given_address, kept):
    assert normalised(given_address) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        "ann",
        "@example.com",
        "ann@",
        "ann@localhost",
        "a b@example.com",
        "ann@exa mple.com",
        "ann@example..com",
        ".ann@example.com",
        "ann.@example.com",
        "Ann <ann@example.com>",
        "ann@example.com\r\nBcc: x@example.com",
        "ann@-example.com",
        "änn@example.com",
        "a" * 65 + "@example.com",
        "ann@" + "a" * 64 + ".com",
        "ann@[127.0.0.1]",
        "ann,bob@example.com",
        "ann@example.com.",
    ],
)
def test_what_is_no_address_is_refused(wrong):
    with pytest.raises(ValueError):
        normalised(wrong)


def test_spellings_of_one_mailbox_share_a_hash():
    assert digest("Ann@example.com") == digest("ann@example.com") != digest("ann+1@example.com")
