"""The intake: canonical events to one commit, then receipts. Life first; what fails is found out alone."""

from hub.intake.intake import Intake

__all__ = ["Intake"]
