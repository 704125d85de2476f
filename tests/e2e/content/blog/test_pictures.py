"""`blog` through the front door: pictures that are files of their author."""

import re

import httpx

from localstack.seed.pictures import png
from tessera import ids
from tests.kit.blogging import picture, write
from tests.kit.people import eventually


def test_a_picture_of_ones_own_is_shown_to_everybody_until_its_file_is_gone(people, anonymous):
    ann, bob = people.new(), people.new()
    file_id = picture(ann)
    post = write(ann, body=f"![A](media:{file_id})", cover_media_id=file_id)
    path = f"/blog/posts/{post['id']}/media/{file_id}"

    html = anonymous.get(f"/blog/posts/{post['id']}").json()["html"]
    assert path in html
    answer = anonymous.get(path, follow_redirects=False)
    assert answer.status_code == 302
    fetched = httpx.get(answer.headers["location"])
    assert (fetched.status_code, fetched.content, fetched.headers["content-type"]) == (200, png(8, 8), "image/png")
    # Nobody shows what is not theirs.
    for fields in (
        {"body": f"![A](media:{file_id})"},
        {"cover_media_id": file_id},
        {"body": f"![A](media:{ids.new()})"},
    ):
        refused = bob.post("/blog/posts", json={"title": "A", "body": "Text", **fields})
        assert refused.status_code == 422, refused.text

    assert ann.delete(f"/files/{file_id}").status_code in (200, 204)
    eventually(lambda: anonymous.get(path).status_code == 404 or None, within=30, what="that it is gone")


def test_pictures_of_a_draft_are_seen_with_its_link_alone(people, anonymous):
    ann = people.new()
    file_id = picture(ann)
    draft = write(ann, body=f"![A](media:{file_id})", status="draft")
    link = ann.post(f"/blog/posts/{draft['id']}/preview-links").json()["url"]

    html = httpx.get(link).json()["html"]
    (address,) = re.findall(r'src="([^"]+)"', html)

    assert httpx.get(address.replace("&amp;", "&")).status_code == 302
    assert anonymous.get(f"/blog/posts/{draft['id']}/media/{file_id}").status_code == 404
