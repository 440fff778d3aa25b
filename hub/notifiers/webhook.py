"""A signed POST to one address, for whatever stands behind it.

The receiver computes HMAC-SHA256 over X-Hub-Timestamp, a full stop and the body as it came, with the secret; compares
it with X-Hub-Signature in constant time; refuses a timestamp more than five minutes old; and takes an Idempotency-Key
that it has seen for a repeat.
"""

import hashlib
import hmac
import json
import string
import time
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
from pydantic import SecretStr

from hub.core.notifier import ChannelSettings, Message, Notifier, NotSent, Sent
from hub.core.text import rfc3339

TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
_WORTH_ANOTHER_TRY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class WebhookSettings(ChannelSettings):
    """Both are secret: an address often bears a key."""

    url: SecretStr
    secret: SecretStr


async def send(message: Message, settings: WebhookSettings) -> Sent | NotSent:
    body = _body(message)
    headers = _headers(message.key, body, settings.secret.get_secret_value(), round(time.time()))
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(settings.url.get_secret_value(), data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return _outcome(answer.status)
    except TimeoutError:
        return NotSent(retry=True, reason="timed_out")
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        return NotSent(retry=False, reason="bad_address")
    except aiohttp.ClientSSLError:
        return NotSent(retry=True, reason="certificate")
    except (aiohttp.ClientConnectionError, OSError):
        return NotSent(retry=True, reason="no_connection")
    except aiohttp.ClientError:
        return NotSent(retry=True, reason="bad_answer")


def _body(message: Message) -> bytes:
    return json.dumps(
        {
            "id": message.key,
            "type": message.kind,
            "severity": message.severity,
            "state": message.state,
            "site": message.site,
            "zone": message.zone,
            "title": message.title,
            "text": message.text,
            "occurred_at": rfc3339(message.occurred_at),
            "url": message.url,
            "drill": message.drill,
        },
        ensure_ascii=False,
    ).encode()


def _headers(key: str, body: bytes, secret: str, now: int) -> dict[str, str]:
    signature = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "front-desk-hub",
        "X-Hub-Timestamp": str(now),
        "X-Hub-Signature": f"sha256={signature}",
        "Idempotency-Key": quote(key, safe=string.punctuation),
    }


def _outcome(status: int) -> Sent | NotSent:
    if 200 <= status < 300:
        return Sent()
    if 300 <= status < 400:
        return NotSent(retry=False, reason="redirected", detail=str(status))
    if status in _WORTH_ANOTHER_TRY or status >= 500:
        return NotSent(retry=True, reason="busy", detail=str(status))
    return NotSent(retry=False, reason="refused", detail=str(status))


NOTIFIER = Notifier("webhook", WebhookSettings, send)
