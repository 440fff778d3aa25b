"""What the desk sees and does: pages, the live stream, sign-in."""
