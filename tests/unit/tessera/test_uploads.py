"""Links to objects."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tessera.uploads import MAX_LINK_SECONDS, download_link, part_link, post_form, put_link


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


def test_a_link_names_the_host_of_its_region():
    assert urlsplit(link()).netloc == "a-bucket.s3.eu-central-1.amazonaws.com"


def test_a_link_shows_a_file_as_the_caller_says():
    query = parse_qs(urlsplit(link(disposition='inline; filename="a"')).query)

    assert query["response-content-disposition"] == ['inline; filename="a"']


def put(**changed):
    given = {"seconds": 60, "media_type": "text/plain", "size": 5, **changed}
    return put_link("a-bucket", "a/b/1", **given)


def test_a_link_to_put_signs_length_type_checksum_and_metadata():
    signed = put(sha256="c3Vt", metadata={"file_id": "x"})
    query = parse_qs(urlsplit(signed.url).query)

    names = query["X-Amz-SignedHeaders"][0].split(";")

    assert {"content-length", "content-type", "x-amz-checksum-sha256", "x-amz-meta-file_id"} <= set(names)
    assert (signed.method, signed.seconds) == ("PUT", 60)
    assert signed.headers == {
        "Content-Type": "text/plain",
        "Content-Length": "5",
        "x-amz-checksum-sha256": "c3Vt",
        "x-amz-meta-file_id": "x",
    }


def test_a_link_for_another_length_is_another_link():
    assert put(size=5).url.split("Signature=")[1] != put(size=6).url.split("Signature=")[1]


def test_a_link_to_a_part_names_its_upload_and_number():
    query = parse_qs(urlsplit(part_link("a-bucket", "a/b/1", upload_id="u", number=7, seconds=60)).query)

    assert (query["uploadId"], query["partNumber"]) == (["u"], ["7"])


def test_a_form_holds_key_size_type_and_metadata_by_its_policy():
    form = post_form("a-bucket", "a/b/1", seconds=60, media_type="text/plain", sizes=(0, 9), metadata={"file_id": "x"})

    policy = json.loads(base64.b64decode(form.fields["policy"]))

    assert form.method == "POST" and form.fields["key"] == "a/b/1" and form.fields["x-amz-algorithm"]
    for condition in (
        ["content-length-range", 0, 9],
        {"key": "a/b/1"},
        {"Content-Type": "text/plain"},
        {"x-amz-meta-file_id": "x"},
        {"bucket": "a-bucket"},
    ):
        assert condition in policy["conditions"]


@pytest.mark.parametrize("seconds", [0, MAX_LINK_SECONDS + 1])
def test_a_form_for_longer_than_the_signature_allows_is_a_defect(seconds):
    with pytest.raises(ValueError, match="seconds"):
        post_form("a-bucket", "a/b/1", seconds=seconds, media_type="text/plain", sizes=(0, 9))
