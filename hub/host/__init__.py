"""The host: frames become events on this machine's disk, and only then the device hears yes; what waits on disk goes
out to the intake; commands become frames; who falls silent is noticed.
"""

from hub.host.events_out import Local
from hub.host.host import Host, HostSettings

__all__ = ["Host", "HostSettings", "Local"]
