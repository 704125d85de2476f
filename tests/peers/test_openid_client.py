"""`openid-client` and `jose` for Node, which others wrote, find our metadata and keys, use a session and end it."""

import json

from tests.kit.people import People
from tests.peers.npm import installed, node

PROGRAM = """
import * as client from 'openid-client';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';

const [base, refreshToken] = process.argv.slice(2);
const found = new URL(`${base}/accounts/.well-known/openid-configuration`);
const config = await client.discovery(found, 'web', undefined, client.None(), {
  execute: [client.allowInsecureRequests],
});
const metadata = config.serverMetadata();

const tokens = await client.refreshTokenGrant(config, refreshToken);
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const options = { issuer: metadata.issuer, audience: 'tessera', typ: 'at+jwt', algorithms: ['ES256'] };
const { payload } = await jwtVerify(tokens.access_token, keys, options);
const me = await client.fetchProtectedResource(config, tokens.access_token, new URL(`${base}/accounts/me`), 'GET');
const again = await client.refreshTokenGrant(config, tokens.refresh_token);
await client.tokenRevocation(config, again.refresh_token);
let refused;
try {
  await client.refreshTokenGrant(config, again.refresh_token);
} catch (error) {
  refused = error.status ?? error.cause?.status;
}
let forged;
const [head, body, tag] = tokens.access_token.split('.');
try {
  await jwtVerify(`${head}.${body.slice(0, -2)}AA.${tag}`, keys, options);
} catch (error) {
  forged = error.code;
}
console.log(JSON.stringify({
  alg: decodeProtectedHeader(tokens.access_token).alg,
  sub: payload.sub, me: (await me.json()).id, expires: tokens.expires_in,
  rotated: tokens.refresh_token !== refreshToken,
  refused, forged,
}));
"""


def test_a_client_that_others_wrote_finds_its_way_uses_a_session_and_ends_it(people: People) -> None:
    person = people.new()
    folder = installed({"openid-client": "6.8.9", "jose": "6.2.17"})

    said = json.loads(node(folder, PROGRAM, people.base_url, person.tokens["refresh_token"]))

    assert said["alg"] == "ES256"
    assert said["sub"] == said["me"] == person.id
    assert said["expires"] == 600
    assert said["rotated"]
    assert said["refused"] == 401
    assert said["forged"] == "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
