"""A sign-in at a provider becomes a session: by a one-time code, in the browser that began it."""

import hmac

from tessera.auth.call import Call

from .. import secret_values
from ..ports import Ports
from ..proofs import FactorNeeded
from ..rules import ExchangeInvalid, Proof, Wish
from .sign_in import SignedIn, sign_in


def issue(ports: Ports, proof: Proof, verifier_challenge: str, *, session_id: str) -> str:
    """A code for the end of this sign-in; only its MAC is kept. 1 write.

    The session has its name before it begins, so that its provider can have ended it by then.
    """
    code = secret_values.new()
    ports.exchanges.keep(_mac(ports, code), proof, verifier_challenge, session_id=session_id)
    return code


def redeem(ports: Ports, code: str, verifier: str, wish: Wish, *, call: Call) -> SignedIn | FactorNeeded:
    """1 write, 2 internal calls, 1 transaction. A code is worth nothing after its first use, a wrong one included.

    Raises `ExchangeInvalid`, and what `sign_in` raises.
    """
    row = ports.exchanges.take(_mac(ports, code)) if secret_values.is_one(code) else None
    if row is None or not hmac.compare_digest(row.verifier_hash, secret_values.challenge_of(verifier)):
        raise ExchangeInvalid()
    proof = row.proof
    shown = {
        "user_id": proof.user_id,
        "amr": sorted(proof.amr),
        "aal": proof.aal,
        "auth_time": proof.auth_time,
        "client_id": wish.client_id,
        "device_name": wish.device_name,
        "session_id": row.session_id,
    }
    return sign_in(ports, "outside", shown, wish, call=call)


def _mac(ports: Ports, code: str) -> str:
    return ports.mac.hash_lookup(secret_values.EXCHANGE_PURPOSE, code)
