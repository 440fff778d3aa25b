"""Face-recognition gates that speak the OEM protocol `mqtt/face/…`: cameras (V1.25) and access terminals."""

from datetime import timedelta

from hub.adapters.face_mqtt.codec import decode
from hub.adapters.face_mqtt.commands import COMMANDS, FaceOptions, encode
from hub.adapters.face_mqtt.topics import BASIC, OWN, SHARED, address, down
from hub.core.adapter import Adapter, Mqtt

ADAPTER = Adapter(
    name="face_mqtt",
    transport=Mqtt(
        up=tuple(f"{down('{address}')}/{name}" for name in OWN),
        down=(down("{address}"), BASIC),
        shared=SHARED,
    ),
    address=address,
    decode=decode,
    encode=encode,
    brings_life=False,
    commands=COMMANDS,
    options=FaceOptions,
    keeps="until_acked",
    heartbeat=timedelta(seconds=30),
)
