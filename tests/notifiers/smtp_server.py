"""A small SMTP server on loopback: it says what it is told to, and keeps what it got."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class SmtpServer:
    """`answers` replaces the answer to a verb; an empty one closes the connection."""

    tls: ssl.SSLContext | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ("8BITMIME",)
    port: int = 0
    said: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    """of each mail"""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(writer, "CONNECT", "220 ready")
            while line := await reader.readline():
                await self._obey(line.decode().strip(), reader, writer)
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _obey(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.said.append(line)
        verb = line.split(" ")[0].split(":")[0].upper()
        if verb == "EHLO":
            await self._answer(writer, verb, "\r\n".join(["250-here", *(f"250-{o}" for o in self.offers), "250 HELP"]))
        elif verb == "STARTTLS":
            await self._answer(writer, verb, "220 go")
            await writer.start_tls(self.tls)  # type: ignore[arg-type]  # offered only with a context
        elif verb == "DATA":
            await self._answer(writer, verb, "354 go on")
            if verb not in self.answers:
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                self.encrypted.append(writer.get_extra_info("ssl_object") is not None)
                await self._answer(writer, "END", "250 taken")
        elif verb == "AUTH":
            await self._answer(writer, verb, "235 welcome")
        else:
            await self._answer(writer, verb, "221 bye" if verb == "QUIT" else "250 fine")

    async def _answer(self, writer: asyncio.StreamWriter, verb: str, usual: str) -> None:
        answer = self.answers.get(verb, usual)
        if not answer:
            raise ConnectionAbortedError
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()

    @property
    def login(self) -> list[str]:
        """User and password of the first AUTH PLAIN."""
        word = next(line for line in self.said if line.startswith("AUTH PLAIN")).split()[-1]
        return base64.b64decode(word).decode().split("\0")[1:]


@asynccontextmanager
async def running(server: SmtpServer, *, implicit: bool = False) -> AsyncIterator[SmtpServer]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=server.tls if implicit else None)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
