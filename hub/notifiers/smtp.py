"""Notices by mail, each over a connection of its own."""

import asyncio
import hashlib
import ssl
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

import aiosmtplib
from pydantic import Field, SecretStr

from hub.core.notifier import ChannelSettings, Message, Notifier, NotSent, Sent
from hub.core.text import clean

STEP_LIMIT = 10.0
"""seconds for one answer of the server"""
WHOLE_LIMIT = 30.0
"""seconds for the whole conversation"""
_WRONG_LOGIN = {534, 535, 538}


class SmtpSettings(ChannelSettings):
    """`sender` is the From address; without one the user name is. `tls`: STARTTLS is demanded, unless it is TLS from
    the first byte (implicit), or off."""

    host: str
    port: int = Field(ge=1, le=65535)
    sender: str = ""
    tls: Literal["starttls", "implicit", "off"] = "starttls"
    user: str = ""
    password: SecretStr = SecretStr("")


async def send(message: Message, settings: SmtpSettings) -> Sent | NotSent:
    try:
        mail = _mail(message, settings.sender or settings.user)
    except (ValueError, IndexError, HeaderParseError):
        return NotSent(retry=False, reason="bad_address")
    try:
        async with asyncio.timeout(WHOLE_LIMIT):
            await aiosmtplib.send(
                mail,
                hostname=settings.host,
                port=settings.port,
                username=settings.user or None,
                password=settings.password.get_secret_value() or None,
                use_tls=settings.tls == "implicit",
                start_tls=settings.tls == "starttls",
                local_hostname=_domain(str(mail["From"])),
                timeout=STEP_LIMIT,
            )
    except TimeoutError:
        return NotSent(retry=True, reason="timed_out")
    except (aiosmtplib.SMTPException, OSError) as error:
        return _failure(error)
    return Sent(str(mail["Message-ID"]))


def _mail(message: Message, sender: str) -> EmailMessage:
    """The message as a mail; its Message-ID comes from the key, so that a repeat is seen as one. Raises what the
    email package does for an address that is none."""
    mail = EmailMessage()
    mail["From"] = Address(addr_spec=sender)
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = clean(message.title, 200)
    mail["Date"] = format_datetime(message.occurred_at)
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:40]}@{_domain(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = "en" if message.language == "en" else "zh-CN"
    text = f"{message.text}\n\n{message.url}" if message.url else message.text
    mail.set_content(text, charset="utf-8", cte="base64")
    return mail


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2]


def _failure(error: aiosmtplib.SMTPException | OSError) -> NotSent:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _refusal(first.code)
        case aiosmtplib.SMTPResponseException(code=code):
            return _refusal(code)
        case aiosmtplib.SMTPNotSupported():
            return NotSent(retry=False, reason="refused")
        case ssl.SSLError() | aiosmtplib.SMTPConnectError(__cause__=ssl.SSLError()):
            return NotSent(retry=True, reason="certificate")
        case OSError():
            return NotSent(retry=True, reason="no_connection")
        case _:
            return NotSent(retry=False, reason="no_tls" if "STARTTLS" in str(error) else "refused")


def _refusal(code: int) -> NotSent:
    """A server's no: 4xx is for now, 5xx for good (RFC 5321, 4.2.1)."""
    if code in _WRONG_LOGIN:
        return NotSent(retry=False, reason="wrong_password", detail=str(code))
    if 500 <= code < 600:
        return NotSent(retry=False, reason="refused", detail=str(code))
    return NotSent(retry=True, reason="busy" if 400 <= code < 500 else "bad_answer", detail=str(code))


NOTIFIER = Notifier("smtp", SmtpSettings, send)
