"""What documents, texts and recordings say of themselves."""

import io
import struct
import wave
import zipfile

import pytest

from functions.files.media.imaging.boxes import mp4_facts
from functions.files.media.imaging.ebml import webm_facts
from functions.files.media.rules.codes import Refused
from functions.files.media.rules.kinds import Kind

from .conftest import read

CORE = (
    '<cp:coreProperties xmlns:cp="c" xmlns:dc="d" xmlns:dcterms="t"><dc:title>A plan</dc:title>'
    "<dc:creator>Ann</dc:creator><dcterms:created>2026-05-01T10:00:00Z</dcterms:created></cp:coreProperties>"
)


def office(**parts):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("docProps/core.xml", CORE)
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return body.getvalue()


def pdf(pages=1, text="Hello page", info=True, extra=b""):
    """A PDF as its specification shows the smallest."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(pages))
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        said = f"BT /F1 24 Tf 20 100 Td ({text} {number + 1}) Tj ET".encode()
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents {5 + 2 * number} 0 R"
        parts.append(page.encode() + b" /Resources << /Font << /F1 3 0 R >> >> >>")
        parts.append(f"<< /Length {len(said)} >>\nstream\n".encode() + said + b"\nendstream")
    parts.append(b"<< /Title (A plan) /Author (Ann) /CreationDate (D:20260501102030Z) >>")
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n".encode() + part + b"\nendobj\n"
    start = len(body)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer << /Size {len(parts) + 1} /Root 1 0 R /Info {len(parts)} 0 R >>\nstartxref\n{start}\n%%EOF"
    return body + f"xref\n0 {len(parts) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def mp4(scale=1000, length=2500, codec=b"avc1", size=(640, 360)):
    tkhd = bytes(76) + struct.pack(">II", size[0] << 16, size[1] << 16)
    stsd = bytes(4) + struct.pack(">I", 1) + struct.pack(">I4s", 16, codec) + bytes(8)
    trak = box(b"trak", box(b"tkhd", tkhd), box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", stsd)))))
    mvhd = bytes(12) + struct.pack(">II", scale, length) + bytes(80)
    return box(b"ftyp", b"isom" + bytes(8)) + box(b"mdat", bytes(50)) + box(b"moov", box(b"mvhd", mvhd), trak)


def element(kind, body):
    return kind + (0x10000000 | len(body)).to_bytes(4) + body


def webm(duration=True):
    info = element(b"\x2a\xd7\xb1", (1_000_000).to_bytes(3))
    info += element(b"\x44\x89", struct.pack(">d", 4_200.0)) if duration else b""
    video = element(b"\xe0", element(b"\xb0", (320).to_bytes(2)) + element(b"\xba", (240).to_bytes(2)))
    tracks = element(b"\xae", element(b"\x86", b"V_VP9") + video) + element(b"\xae", element(b"\x86", b"A_OPUS"))
    segment = element(b"\x15\x49\xa9\x66", info) + element(b"\x16\x54\xae\x6b", tracks)
    return (
        element(b"\x1a\x45\xdf\xa3", b"")
        + b"\x18\x53\x80\x67"
        + b"\x01"
        + b"\xff" * 7
        + segment
        + b"\x1f\x43\xb6\x75\xff"
    )


def sound():
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(4 * 8_000))
    return body.getvalue()


def test_a_pdf_says_its_pages_and_its_first_words(tmp_path):
    found = read(pdf(12), tmp_path, Kind.PDF)
    facts = found.of("facts")

    assert found.code is None and found.of("output")["w"] == 32
    assert (facts["pages"], facts["title"], facts["author"], facts["encrypted"]) == (12, "A plan", "Ann", False)
    assert (facts["created"], facts["page_w"], facts["page_h"]) == ("2026-05-01T10:20:30", 300, 200)
    assert "Hello page 1" in facts["text"] and "Hello page 10" in facts["text"] and "page 11" not in facts["text"]


def test_the_text_of_a_pdf_is_bounded(tmp_path):
    facts = read(pdf(10, "word " * 2_000), tmp_path, Kind.PDF).of("facts")

    assert len(facts["text"]) <= 20_000


def test_what_is_no_pdf_is_refused(tmp_path):
    assert read(b"%PDF-1.4 and nothing more", tmp_path, Kind.PDF).code == "corrupt"


def test_a_letter_says_its_words_though_its_runs_cut_them(tmp_path):
    document = (
        '<w:document xmlns:w="w"><w:p><w:r><w:t>Hel</w:t></w:r><w:r><w:t>lo there</w:t></w:r></w:p>'
        "<w:p><w:r><w:t>second</w:t><w:tab/><w:t>line</w:t></w:r></w:p></w:document>"
    )
    app = '<Properties xmlns="p"><Pages>3</Pages><Words>99</Words></Properties>'

    facts = read(office(word__document=document, docProps__app=app), tmp_path, Kind.OFFICE).of("facts")

    assert facts == {"title": "A plan", "author": "Ann", "created": "2026-05-01T10:00:00Z", "pages": 3, "words": 4}


def test_a_workbook_says_its_sheets(tmp_path):
    book = '<workbook xmlns="w"><sheets><sheet name="a"/><sheet name="b"/></sheets></workbook>'

    assert read(office(xl__workbook=book), tmp_path, Kind.OFFICE).of("facts")["sheets"] == 2


def test_a_presentation_says_its_slides(tmp_path):
    parts = {f"ppt__slides__slide{number}": "<s/>" for number in (1, 2, 3)}

    assert read(office(**parts), tmp_path, Kind.OFFICE).of("facts")["slides"] == 3


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 no", b"plain"], ids=["empty", "broken", "plain"])
def test_what_is_no_office_document_is_refused(tmp_path, body):
    assert read(body, tmp_path, Kind.OFFICE).code == "corrupt"


def test_a_zip_of_anything_else_is_refused(tmp_path):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("a.txt", "a")

    assert read(body.getvalue(), tmp_path, Kind.OFFICE).code == "corrupt"


@pytest.mark.parametrize(
    ("body", "encoding", "lines", "words"),
    [
        (b"", "ascii", 0, 0),
        (b"one two\nthree", "ascii", 2, 3),
        (b"one two\nthree\n", "ascii", 2, 3),
        ("gr\u00fc\u00dfe an alle".encode(), "utf-8", 1, 3),
        ("a b".encode("utf-8-sig"), "utf-8", 1, 2),
        ("a b c\n".encode("utf-16"), "utf-16", 1, 3),
        ("caf\u00e9 au lait".encode("cp1252"), "windows-1252", 1, 3),
        (b"x" * 1_048_575 + b"yz w", "ascii", 1, 2),
    ],
    ids=["empty", "plain", "ended", "utf-8", "marked", "utf-16", "old", "a word over two pieces"],
)
def test_a_text_says_how_much_of_it_there_is(tmp_path, body, encoding, lines, words):
    facts = read(body, tmp_path, Kind.TEXT).of("facts")

    assert (facts["encoding"], facts["lines"], facts["words"]) == (encoding, lines, words)


def test_a_film_says_how_long_it_is_and_in_what(tmp_path):
    facts = read(mp4(), tmp_path, Kind.CONTAINER).of("facts")

    assert facts == {"container": "mp4", "duration_seconds": 2.5, "codecs": ["h264"], "w": 640, "h": 360}


def test_a_webm_says_how_long_it_is_and_in_what(tmp_path):
    facts = read(webm(), tmp_path, Kind.CONTAINER).of("facts")

    assert facts == {"container": "webm", "codecs": ["vp9", "opus"], "duration_seconds": 4.2, "w": 320, "h": 240}
    assert "duration_seconds" not in webm_facts(io.BytesIO(webm(duration=False)))


def test_a_recording_says_how_long_it_is(tmp_path):
    facts = read(sound(), tmp_path, Kind.CONTAINER).of("facts")

    assert (facts["container"], facts["duration_seconds"], facts["sample_rate"]) == ("wav", 1.0, 8_000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a recording",
        box(b"ftyp", b"isom"),
        box(b"ftyp", b"isom") + struct.pack(">I4s", 4, b"moov"),
        box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"moov", 2**60),
        b"\x1a\x45\xdf\xa3\x00",
        b"\x1a\x45\xdf\xa3\x80",
        b"ID3" + b"\xff" * 20,
    ],
    ids=["empty", "text", "no movie", "a size of four", "a size of everything", "no length", "no tracks", "tags alone"],
)
def test_what_is_no_recording_is_refused(tmp_path, body):
    assert read(body, tmp_path, Kind.CONTAINER).code in {"corrupt", "unsupported"}


def test_boxes_and_elements_without_end_are_not_followed_to_it():
    with pytest.raises(Refused):
        mp4_facts(io.BytesIO(box(b"ftyp", b"isom") + box(b"abcd") * 20_000))
    with pytest.raises(Refused):
        webm_facts(io.BytesIO(element(b"\x1a\x45\xdf\xa3", b"") + b"\xec\x80" * 20_000))


def test_boxes_in_boxes_are_not_followed_to_any_depth():
    nested = b""
    for _ in range(200):
        nested = box(b"moov", nested)

    with pytest.raises(Refused):
        mp4_facts(io.BytesIO(nested))
