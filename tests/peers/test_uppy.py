"""Uppy's own S3 plugin: under Node, and in Chromium with a pause, a tab that is killed, and a resumption."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kit.browser import Chromium, find_chromium, pages
from tests.kit.people import People, Person, eventually
from tests.peers.npm import installed, node

# Of the last major that has this contract; the next one signs in another way.
PACKAGES = {"@uppy/core": "5.2.0", "@uppy/aws-s3": "5.1.0", "esbuild": "0.25.10"}
OLDER = {"@uppy/core": "4.5.3", "@uppy/aws-s3": "4.3.2"}
MIB = 1024 * 1024
FILM = 60 * MIB
# Slow enough for a tab to be killed in the middle.
BYTES_PER_SECOND = 8 * MIB

# Node has no XMLHttpRequest: this is one on top of its fetch, as far as the plugin uses it.
XHR = """
class Target {
  constructor() { this.on = {} }
  addEventListener(name, call) { (this.on[name] ??= []).push(call) }
  tell(name, event = {}) { for (const call of this.on[name] ?? []) call({ target: this, ...event }) }
}
globalThis.XMLHttpRequest = class extends Target {
  constructor() { super(); this.upload = new Target(); this.headers = {}; this.stopping = new AbortController() }
  open(method, url) { this.method = method; this.url = url }
  setRequestHeader(name, value) { this.headers[name] = value }
  abort() { this.stopping.abort(); this.tell('abort') }
  getAllResponseHeaders() { return [...this.answer.headers].map(pair => pair.join(': ')).join('\\r\\n') }
  async send(body) {
    try {
      const asked = { method: this.method, headers: this.headers, body, signal: this.stopping.signal }
      this.answer = await fetch(this.url, asked)
      this.status = this.answer.status
      this.responseText = await this.answer.text()
      this.tell('load')
    } catch (error) { if (!this.stopping.signal.aborted) this.tell('error') }
  }
}
"""

UNDER_NODE = (
    XHR
    + """
import Uppy from '@uppy/core'
import AwsS3 from '@uppy/aws-s3'
const { API, TOKEN } = process.env
// Two at a time: with more, all six parts may be there before the page that sent them is told of two.
const options = {
  endpoint: `${API}/files`, headers: { authorization: `Bearer ${TOKEN}` }, limit: 2,
  shouldUseMultipart: file => file.size > 5 * 1024 * 1024,
}
const bytes = size => {
  const made = new Uint8Array(size)
  for (let i = 0; i < size; i += 997) made[i] = i
  return made
}
const made = () => new Uppy({ autoProceed: false }).use(AwsS3, options)
const told = {}
for (const size of [1, 0]) {
  const uppy = made()
  uppy.addFile({ name: `small-${size}.bin`, type: 'application/octet-stream', data: new Blob([bytes(size)]) })
  const done = await uppy.upload()
  if (done.failed.length) throw done.failed[0].error
  told[size] = uppy.getFiles()[0].s3Multipart.key
}
// A page that is loaded anew in the middle knows the upload's key and id from its own storage.
const data = new Blob([bytes(30 * 1024 * 1024)])
const first = made()
const id = first.addFile({ name: 'large.bin', type: 'application/octet-stream', data })
const halfway = new Promise(go => { let n = 0; first.on('s3-multipart:part-uploaded', () => ++n === 2 && go()) })
first.upload()
await halfway
first.pauseAll()
const kept = first.getFile(id).s3Multipart
const second = made()
let parts = 0
second.on('s3-multipart:part-uploaded', () => ++parts)
const again = second.addFile({ name: 'large.bin', type: 'application/octet-stream', data })
second.setFileState(again, { s3Multipart: { key: kept.key, uploadId: kept.uploadId } })
const done = await second.upload()
if (done.failed.length) throw done.failed[0].error
console.log(JSON.stringify({ ...told, large: kept.key, parts, body: done.successful[0].response.body }))
process.exit(0)
"""
)

IN_A_PAGE = """
import Uppy from '@uppy/core'
import AwsS3 from '@uppy/aws-s3'
globalThis.begin = (api, token, size, kept) => {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i += 997) bytes[i] = i
  const uppy = new Uppy({ autoProceed: false }).use(AwsS3, {
    endpoint: `${api}/files`, headers: { authorization: `Bearer ${token}` }, shouldUseMultipart: true, limit: 2,
  })
  const state = globalThis.state = { parts: 0, done: null, error: null }
  const id = uppy.addFile({ name: 'film.bin', type: 'application/octet-stream', data: new Blob([bytes]) })
  if (kept) uppy.setFileState(id, { s3Multipart: kept })
  uppy.on('s3-multipart:part-uploaded', () => {
    state.parts += 1
    const { key, uploadId } = uppy.getFile(id).s3Multipart
    state.kept = { key, uploadId }
  })
  uppy.on('upload-error', (file, error) => { state.error = String(error) })
  uppy.on('complete', result => { state.done = result.successful.map(file => file.response.body) })
  globalThis.uppy = uppy
  uppy.upload()
}
"""


def content(size: int) -> bytes:
    """What the programs above make."""
    made = bytearray(size)
    for place in range(0, size, 997):
        made[place] = place % 256
    return bytes(made)


@pytest.fixture
def person(people: People) -> Person:
    return people.new()


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    executable = find_chromium()
    if executable is None:
        pytest.skip("No Chromium on this machine: install it to run this suite.")
    with Chromium(executable, tmp_path / "profile") as running:
        yield running


def clean(person: Person, key: str) -> dict[str, Any]:
    """The file of this key, once it has been scanned."""
    path = f"/files/{key.split('/')[1]}"

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = person.get(path).json()
        return found if found["state"] in ("clean", "infected", "failed") else None

    found = eventually(look, within=90, what="the verdict")
    assert found["state"] == "clean", found
    return found


@pytest.mark.parametrize("packages", [PACKAGES, OLDER], ids=["5", "4"])
def test_under_node_small_empty_and_large_files_arrive_and_a_reload_goes_on(
    person: Person, packages: dict[str, str]
) -> None:
    folder = installed(packages)

    said = json.loads(node(folder, UNDER_NODE, API=os.environ["BASE_URL"], TOKEN=person.tokens["access_token"]))

    for size, key in ((1, said["1"]), (0, said["0"]), (30 * MIB, said["large"])):
        found = clean(person, key)
        assert (found["size"], found["sha256"]) == (size, hashlib.sha256(content(size)).hexdigest())
    assert 0 < said["parts"] <= 4, "What had arrived before the reload was sent again."
    assert said["body"]["key"] == said["large"]


def test_in_a_browser_an_upload_survives_a_pause_and_the_death_of_its_tab(person: Person, chromium: Chromium) -> None:
    page_of = bundled()
    with pages({"/": f"<!doctype html><title>Upload</title><script>{page_of}</script>"}) as port:
        token = json.dumps(person.tokens["access_token"])
        begin = f"begin({json.dumps(os.environ['BASE_URL'])}, {token}, {FILM}"
        page = chromium.open(f"http://127.0.0.1:{port}/")
        throttle(page)
        page.run(f"{begin})")
        page.until("state.parts >= 2", within=60)
        page.run("uppy.pauseAll()")
        # It stays paused for a while, in which a part that was on its way may still end.
        paused = page.run("new Promise(go => setTimeout(() => go(state.parts), 1500))")
        assert page.run("state.error") is None
        page.run("uppy.resumeAll()")
        page.until(f"state.parts >= {paused} + 2", within=60)
        kept, sent = page.run("state.kept"), page.run("state.parts")
        assert page.run("state.done") is None
        page.chromium.call("Target.closeTarget", targetId=target_of(page))

        again = chromium.open(f"http://127.0.0.1:{port}/")
        again.run(f"{begin}, {json.dumps(kept)})")
        done = again.until("state.done || state.error", within=120)
        sent_again = again.run("state.parts")

    assert isinstance(done, list) and done[0]["key"] == kept["key"], done
    assert 0 < sent_again <= FILM // (5 * MIB) - sent, "What had arrived before the tab died was sent again."
    found = clean(person, kept["key"])
    assert (found["size"], found["sha256"]) == (FILM, hashlib.sha256(content(FILM)).hexdigest())
    link = person.get(f"/files/{found['id']}/content", follow_redirects=False).headers["location"]
    assert hashlib.sha256(httpx.get(link, timeout=60).content).hexdigest() == found["sha256"]


def bundled() -> str:
    """The plugin and the page's own script as one, that a page can hold."""
    folder = installed(PACKAGES)
    (folder / "page.js").write_text(IN_A_PAGE)
    command = [str(folder / "node_modules/.bin/esbuild"), "page.js", "--bundle", "--minify", "--format=iife"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("</script", "<\\/script")


def throttle(page: Any) -> None:
    page.chromium.call(
        "Network.emulateNetworkConditions",
        session=page.session,
        offline=False,
        latency=0,
        downloadThroughput=-1,
        uploadThroughput=BYTES_PER_SECOND,
    )


def target_of(page: Any) -> str:
    return str(page.chromium.call("Target.getTargetInfo", session=page.session)["targetInfo"]["targetId"])
