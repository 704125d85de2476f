"""Links to objects."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tessera.uploads import MAX_LINK_SECONDS, download_link


def link(**changed):
    given = {"seconds": 60, "filename": "a file.json", "media_type": "application/json", **changed}
    return download_link("a-bucket", "accounts/exports/x.json", **given)


def test_a_link_is_signed_with_version_4_and_names_its_object():
    found = urlsplit(link())
    query = parse_qs(found.query)

    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["60"]
    assert found.path.endswith("/accounts/exports/x.json")
    assert "Signature=" not in found.query.replace("X-Amz-Signature=", "")


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("a file.json", "a%20file.json"),
        ('"; x=1', "%22%3B%20x%3D1"),
        ("\u00fc\u1f98a.json", "%C3%BC%E1%BE%98a.json"),
        ("a\r\nSet-Cookie: x", "a%0D%0ASet-Cookie%3A%20x"),
    ],
    ids=["a space", "quotes", "letters beyond ASCII", "line ends"],
)
def test_a_name_is_encoded_so_that_it_stays_one_parameter(name, sent):
    query = parse_qs(urlsplit(link(filename=name)).query)

    assert query["response-content-disposition"] == [f"attachment; filename*=UTF-8''{sent}"]


@pytest.mark.parametrize("seconds", [0, -1, MAX_LINK_SECONDS + 1])
def test_a_link_for_longer_than_the_signature_allows_is_a_defect(seconds):
    with pytest.raises(ValueError, match="seconds"):
        link(seconds=seconds)


def test_two_links_of_one_object_differ_by_what_they_allow():
    assert link(seconds=60) != link(seconds=61)
