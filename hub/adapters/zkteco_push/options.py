"""What building.toml says of a reader beside its address."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from hub.core.adapter import DeviceContext


class Options(BaseModel):
    """`dialect`: Security PUSH 3.x or attendance PUSH 2.x; both use the same addresses, so it is said by model.
    `validity`: how the model takes a credential's window, DateFmtFunOn in its registration (0 day, 1 second)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dialect: Literal["acc", "att"] = "acc"
    validity: Literal["day", "second"] = "day"


def options_of(device: DeviceContext) -> Options:
    return device.options if isinstance(device.options, Options) else Options()
