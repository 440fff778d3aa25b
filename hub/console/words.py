"""The catalogues: every sentence a person reads is a key with parameters. Chinese first, English second."""

from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]
LOCALE = Path(__file__).parent / "locale"


@cache
def catalogue(language: Language) -> GNUTranslations:
    with (LOCALE / language / "LC_MESSAGES" / "console.mo").open("rb") as file:
        return GNUTranslations(file)


def language_of(name: str | None) -> Language:
    return "en" if name == "en" else "zh"


class Words:
    """The words of one language. A key that no catalogue has is shown as it is, so that nothing is hidden."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._catalogue = catalogue(language)

    def __call__(self, key: str, /, **params: object) -> str:
        sentence = self._catalogue.gettext(key)
        return sentence.format_map(params) if params else sentence

    def has(self, key: str) -> bool:
        return self._catalogue.gettext(key) != key

    def named(self, group: str, value: str) -> str:
        """The word for one value of a closed list, `detector` + `smoke`; a value that the list lacks as it is."""
        key = f"{group}.{value}"
        return self(key) if self.has(key) else value
