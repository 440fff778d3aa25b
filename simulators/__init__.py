"""Devices that speak their wire as the hardware does. They share no code with the hub, so each is a second reading
of its protocol."""
