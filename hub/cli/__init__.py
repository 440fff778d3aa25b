"""The command `hub`."""
