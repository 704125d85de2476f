"""The code that a camera reads."""

import itertools
import re

import pytest

from functions.content.shortener import qr

from .conftest import slug

COMBINATIONS = list(itertools.product("LMQH", (1, 3, 8, 16, 64), (("000000", "ffffff"), ("1d3557", "f1faee"))))


def raster(svg):
    """The drawing as grey values: one path of horizontal strokes, as its library writes it, on a light ground."""
    width = int(re.search(r'width="(\d+)"', svg)[1])
    scale = re.search(r'transform="scale\((\d+)\)"', svg)
    side = width // (int(scale[1]) if scale else 1)
    modules = [[255] * side for _ in range(side)]
    (path,) = [one for one in re.findall(r'<path[^>]*\bd="([^"]+)"', svg) if "." in one]
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", path):
        values = [float(value) for value in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "M":
            x, y = values
        elif command == "m":
            x, y = x + values[0], y + values[1]
        else:
            modules[int(y)][int(x) : int(x + values[0])] = [0] * int(values[0])
            x += values[0]
    # Whatever the drawing's own size, a camera sees some pixels of each module.
    pixels = bytes(value for row in modules for _ in range(4) for value in row for _ in range(4))
    return memoryview(pixels).cast("B", shape=[side * 4, side * 4])


@pytest.mark.parametrize(("ec", "size", "colours"), COMBINATIONS, ids=lambda value: str(value))
def test_qr_decodes(ec, size, colours):
    import zxingcpp

    text = "https://app.test/s/k7m2xqr"
    svg = qr.draw(text, qr.Drawing(size, 4, ec, f"#{colours[0]}", f"#{colours[1]}")).decode()

    (found,) = zxingcpp.read_barcodes(raster(svg))

    assert found.text == text and str(found.ec_level) == ec


@pytest.fixture
def path(world, ann):
    return f"/shortener/links/{world.link(ann, alias='poster')['id']}/qr.svg"


def test_a_drawing_is_kept_for_good(ann, path):
    answer = ann.get(path)

    assert answer.status_code == 200 and answer.headers["content-type"].startswith("image/svg+xml")
    assert "immutable" in answer.headers["cache-control"] and answer.text.startswith("<svg")
    again = ann.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ann.get(f"{path}?size=9").headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize(
    "query",
    [
        "dark=777777&light=999999",
        "dark=ffffff&light=000000",
        "dark=000000&light=000000",
        "dark=green1",
        "light=12345",
        "dark=url(x",
        "size=0",
        "size=65",
        "margin=11",
        "ec=X",
    ],
)
def test_what_no_camera_reads_is_refused(ann, path, query):
    assert slug(ann.get(f"{path}?{query}")) == (422, "invalid-request")


def test_colours_are_taken_in_three_digits_and_with_their_sign(ann, path):
    assert ann.get(f"{path}?dark=%23123&light=fff").text == ann.get(f"{path}?dark=112233&light=ffffff").text


def test_a_drawing_reads_the_link_and_nothing_else(world, ann, path):
    from tests.kit.capacity import CapacityMeter

    with CapacityMeter() as meter:
        ann.get(path)

    assert meter.of(world.table.name).operations == ["GetItem", "GetItem"]
