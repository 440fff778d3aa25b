"""The words of the hub as types. Pure: no I/O, no clock, no log; imports nothing else of hub."""
