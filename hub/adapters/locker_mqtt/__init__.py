"""Parcel lockers over MQTT, on the hub's own protocol (docs/locker-protocol.md)."""

from hub.adapters.locker_mqtt.codec import address, decode, encode
from hub.core.adapter import Adapter, Mqtt

ADAPTER = Adapter(
    name="locker_mqtt",
    transport=Mqtt(up=("locker/v1/{site}/{address}/up",), down=("locker/v1/{site}/{address}/down",)),
    address=address,
    decode=decode,
    encode=encode,
    brings_life=False,
    commands=frozenset(
        {"pickup.put", "pickup.remove", "compartment.open", "device.set_clock", "device.replay"},
    ),
)
