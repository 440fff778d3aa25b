"""What several commands are asked with: where the configuration is, where the data."""

import argparse
import os
from pathlib import Path


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("HUB_CONFIG", "config")),
        metavar="DIR",
        help="folder of the configuration (default: HUB_CONFIG, or config)",
    )


def add_storage_arguments(parser: argparse.ArgumentParser) -> None:
    """--config and --data."""
    add_config_argument(parser)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("HUB_DATA", "data")),
        metavar="DIR",
        help="folder of the hub's data (default: HUB_DATA, or data)",
    )
