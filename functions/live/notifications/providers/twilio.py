"""SMS by Twilio's Messages API (2010-04-01): a form goes out, JSON comes back."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from .credentials import Credentials
from .outcomes import Failed, Gone, Message, Refused, Target
from .wire import Wire, json_of, judged

API = "https://api.twilio.com"
# Codes of Twilio's error dictionary: the number has opted out; it is none, or none that could be reached by SMS.
OPTED_OUT, NO_NUMBER = frozenset([21610]), frozenset([21211, 21214, 21217, 21401, 21612, 21614, 30005, 30006])
TOO_FAST = frozenset([20429, 14107, 63038])


class Twilio:
    def __init__(self, wire: Wire, credentials: Credentials, callback: str) -> None:
        self._wire, self._credentials, self._callback = wire, credentials, callback

    def send(self, message: Message, target: Target) -> str:
        known = self._credentials.of("twilio")
        if known is None:
            raise Refused("sms-not-configured")
        form = {"To": target.address, "Body": message.words.body}
        sender = str(known["from"])
        # A messaging service picks the number itself.
        form["MessagingServiceSid" if sender.startswith("MG") else "From"] = sender
        if self._callback.startswith("https://"):
            form["StatusCallback"] = f"{self._callback}?id={message.id}"
        pair = f"{known['account_sid']}:{known['auth_token']}"
        headers = {
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        url = f"{known.get('url', API)}/2010-04-01/Accounts/{quote(str(known['account_sid']), safe='')}/Messages.json"
        found = self._wire.post(url, urlencode(form).encode(), headers, purpose="twilio", ours=True)
        said = json_of(found)
        if found.status == 201 and said.get("sid"):
            return str(said["sid"])
        code = said.get("code")
        if code in OPTED_OUT:
            raise Gone("opted-out")
        if code in NO_NUMBER:
            raise Refused(f"twilio-{code}")
        if code in TOO_FAST:
            raise Failed(f"twilio-{code}", 30)
        if found.status == 401:
            # Our own credentials are wrong, which is no fault of the message's.
            raise Failed("twilio-unauthorized", 600)
        raise judged(found, f"twilio-{code or found.status}")


def is_signed(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether Twilio has sent this: HMAC-SHA1 over the URL and the sorted fields, with our token."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    expected = base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
