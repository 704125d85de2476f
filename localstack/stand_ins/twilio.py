"""Twilio's wire format: Messages of the API 2010-04-01, its codes of errors, and what it calls back with.

`inbox` holds what was sent. Numbers mean what Twilio's own test numbers mean: +15005550001 is none, +15005550004 has
opted out, +15005550009 cannot take an SMS. Faults: `messages` is a status.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from localstack.stand_ins.wire import Answer, Asked, StandIn, broken

CODES = {"+15005550001": 21211, "+15005550004": 21610, "+15005550009": 21614}


class Twilio(StandIn):
    def __init__(self, account_sid: str, auth_token: str) -> None:
        super().__init__()
        self.account_sid, self.auth_token = account_sid, auth_token
        self.inbox: list[dict[str, Any]] = []

    def say(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) != ("POST", f"/2010-04-01/Accounts/{self.account_sid}/Messages.json"):
            return _error(404, 20404, "The requested resource was not found")
        spoiled = broken(str(self.fault("messages") or ""))
        if spoiled:
            return spoiled
        pair = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {pair}":
            return _error(401, 20003, "Authenticate")
        if asked.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _error(400, 20001, "Unknown parameters")
        form = asked.form
        if not form.get("To", "").startswith("+") or form["To"] in CODES:
            return _error(400, CODES.get(form.get("To", ""), 21211), "The number cannot be sent to.")
        if not form.get("Body"):
            return _error(400, 21602, "Message body is required.")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _error(400, 21603, "A 'From' phone number is required.")
        made = {"sid": f"SM{secrets.token_hex(16)}", "status": "queued", "to": form["To"], "body": form["Body"]}
        self.inbox.append({**made, "callback": form.get("StatusCallback", "")})
        return Answer.json({**made, "account_sid": self.account_sid, "error_code": None}, 201)

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", "/control/inbox"):
            return Answer.json(self.inbox[-100:])
        return super().control(asked)

    def signature(self, url: str, form: Mapping[str, str]) -> str:
        """What it puts into X-Twilio-Signature."""
        signed = url + "".join(name + form[name] for name in sorted(form))
        return base64.b64encode(hmac.new(self.auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _error(status: int, code: int, message: str) -> Answer:
    return Answer.json({"code": code, "message": message, "status": status}, status)
