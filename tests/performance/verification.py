"""What it costs to know who is asking: an access token verified by a key that is at hand, without a call."""

import statistics
import time

from tessera import aws
from tessera.auth.tokens import verify
from tests.kit.tokens import ISSUER, Signer

TOKENS, TARGET_MS = 500, 0.2


def report() -> str:
    signer, now = Signer(), time.time()
    tokens = [signer.token(jti=str(number)) for number in range(TOKENS)]
    took = []
    with aws.metered() as meter:
        for token in tokens:
            began = time.perf_counter()
            verify(token, signer, issuer=ISSUER, now=now)
            took.append((time.perf_counter() - began) * 1_000)
    median = statistics.median(took)
    over = f"  over {TARGET_MS}" if median > TARGET_MS else ""
    return f"  an access token of {len(tokens[0])} bytes      {median:.3f} ms, {meter.requests} calls{over}"
