"""The playground in a real browser: what one window does, the other sees."""

import json

import pytest

from tests.kit.browser import Chromium, Page
from tests.kit.people import People, Person

# Every function behind the page may be cold.
WITHIN = 120.0
SAY = """((text) => {
  const field = document.getElementById('text');
  field.value = text;
  field.dispatchEvent(new Event('input'));
  document.getElementById('speak').requestSubmit();
})"""
TYPE = "document.getElementById('text').dispatchEvent(new Event('input'))"
POINT = """((x, y) => {
  const paper = document.getElementById('paper');
  const { left, top, width, height } = paper.getBoundingClientRect();
  const place = { clientX: left + x * width, clientY: top + y * height, bubbles: true };
  paper.dispatchEvent(new PointerEvent('pointermove', place));
})"""
UPLOAD = """(async () => {
  const canvas = new OffscreenCanvas(640, 480);
  const pen = canvas.getContext('2d');
  pen.fillStyle = 'teal';
  pen.fillRect(0, 0, 640, 480);
  const file = new File([await canvas.convertToBlob({ type: 'image/png' })], 'teal.png', { type: 'image/png' });
  const given = new DataTransfer();
  given.items.add(file);
  document.getElementById('file').files = given.files;
  document.getElementById('upload').requestSubmit();
})()"""


def window(chromium: Chromium, base_url: str, person: Person, name: str) -> Page:
    """A tab in which this person has signed in."""
    page = chromium.open(f"{base_url}/playground")
    kept = json.dumps({"token": person.tokens["access_token"], "user": {"id": person.id, "name": name}})
    page.run(f"sessionStorage.setItem('playground', {json.dumps(kept)})")
    page.goto(f"{base_url}/playground")
    page.until("document.getElementById('connection').textContent === 'connected'", within=WITHIN)
    page.until("document.getElementById('chat-room').textContent", within=WITHIN)
    page.until(f"document.getElementById('others').innerText.includes('{name} (you)')", within=WITHIN)
    return page


@pytest.fixture(scope="module")
def windows(chromium: Chromium, base_url: str, people: People) -> tuple[Page, Page, Person]:
    ann, ben = people.new(), people.new()
    return window(chromium, base_url, ann, "Ann"), window(chromium, base_url, ben, "Ben"), ben


def test_what_one_says_the_other_reads_under_their_name(windows: tuple[Page, Page, Person]) -> None:
    ann, ben, _ = windows
    ann.run(f"{SAY}('The kettle is on.')")

    ben.until("/Ann\\s*The kettle is on/.test(document.getElementById('messages').innerText)", within=WITHIN)


def test_a_page_that_is_linked_to_shows_its_card(windows: tuple[Page, Page, Person], base_url: str) -> None:
    ann, ben, _ = windows
    ann.run(f"{SAY}('Bread: {base_url}/stand-ins/website/pages/bread')")

    ben.until("/How a loaf is made/.test(document.querySelector('.page-card')?.innerText)", within=WITHIN)


def test_that_somebody_types_is_seen(windows: tuple[Page, Page, Person]) -> None:
    ann, ben, _ = windows
    ben.run(TYPE)

    ann.until("document.getElementById('typing').textContent === 'Ben is typing …'", within=WITHIN)


def test_who_is_named_hears_the_bell(windows: tuple[Page, Page, Person]) -> None:
    ann, ben, person = windows
    ann.run(f"{SAY}('Come over, <@{person.id}>')")

    ann.until("document.getElementById('messages').innerText.includes('@Ben')", within=WITHIN)
    ben.until("Number(document.getElementById('unread').textContent) > 0", within=WITHIN)
    assert ben.run("document.getElementById('bell').children.length") > 0


def test_a_cursor_moves_in_the_other_window(windows: tuple[Page, Page, Person]) -> None:
    ann, ben, _ = windows
    ben.until("document.getElementById('others').innerText.includes('Ann')", within=WITHIN)
    for x in (0.2, 0.5, 0.75):
        ann.run(f"{POINT}({x}, 0.5)")

    ben.until("document.querySelector('.pointer')?.style.left === '75%'", within=WITHIN)
    assert ben.run("document.querySelector('.pointer').textContent") == "Ann"


def test_a_picture_gets_its_thumbnails_before_ones_eyes(windows: tuple[Page, Page, Person]) -> None:
    ann, _, _ = windows
    ann.run(UPLOAD)

    ann.until("document.getElementById('uploads').innerText.includes('has its thumbnails')", within=WITHIN)
    ann.until("[...document.querySelectorAll('.thumbs img')].some((image) => image.naturalWidth > 0)", within=WITHIN)


def test_a_picture_that_is_shown_in_the_chat_is_seen_by_the_other(windows: tuple[Page, Page, Person]) -> None:
    ann, ben, _ = windows
    share = "[...document.querySelectorAll('#uploads button')].find((button) => button.textContent.includes('chat'))"
    ann.until(f"{share} && !{share}.hidden", within=WITHIN)
    ann.run(f"{share}.click()")

    ben.until("document.querySelector('#messages img[alt=\"teal.png\"]')?.naturalWidth > 0", within=WITHIN)


def test_nothing_on_the_page_is_refused_or_fails(windows: tuple[Page, Page, Person]) -> None:
    for page in windows[:2]:
        assert page.run("document.getElementById('said').textContent") == ""
    failures = [event for event in windows[0].chromium.events if event["method"] == "Runtime.exceptionThrown"]
    assert not failures
