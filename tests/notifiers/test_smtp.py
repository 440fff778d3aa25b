"""Mail, against a real server on loopback."""

import asyncio
import ssl
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from hub.core.notifier import Channel, Message, NotSent, Sent
from hub.notifiers import load_notifiers, smtp
from tests.notifiers.smtp_server import SmtpServer, running

Make = Callable[..., Message]


def channel(port: int, **declared: object) -> Channel:
    settings = {"host": "127.0.0.1", "port": port, "sender": "desk@yangguang.example", "tls": "off", **declared}
    return load_notifiers()["smtp"].channel(settings)


def read(mail: bytes) -> EmailMessage:
    read = message_from_bytes(mail, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def server_tls(certificate: Path) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    return tls


async def test_a_mail_arrives_whole_in_chinese(notice: Make) -> None:
    async with running(SmtpServer()) as server:
        outcome = await channel(server.port)(notice())
    mail = read(server.mails[0])
    assert mail["Subject"] == "快递待领取"
    assert mail["To"] == "li@resident.example"
    assert mail["From"] == "desk@yangguang.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_body()
    assert body
    assert body.get_content() == ("【阳光花园】您有一件快递，取件码 384921。\n\nhttps://desk.example/parcels/p-1093\n")
    assert "RCPT TO:<li@resident.example>" in server.said
    assert outcome == Sent(str(mail["Message-ID"]))


async def test_a_repeat_has_the_same_id_and_another_notice_has_not(notice: Make) -> None:
    async with running(SmtpServer()) as server:
        send = channel(server.port)
        await send(notice())
        await send(notice(text="sent again"))
        await send(notice(key="pickup/p-1094/1"))
    first, again, other = (read(mail)["Message-ID"] for mail in server.mails)
    assert first == again != other


@pytest.mark.parametrize("title", ["快递\r\nBcc: thief@evil.example", "a\nb: c", "长" * 300, "\x00\x07", ""])
async def test_a_title_cannot_bring_headers_of_its_own(notice: Make, title: str) -> None:
    async with running(SmtpServer()) as server:
        assert isinstance(await channel(server.port)(notice(title=title)), Sent)
    mail = read(server.mails[0])
    assert mail["Bcc"] is None
    assert mail["b"] is None
    assert [line for line in server.said if line.startswith("RCPT")] == ["RCPT TO:<li@resident.example>"]


@pytest.mark.parametrize(
    "to",
    [
        "",
        "li",
        "li@",
        "a@b.example, c@d.example",
        "a@b.example\r\nRCPT TO:<x@y.example>",
        "李 <a@b.example>",
        "a b@c.example",
    ],
)
async def test_an_address_that_is_none_is_not_tried(notice: Make, to: str) -> None:
    async with running(SmtpServer()) as server:
        assert await channel(server.port)(notice(to=to)) == NotSent(retry=False, reason="bad_address")
    assert server.said == []


async def test_a_line_that_is_a_full_stop_does_not_end_the_mail(notice: Make) -> None:
    async with running(SmtpServer()) as server:
        await channel(server.port)(notice(text="one\n.\ntwo", url=""))
    body = read(server.mails[0]).get_body()
    assert body
    assert body.get_content() == "one\n.\ntwo\n"


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
async def test_the_login_goes_over_tls_alone(
    notice: Make, certificate: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    offers = ("STARTTLS", "AUTH PLAIN") if mode == "starttls" else ("AUTH PLAIN",)
    async with running(SmtpServer(server_tls(certificate), offers=offers), implicit=mode == "implicit") as server:
        outcome = await channel(server.port, tls=mode, user="desk", password="pa ss")(notice())
    assert isinstance(outcome, Sent)
    assert server.encrypted == [True]
    assert server.login == ["desk", "pa ss"]


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_vouches_for_gets_nothing(notice: Make, certificate: Path, mode: str) -> None:
    server = SmtpServer(server_tls(certificate), offers=("STARTTLS", "AUTH PLAIN"))
    async with running(server, implicit=mode == "implicit"):
        outcome = await channel(server.port, tls=mode, user="desk", password="pass")(notice())
    assert outcome == NotSent(retry=True, reason="certificate")
    assert not any(line.startswith(("AUTH", "MAIL")) for line in server.said)


async def test_a_server_without_starttls_gets_neither_login_nor_mail(notice: Make) -> None:
    async with running(SmtpServer(offers=("AUTH PLAIN",))) as server:
        outcome = await channel(server.port, tls="starttls", user="desk", password="pass")(notice())
    assert outcome == NotSent(retry=False, reason="no_tls")
    assert not any(line.startswith(("AUTH", "MAIL")) for line in server.said)


@pytest.mark.parametrize(
    ("verb", "answer", "outcome"),
    [
        ("CONNECT", "421 too busy", NotSent(retry=True, reason="busy", detail="421")),
        ("CONNECT", "554 not you", NotSent(retry=False, reason="refused", detail="554")),
        ("CONNECT", "SSH-2.0", NotSent(retry=True, reason="bad_answer", detail="-1")),
        ("CONNECT", "", NotSent(retry=True, reason="no_connection")),
        ("AUTH", "535 wrong for li@resident.example", NotSent(retry=False, reason="wrong_password", detail="535")),
        ("AUTH", "454 later", NotSent(retry=True, reason="busy", detail="454")),
        ("MAIL", "550 no", NotSent(retry=False, reason="refused", detail="550")),
        ("RCPT", "450 box busy", NotSent(retry=True, reason="busy", detail="450")),
        ("RCPT", "550 no li@resident.example here", NotSent(retry=False, reason="refused", detail="550")),
        ("DATA", "452 full", NotSent(retry=True, reason="busy", detail="452")),
        ("END", "554 spam", NotSent(retry=False, reason="refused", detail="554")),
        ("END", "", NotSent(retry=True, reason="no_connection")),
    ],
)
async def test_the_answer_says_whether_another_try_may_help(
    notice: Make, verb: str, answer: str, outcome: NotSent
) -> None:
    async with running(SmtpServer(answers={verb: answer}, offers=("AUTH PLAIN",))) as server:
        assert await channel(server.port, user="desk", password="pass")(notice()) == outcome


async def test_a_mail_that_was_taken_is_sent_though_the_goodbye_fails(notice: Make) -> None:
    async with running(SmtpServer(answers={"QUIT": ""})) as server:
        assert isinstance(await channel(server.port)(notice()), Sent)


async def test_a_server_that_is_away_can_be_tried_again(notice: Make, unused_tcp_port: int) -> None:
    assert await channel(unused_tcp_port)(notice()) == NotSent(retry=True, reason="no_connection")


@pytest.mark.parametrize("limit", ["STEP_LIMIT", "WHOLE_LIMIT"])
async def test_a_server_that_says_nothing_does_not_hold_us_for_long(
    notice: Make, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(smtp, limit, 0.2)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        assert await channel(port)(notice()) == NotSent(retry=True, reason="timed_out")


def test_the_password_is_not_shown() -> None:
    assert "sesame" not in repr(channel(25, user="desk", password="sesame"))
