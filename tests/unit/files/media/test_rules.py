"""Pure decisions: normal forms, formats, blurhash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.files.media.rules.blurhash import ALPHABET, NEUTRAL, encode
from functions.files.media.rules.geometry import plan
from functions.files.media.rules.jobs import BACKOFF_SECONDS, pause_after, state_after
from functions.files.media.rules.kinds import Kind, has_picture, kind_of
from functions.files.media.rules.negotiation import best
from functions.files.media.rules.outputs import (
    DEFAULT_SPECS,
    Fit,
    Format,
    Gravity,
    Spec,
    anchor,
    job_key,
    normal,
    specs_of,
    text_of,
)

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SIDES = st.integers(1, 4096)
SPECS = st.builds(
    lambda width, height, kind, fit, focus, enlarge: normal(
        Spec(width, height, kind, fit, focus=focus, enlarge=enlarge)
    ),
    SIDES,
    SIDES,
    st.sampled_from(Format),
    st.sampled_from(Fit),
    st.tuples(st.integers(0, 100), st.integers(0, 100)),
    st.booleans(),
)


@given(st.lists(SPECS, max_size=12))
def test_specs_are_read_as_they_were_written(specs):
    assert specs_of(text_of(specs)) == tuple(specs)


@given(SPECS, st.integers(1, 16_384), st.integers(1, 16_384))
def test_a_plan_stays_within_the_source_and_what_was_asked_for(spec, width, height):
    made = plan(width, height, spec)
    left, top, right, bottom = made.box

    assert -1e-6 <= left < right <= width + 1e-6 and -1e-6 <= top < bottom <= height + 1e-6
    assert 1 <= made.size[0] <= spec.width and 1 <= made.size[1] <= spec.height
    assert all(0 <= at <= outer - inner for at, outer, inner in zip(made.at, made.canvas, made.size, strict=True))
    if not spec.enlarge:
        assert made.size[0] <= width + 1 and made.size[1] <= height + 1


def test_what_makes_no_difference_makes_no_other_key():
    plain = Spec(10, 10, Format.PNG)

    assert normal(plain) == normal(Spec(10, 10, Format.PNG, quality=50, background="ff0000", focus=(1, 2)))
    assert normal(plain).hash != normal(Spec(10, 10, Format.PNG, Fit.CONTAIN)).hash
    assert normal(Spec(1, 1, Format.JPEG)).background == "ffffff"
    assert not normal(Spec(1, 1, Format.PNG, animated=True)).animated


def test_the_order_of_outputs_makes_no_other_job_and_all_else_does():
    one, two = DEFAULT_SPECS[:2]

    assert job_key("f", "e", [one, two]) == job_key("f", "e", [two, one])
    assert (
        len({job_key("f", "e", [one]), job_key("f", "x", [one]), job_key("g", "e", [one]), job_key("f", "e", [two])})
        == 4
    )


@pytest.mark.parametrize(
    ("gravity", "point"),
    [(Gravity.CENTER, (50, 50)), (Gravity.NORTH, (50, 0)), (Gravity.SOUTH_WEST, (0, 100)), (Gravity.EAST, (100, 50))],
    ids=str,
)
def test_a_gravity_is_a_point(gravity, point):
    assert anchor(gravity) == point


@pytest.mark.parametrize(
    ("accept", "ready", "chosen"),
    [
        (CHROME, "avif webp jpeg", "avif"),
        (CHROME, "webp jpeg", "webp"),
        (CHROME, "jpeg", "jpeg"),
        ("image/webp,*/*", "avif webp jpeg", "webp"),
        ("*/*", "avif webp jpeg", "jpeg"),
        ("image/*", "avif webp png", "png"),
        (None, "webp jpeg", "jpeg"),
        ("", "avif", "avif"),
        ("image/jpeg", "webp jpeg", "jpeg"),
        ("image/avif;q=0.1,image/webp;q=0.9", "avif webp", "webp"),
        ("image/webp;q=0,*/*", "webp jpeg", "jpeg"),
        ("image/webp;q=0.2,image/*;q=0.9", "webp jpeg", "jpeg"),
        ("text/html", "webp", "webp"),
        ("IMAGE/WEBP", "webp jpeg", "webp"),
        (";;;,/,image/", "jpeg", "jpeg"),
    ],
)
def test_accept_negotiation(accept, ready, chosen):
    found = best(accept, [Format(kind) for kind in ready.split()])

    assert found == Format(chosen)


def test_where_nothing_is_ready_nothing_is_chosen():
    assert best(CHROME, []) is None


@pytest.mark.parametrize(
    ("pixels", "size", "components", "text"),
    [
        # One component is its colour alone: two digits that say so, and 24 bits in four digits of base 83.
        ([(0, 0, 0)], (1, 1), (1, 1), "000000"),
        ([(255, 255, 255)], (1, 1), (1, 1), "00TSUA"),
        ([(255, 0, 0)] * 4, (2, 2), (1, 1), "00TI:j"),
        # Half the light, which sRGB writes 188. Of two pixels the wave sees one, where it is zero: level 0, thrice 9.
        ([(0, 0, 0), (255, 255, 255)], (2, 1), (2, 1), "10Lqe9fQ"),
        # Of four it is 2/4 times cos(3/4 pi) = -0.354: level 58 of 166, and the least there is, thrice 0.
        ([(0, 0, 0)] * 2 + [(255, 255, 255)] * 2, (4, 1), (2, 1), "1wLqe900"),
    ],
    ids=["black", "white", "red", "two pixels", "an edge"],
)
def test_blurhash(pixels, size, components, text):
    assert encode(pixels, *size, *components) == text


def decoded(text, place, length):
    value = 0
    for letter in text[place : place + length]:
        value = value * 83 + ALPHABET.index(letter)
    return value


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=16, max_size=16))
def test_a_blurhash_says_how_much_it_holds_and_the_mean_light(pixels):
    text = encode(pixels, 4, 4)

    assert len(text) == 28 and decoded(text, 0, 1) == 3 + 2 * 9
    linear = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value, _, _ in pixels]
    mean = sum(linear) / 16
    red = round(255 * (mean * 12.92 if mean <= 0.0031308 else 1.055 * mean ** (1 / 2.4) - 0.055))
    assert abs((decoded(text, 2, 4) >> 16) - red) <= 1


@pytest.mark.parametrize("size", [(0, 0, 4, 3), (2, 1, 4, 3), (1, 1, 10, 1), (1, 1, 0, 1)], ids=str)
def test_a_blurhash_of_nothing_is_refused(size):
    with pytest.raises(ValueError, match="components"):
        encode([(0, 0, 0)] if size[0] else [], *size)


def test_what_nobody_has_looked_at_is_grey():
    assert len(NEUTRAL) == 6 and decoded(NEUTRAL, 2, 4) == 0xC8C8C8


@pytest.mark.parametrize(
    ("done", "failed", "state"),
    [(0, 0, "running"), (2, 1, "running"), (4, 0, "done"), (3, 1, "partial"), (0, 4, "failed")],
)
def test_the_state_of_a_job_is_that_of_its_outputs(done, failed, state):
    assert state_after(4, done, failed) == state


def test_the_pauses_grow_and_end():
    assert [pause_after(tries) for tries in range(6)] == [None, *BACKOFF_SECONDS, None, None]


@pytest.mark.parametrize(
    ("media_type", "kind", "shown"),
    [
        ("image/jpeg", Kind.IMAGE, True),
        ("application/pdf", Kind.PDF, True),
        ("image/svg+xml", None, False),
        ("image/heic", None, False),
        ("video/mp4", Kind.CONTAINER, False),
        ("text/csv", Kind.TEXT, False),
        ("application/zip", None, False),
    ],
)
def test_which_files_something_is_made_of(media_type, kind, shown):
    assert (kind_of(media_type), has_picture(media_type)) == (kind, shown)
