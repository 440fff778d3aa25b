"""The configuration: read as a whole, checked as a whole, frozen. Knows adapters only as they are passed in."""

from hub.settings.hub_file import Endpoint, HubSettings, Rate
from hub.settings.last_good import ConfigurationRefused, keep_last_good, load_or_last_good
from hub.settings.load import Loaded, Notes, load
from hub.settings.mistakes import Mistake
from hub.settings.secrets_file import Secrets, put_device_passwords

__all__ = [
    "ConfigurationRefused",
    "Endpoint",
    "HubSettings",
    "Loaded",
    "Mistake",
    "Notes",
    "Rate",
    "Secrets",
    "keep_last_good",
    "load",
    "load_or_last_good",
    "put_device_passwords",
]
