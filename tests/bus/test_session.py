"""A session and a broker that sends odd packets: split, glued, oversized, refused, broken off, or no MQTT at all."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from hub.bus.client import MQTT_3_1_1, BrokerAddress, BusClient, Message
from tests.disk import until

MQTT_5 = MQTTProtocolVersion.MQTTv5
CONNECT, PUBLISH, PUBACK, SUBSCRIBE = 0x10, 0x30, 0x40, 0x80


class Wire:
    """A broker by hand: takes every connection and subscription, notes what it hears, and says what the test says."""

    def __init__(self, protocol: MQTTProtocolVersion, most_unanswered: int | None = None) -> None:
        self._five = protocol == MQTT_5
        self._most = most_unanswered
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.heard: list[tuple[int, bytes]] = []
        self.connections = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield self._server.sockets[0].getsockname()[1]
        finally:
            self._server.close()
            if self._writer:
                self._writer.close()

    def published(self) -> list[bytes]:
        return [body for kind, body in self.heard if kind & 0xF0 == PUBLISH]

    def message(self, topic: str, payload: bytes, *, retained: bool = False) -> bytes:
        head = struct.pack(">H", len(topic)) + topic.encode() + (b"\x00" if self._five else b"")
        return packet(PUBLISH | retained, head + payload)

    async def say(self, raw: bytes, *, at_once: int = 0) -> None:
        """`at_once`: so many bytes a write, each read by itself."""
        assert self._writer
        for start in range(0, len(raw), at_once or len(raw)):
            self._writer.write(raw[start : start + (at_once or len(raw))])
            await self._writer.drain()
            if at_once:
                await asyncio.sleep(0.001)

    def hang_up(self) -> None:
        assert self._writer
        self._writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _read(reader)
                self.heard.append((kind, body))
                if kind & 0xF0 == CONNECT:
                    writer.write(packet(0x20, b"\x00\x00" + self._properties()))
                elif kind & 0xF0 == SUBSCRIBE:
                    writer.write(packet(0x90, body[:2] + (b"\x00" if self._five else b"") + b"\x00"))

    def _properties(self) -> bytes:
        if not self._five:
            return b""
        return b"\x00" if self._most is None else b"\x03\x21" + struct.pack(">H", self._most)


def packet(kind: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray()
    while length >= 0x80:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([kind]) + bytes([*encoded, length]) + body


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind, length, shift = (await reader.readexactly(1))[0], 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, await reader.readexactly(length)


@contextlib.asynccontextmanager
async def client_of(
    wire: Wire, protocol: MQTTProtocolVersion, heard: list[Message] | None = None
) -> AsyncIterator[BusClient]:
    async with wire.listening() as port:
        heard = [] if heard is None else heard
        address = BrokerAddress("127.0.0.1", port, protocol=protocol)
        client = BusClient(address, "odd", subscriptions=("t/#",), on_message=heard.append)
        task = asyncio.create_task(client.run())
        try:
            await until(lambda: client.ready)
            yield client
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("protocol", [MQTT_5, MQTT_3_1_1])
async def test_messages_come_whole_and_in_order_however_they_are_cut(protocol: MQTTProtocolVersion) -> None:
    wire, heard = Wire(protocol), list[Message]()
    sent = [Message(f"t/{number}", bytes([number]) * number, number % 3 == 0) for number in range(40)]
    raw = b"".join(wire.message(each.topic, each.payload, retained=each.retained) for each in sent)
    async with client_of(wire, protocol, heard):
        await wire.say(raw)
        await until(lambda: len(heard) >= 40)
        await wire.say(raw[:200], at_once=1)
        await wire.say(raw[200:], at_once=13)
        await until(lambda: len(heard) >= 80)
    assert heard == sent + sent


@pytest.mark.parametrize("protocol", [MQTT_5, MQTT_3_1_1])
async def test_a_message_larger_than_one_read_comes_whole(protocol: MQTTProtocolVersion) -> None:
    wire, heard = Wire(protocol), list[Message]()
    large = bytes(range(256)) * 2000
    async with client_of(wire, protocol, heard):
        await wire.say(wire.message("t/1", large) + wire.message("t/2", b"behind it"))
        await until(lambda: len(heard) == 2)
    assert [message.payload for message in heard] == [large, b"behind it"]


async def test_a_message_of_quality_1_between_others_is_heard_and_answered() -> None:
    """paho's own way: a broker may send a will at the quality that its device wished."""
    wire, heard = Wire(MQTT_5), list[Message]()
    async with client_of(wire, MQTT_5, heard):
        will = packet(PUBLISH | 0x02, b"\x00\x03t/2" + b"\x00\x07" + b"\x00" + b"gone")
        await wire.say(wire.message("t/1", b"before") + will + wire.message("t/3", b"after"))
        await until(lambda: len(heard) == 3)
        await until(lambda: any(kind == PUBACK for kind, _ in wire.heard))
    assert [message.payload for message in heard] == [b"before", b"gone", b"after"]


@pytest.mark.parametrize(
    ("answer", "refused"),
    [(b"", 0), (b"\x00", 0), (b"\x10\x00", 0), (b"\x87", 1), (b"\x97\x00", 1), (b"\x87\x06\x1f\x00\x03why", 1)],
)
async def test_a_refused_publish_is_counted_and_others_are_not(answer: bytes, refused: int) -> None:
    wire = Wire(MQTT_5)
    async with client_of(wire, MQTT_5) as client:
        assert client.publish("t/1", b"one")
        await until(lambda: wire.published())
        number = wire.published()[0][5:7]
        heard_before = wire.message("t/1", b"glued to it")
        await wire.say(heard_before + packet(PUBACK, number + answer) + heard_before)
        assert client.publish("t/2", b"two")
        await until(lambda: len(wire.published()) == 2)
        await until(lambda: client.refused == refused)
        assert client.connected


async def test_no_more_goes_out_unanswered_than_the_broker_takes() -> None:
    wire = Wire(MQTT_5, most_unanswered=2)
    async with client_of(wire, MQTT_5) as client:
        for number in range(5):
            assert client.publish("t", b"%d" % number)
        client.publish("t", b"needs no answer", qos=0)
        await until(lambda: len(wire.published()) == 3)
        for number in range(3):
            await wire.say(packet(PUBACK, wire.published()[number if number < 2 else 3][3:5]))
            await until(lambda count=4 + number: len(wire.published()) == count)  # type: ignore[misc]
    assert [body[-1:] for body in wire.published()] == [b"0", b"1", b"r", b"2", b"3", b"4"]


async def test_a_broker_that_takes_all_and_answers_nothing_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.bus.client.MOST_UNANSWERED", 10)
    wire = Wire(MQTT_5, most_unanswered=2)
    async with client_of(wire, MQTT_5) as client:
        assert [client.publish("t", b"x") for _ in range(12)] == [True] * 10 + [False] * 2
        await until(lambda: wire.connections == 2 and client.ready)
        assert client.publish("t", b"x")


async def test_what_can_not_be_published_is_refused_and_the_session_goes_on() -> None:
    wire = Wire(MQTT_5)
    async with client_of(wire, MQTT_5) as client:
        for topic in ("t/+", "t/#", ""):
            assert client.publish(topic, b"") is False
        assert client.publish("t/1", b"goes on")
        await until(lambda: wire.published())
    assert [body[-7:] for body in wire.published()] == [b"goes on"]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x30\xff\xff\xff\xff\x7f",
        packet(PUBLISH, b"\x00\x09t/1"),
        packet(PUBLISH, b"\x00\x03t/1\x7f"),
        packet(PUBACK, b"\x01"),
        packet(0x20, b""),
    ],
    ids=["a length of five bytes", "a topic cut off", "properties cut off", "no packet id", "a short answer of paho's"],
)
async def test_after_bytes_that_are_no_mqtt_it_begins_anew(raw: bytes) -> None:
    wire, heard = Wire(MQTT_5), list[Message]()
    async with client_of(wire, MQTT_5, heard) as client:
        await wire.say(raw)
        await until(lambda: wire.connections == 2, within=15)
        await until(lambda: client.ready, within=15)
        await wire.say(wire.message("t/1", b"again"))
        await until(lambda: heard)
    assert [message.payload for message in heard] == [b"again"]


async def test_half_a_message_dies_with_its_connection() -> None:
    wire, heard = Wire(MQTT_5), list[Message]()
    async with client_of(wire, MQTT_5, heard) as client:
        await wire.say(wire.message("t/1", b"never whole")[:-4])
        wire.hang_up()
        await until(lambda: wire.connections == 2, within=15)
        await until(lambda: client.ready, within=15)
        await wire.say(wire.message("t/2", b"whole"))
        await until(lambda: heard)
    assert [message.payload for message in heard] == [b"whole"]
