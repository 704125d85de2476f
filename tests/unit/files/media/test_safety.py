"""Files that were made to harm whoever opens them: each is refused by name, in little time and little memory."""

import io
import struct
import subprocess
import sys
import textwrap
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from functions.files.media import sandbox
from functions.files.media.rules.codes import Code
from functions.files.media.rules.kinds import Kind
from functions.files.media.rules.outputs import Format, Spec, normal, text_of
from localstack.seed.pictures import chunk, png
from tests.kit.scenes import broken, encoded, mutated, scene, small

from .conftest import read

pytestmark = pytest.mark.long

MIB = 1024 * 1024
PERMANENT = {code.value for code in Code} - {Code.UNAVAILABLE.value}
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
WORD = "word/document.xml"


def png_header(width, height, depth=8, colour=2):
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png_with(extra):
    plain = png(8, 8)
    return plain[:33] + extra + plain[33:]


def gif(frames, width=4, height=4, screen=None):
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", *(screen or (width, height)), 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    return head + frame * frames + b"\x3b"


def tiff(entries, following=0, body=b""):
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + packed + struct.pack("<I", following) + body


def jpeg_that_claims(width, height):
    body = bytearray(encoded(scene(16, 16), "JPEG"))
    place = body.index(b"\xff\xc0")
    body[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(body)


def webp_that_claims(width, height):
    extended = bytes([0, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    plain = encoded(scene(16, 16), "WEBP")[12:]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + extended + plain
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_that_claims(width, height):
    body = bytearray(encoded(scene(16, 16), "AVIF"))
    place = body.index(b"ispe")
    body[place + 8 : place + 16] = struct.pack(">II", width, height)
    return bytes(body)


def office(parts):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {"[Content_Types].xml": "<Types/>", **parts}.items():
            archive.writestr(name, text)
    return body.getvalue()


def entities():
    nested = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY a0 "ha">{nested}]><x><t>&a9;</t></x>'


def pdf_page(width, height):
    return encoded(scene(16, 16), "PDF").replace(
        b"/MediaBox [ 0 0 16.0 16.0 ]", f"/MediaBox [ 0 0 {width} {height} ]".encode()
    )


BOMBS = {
    "sixty thousand squared": (lambda: png_header(60_000, 60_000)[:60], Kind.IMAGE, {"too_many_pixels"}),
    "a text chunk that unpacks to 100 MB": (
        lambda: png_with(chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(100 * MIB)))),
        Kind.IMAGE,
        {"corrupt"},
    ),
    "a profile that unpacks to 100 MB": (
        lambda: png_with(chunk(b"iCCP", b"x\x00\x00" + zlib.compress(bytes(100 * MIB)))),
        Kind.IMAGE,
        {"corrupt", None},
    ),
    "ten thousand frames": (lambda: gif(10_000), Kind.IMAGE, {"too_many_frames"}),
    "frames that are many pixels together": (lambda: gif(100, 2_000, 2_000), Kind.IMAGE, {"too_many_frames"}),
    "a screen of 65,535 squared": (lambda: gif(1, screen=(65_535, 65_535)), Kind.IMAGE, {"too_many_pixels"}),
    "a frame larger than its screen": (lambda: gif(1, 60_000, 60_000, (4, 4)), Kind.IMAGE, {"too_many_pixels"}),
    "nothing at all": (lambda: b"", Kind.IMAGE, {"corrupt"}),
    "a script by the name of a picture": (lambda: b"#!/bin/sh\nrm -rf /\n", Kind.IMAGE, {"unsupported"}),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", Kind.IMAGE, {"unsupported"}),
    "a TIFF of a million squared": (
        lambda: tiff([(256, 4, 1_000_000), (257, 4, 1_000_000), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]),
        Kind.IMAGE,
        {"too_many_pixels", "corrupt"},
    ),
    "a TIFF whose pages go round": (
        lambda: tiff([(256, 4, 4), (257, 4, 4)], following=8),
        Kind.IMAGE,
        {"too_many_frames"},
    ),
    "a WebP of the largest canvas": (
        lambda: webp_that_claims(16_384, 16_384),
        Kind.IMAGE,
        {"too_many_pixels", "corrupt"},
    ),
    "a JPEG of 65,500 squared": (lambda: jpeg_that_claims(65_500, 65_500), Kind.IMAGE, {"too_many_pixels"}),
    "an AVIF of 60,000 squared": (lambda: avif_that_claims(60_000, 60_000), Kind.IMAGE, {"too_many_pixels", "corrupt"}),
    "a page as large as a field": (lambda: pdf_page(900_000, 900_000), Kind.PDF, {"too_many_pixels"}),
    "a zip that unpacks to 100 MB": (
        lambda: office({WORD: "<w>" + " " * (100 * MIB) + "</w>"}),
        Kind.OFFICE,
        {"too_large"},
    ),
    "entities in entities": (lambda: office({WORD: entities()}), Kind.OFFICE, {"corrupt"}),
    "a hundred thousand parts": (
        lambda: office({f"word/{n}.xml": "" for n in range(11_000)}),
        Kind.OFFICE,
        {"too_large"},
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_corpus(tmp_path, name):
    make, kind, codes = BOMBS[name]

    found = read(make(), tmp_path, kind)

    end = found.of("end")
    assert found.code in codes
    assert end["rss_bytes"] < 200 * MIB and end["cpu_seconds"] < 5


@pytest.mark.parametrize("name", FORMATS)
def test_two_hundred_bad_pictures_are_refused_by_name(tmp_path, name):
    """35 of each of six formats; the most that any took is held against the limits."""
    whole = small(name)

    def one(seed):
        return read(broken(whole, seed), tmp_path / str(seed))

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, range(35)))

    assert {reading.code for reading in found} <= PERMANENT
    assert max(reading.of("end")["rss_bytes"] for reading in found) < 200 * MIB
    assert max(reading.of("end")["cpu_seconds"] for reading in found) < 5


@pytest.mark.parametrize("name", [*FORMATS, "PDF"])
def test_what_is_only_damaged_is_refused_by_name_or_makes_a_picture(tmp_path, name):
    whole = encoded(scene(48, 32), "PDF") if name == "PDF" else small(name)
    kind = Kind.PDF if name == "PDF" else Kind.IMAGE
    output = normal(Spec(32, 32, Format.WEBP))

    for seed in range(8):
        found = read(mutated(whole, seed), tmp_path / str(seed), kind)
        if found.code is None:
            Image.open(tmp_path / str(seed) / output.filename).load()
        else:
            assert found.code in PERMANENT


def test_a_truncated_picture_fails_and_is_not_half_grey(tmp_path):
    whole = encoded(scene(), "JPEG")

    assert read(whole[: len(whole) // 2], tmp_path).code == "corrupt"


def test_what_is_a_picture_and_something_else_comes_out_as_a_picture_alone(tmp_path):
    output = normal(Spec(32, 32, Format.WEBP))
    hidden = b"PK\x03\x04<script>alert(1)</script>"

    found = read(small("GIF") + hidden, tmp_path)

    assert found.code is None
    assert b"script" not in (tmp_path / output.filename).read_bytes()


def test_a_picture_of_just_the_allowed_size_is_made_within_the_memory(tmp_path):
    body = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 8_000, 8_000, 8, 0, 0, 0, 0))
    body += chunk(b"IDAT", zlib.compress(bytes(8_001 * 8_000), 1)) + chunk(b"IEND", b"")

    found = read(body, tmp_path)

    assert found.code is None and found.of("source")["w"] == 8_000
    assert found.of("end")["rss_bytes"] < 900 * MIB


def test_a_process_that_takes_more_memory_than_it_may_is_refused_it(tmp_path):
    body = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 8_000, 8_000, 8, 2, 0, 0, 0))
    body += chunk(b"IDAT", zlib.compress(bytes(24_001 * 8_000), 1)) + chunk(b"IEND", b"")

    assert read(body, tmp_path, memory_bytes=260 * MIB).code == "too_much_memory"


def many():
    return text_of([normal(Spec(4_000 - n, 0, Format.AVIF, enlarge=True)) for n in range(12)])


def test_a_process_that_takes_too_long_is_ended_by_the_kernel(tmp_path):
    found = read(encoded(scene(), "PNG"), tmp_path, specs=many(), cpu_seconds=1)

    assert found.lines[-1] == {"refused": "timeout"} and found.of("end") is None


def test_a_process_that_only_waits_is_ended_by_its_parent(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(small("PNG"))
    beats = []

    lines = list(sandbox.run(sandbox.Task(path, tmp_path, Kind.IMAGE), lambda: beats.append(1), wall_seconds=0.0))

    assert lines == [{"refused": "timeout"}] and beats == []


def test_whoever_waits_is_told_that_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "BEAT_SECONDS", 0.0)
    path, beats = tmp_path / "source", []
    path.write_bytes(small("PNG"))

    list(sandbox.run(sandbox.Task(path, tmp_path, Kind.IMAGE), lambda: beats.append(1)))

    assert beats


def test_a_decoder_that_falls_over_its_input_is_not_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "_START", "import os,signal;os.kill(os.getpid(),signal.SIGSEGV)")

    assert read(small("PNG"), tmp_path).lines == [{"refused": "corrupt"}]


def test_a_process_that_somebody_killed_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "_START", "import os,signal;os.kill(os.getpid(),signal.SIGKILL)")

    with pytest.raises(sandbox.Lost):
        read(small("PNG"), tmp_path)


def inside(code):
    """What this prints in a process under the limits."""
    start = textwrap.dedent(
        f"""
        import sys
        sys.path[:] = {sys.path!r}
        from functions.files.media.imaging import limits
        held = limits.hold()
        """
    )
    asked = [sys.executable, "-I", "-c", start + textwrap.dedent(code)]
    return subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False, cwd=Path.cwd()).stdout.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the filter of system calls is Linux's")
@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import subprocess; subprocess.run(['/bin/true'])",
        "import os; os.execv('/bin/true', ['true'])",
    ],
)
def test_a_process_under_the_limits_makes_no_socket_and_starts_no_program(attempt):
    said = inside(
        f"""
        try:
            {attempt}
            print("done")
        except PermissionError:
            print("refused" if held else "done")
        """
    )
    assert said == "refused"


def test_the_process_has_nothing_of_its_parents_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for it")
    monkeypatch.setattr(
        sandbox,
        "_START",
        "import json,os;print(json.dumps({'names': sorted(os.environ)}));print(json.dumps({'end': 0}))",
    )

    names = set(read(small("PNG"), tmp_path).of("names"))

    assert names <= {"LC_ALL", "LC_CTYPE", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "LD_LIBRARY_PATH"}
