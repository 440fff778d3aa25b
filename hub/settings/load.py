"""The whole configuration: read, checked, and every mistake told at once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.core.adapter import Adapter, Mqtt
from hub.core.building import Building
from hub.settings.estate import Estate, read_estate
from hub.settings.hub_file import HubSettings, check_ports, read_hub
from hub.settings.mistakes import Mistake, Mistakes
from hub.settings.references import check_references
from hub.settings.secrets_file import Secrets, read_secrets
from hub.settings.toml_file import TomlFile, read_toml


@dataclass(frozen=True, slots=True)
class Notes:
    """What `hub check` says beside mistakes. `points` counts the listed ones by panel; `remarks` stop nothing."""

    devices: Mapping[str, int]
    """adapter → declared devices"""
    points: Mapping[str, int]
    remarks: tuple[Mistake, ...]

    @property
    def devices_declared(self) -> int:
        return sum(self.devices.values())

    @property
    def points_listed(self) -> int:
        return sum(self.points.values())


@dataclass(frozen=True, slots=True)
class Loaded:
    """What could be formed of the configuration. Where there are mistakes it lacks what they are about: good for
    asking, not for a first start. `runnable` is whether the site and the host are named at all."""

    building: Building
    hub: HubSettings
    secrets: Secrets
    mistakes: tuple[Mistake, ...]
    notes: Notes
    runnable: bool


def load(config_dir: Path, adapters: Mapping[str, Adapter], secrets_dir: Path | None = None) -> Loaded:
    """Reads hub.toml, building.toml, the files that they name, and secrets.toml; never raises over what they say.

    `secrets_dir` is where secrets.toml and the certificate lie, if not in `config_dir`.
    """
    mistakes = Mistakes()
    private = secrets_dir or config_dir
    hub_file = read_toml(config_dir / "hub.toml", mistakes)
    hub = read_hub(hub_file, private, mistakes)
    estate = read_estate(read_toml(config_dir / "building.toml", mistakes), config_dir, adapters, mistakes)
    check_references(estate, adapters, mistakes)
    if hub is not None:
        check_ports(hub, estate.building.devices, hub_file, mistakes)
    secrets = read_secrets(private, mistakes)
    _check_secrets(estate, hub, hub_file, secrets, adapters, mistakes)
    return Loaded(
        building=estate.building,
        hub=hub or HubSettings(host="unnamed"),
        secrets=secrets,
        mistakes=mistakes.found,
        notes=_notes(estate, mistakes),
        runnable=hub is not None and estate.named,
    )


def _check_secrets(
    estate: Estate,
    hub: HubSettings | None,
    hub_file: TomlFile,
    secrets: Secrets,
    adapters: Mapping[str, Adapter],
    mistakes: Mistakes,
) -> None:
    for device_id, declared in estate.devices.items():
        adapter = adapters.get(declared.device.adapter) if declared.device else None
        if adapter and isinstance(adapter.transport, Mqtt) and device_id not in secrets.devices:
            mistakes.remark(declared.where(()), f"has no MQTT password yet: hub device add {device_id}")
    if hub and hub.webhook and secrets.webhook is None:
        mistakes.add(
            hub_file.spot(("webhook",)), 'webhook: has no key to sign with, [webhook] secret = "…" in secrets.toml'
        )
    if hub and hub.smtp and secrets.smtp is None:
        mistakes.remark(hub_file.spot(("smtp",)), "smtp: has no user and password, [smtp] in secrets.toml")


def _notes(estate: Estate, mistakes: Mistakes) -> Notes:
    devices = estate.building.devices.values()
    return Notes(
        devices=Counter(device.adapter for device in devices),
        points={device.id: len(device.points) for device in devices if device.points},
        remarks=mistakes.remarks,
    )
