"""The form of refresh and device tokens."""

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.identity.accounts import secret_values
from functions.identity.accounts.refresh_tokens import RefreshToken, read, ulid_bytes, ulid_text
from tessera import ids
from tessera.auth.mac import Mac, MacKeys
from tests.kit.clocks import FakeClock

MAC = Mac(lambda: MacKeys({"current": "1", "1": "a text"}))
TOKEN = RefreshToken("01HZX3J0V7Q8M4N5P6R7S8T9VW", "01HZX3J0V7Q8M4N5P6R7S8T9VX", 7)


def test_a_token_reads_as_it_was_written():
    assert read(TOKEN.text(MAC), MAC) == TOKEN
    assert TOKEN.text(MAC).startswith("trt_")


def test_the_successor_is_the_same_for_everybody_who_asks():
    assert TOKEN.successor().text(MAC) == TOKEN.successor().text(MAC)


@settings(max_examples=200)
@given(st.integers(0, 140), st.characters(codec="ascii"))
def test_a_changed_token_is_none_of_ours(position: int, character: str):
    text = TOKEN.text(MAC)
    changed = text[: position % len(text)] + character + text[position % len(text) + 1 :]

    assert changed == text or read(changed, MAC) is None


@given(st.text(max_size=300))
def test_anything_else_is_none_of_ours(text: str):
    assert read(text, MAC) is None
    assert secret_values.subject_of(text) is None or len(text) == 64
    assert secret_values.known_device(MAC, "ann@example.com", text) is None


@given(st.integers(0, 2**128 - 1))
def test_sixteen_bytes_hold_a_ulid(number: int):
    raw = number.to_bytes(16, "big")

    assert ulid_bytes(ulid_text(raw)) == raw


def test_a_token_outlives_a_change_of_the_current_key():
    newer = Mac(lambda: MacKeys({"current": "2", "1": "a text", "2": "another"}))

    assert read(TOKEN.text(MAC), newer) == TOKEN


def test_a_device_is_known_to_one_address_only(frozen: FakeClock):
    device_id, token = secret_values.new_device(MAC, "ann@example.com")

    assert secret_values.known_device(MAC, "ann@example.com", token) == device_id
    assert secret_values.known_device(MAC, "bob@example.com", token) is None


def test_a_device_is_forgotten_after_half_a_year(frozen: FakeClock):
    _, token = secret_values.new_device(MAC, "ann@example.com")

    frozen.advance(days=180)

    assert secret_values.known_device(MAC, "ann@example.com", token) is None


def test_codes_have_six_digits_and_links_name_their_subject():
    subject = ids.new()

    assert all(len(code) == 6 and code.isdigit() for code in (secret_values.new_code() for _ in range(50)))
    assert secret_values.subject_of(secret_values.new_link_token(subject)) == subject
