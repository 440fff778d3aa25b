"""Log lines: events with fields, past tense, on stderr. JSON where a machine reads, coloured for a person."""

import logging
import sys

import structlog
import structlog.tracebacks

from hub.core.text import clean

_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # locals hold names and numbers of people
)


class _OneLine(logging.Handler):
    """What a library says, as one of our lines: without the exception's own words, which hold what strangers sent."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        said = {"error": kind} if kind else {}
        log = structlog.get_logger().error if record.levelno >= logging.ERROR else structlog.get_logger().warning
        log("library_said", library=record.name, message=clean(record.getMessage(), 300), **said)


def configure() -> None:
    """Once, at start."""
    logging.basicConfig(level=logging.WARNING, handlers=[_OneLine()])
    person = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if person else [_TRACEBACKS]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if person
            else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
