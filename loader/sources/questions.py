"""What `headwater init` asks about a source: each source declares its own questions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True)
class Answer:
    """The settings that an answer gives, by name, and what the user should know of it, such as a count."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Question:
    """One question: `--SOURCE-NAME` answers it without asking.

    `show` says what the settings answer now, or nothing. `parse` turns the text into settings, and raises ValueError
    or HeadwaterError that says what is wrong with it. A secret answer is neither shown nor taken on the command line.
    """

    name: str
    text: str
    metavar: str
    show: Callable[[Any], str | None]
    parse: Callable[[str], Answer]
    is_secret: bool = False


def ask_key(text: str) -> Question:
    """The question for `api_key`; `text` says where a key comes from."""

    def parse(key: str) -> Answer:
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("the key contains characters that no key has")
        return Answer({"api_key": key})

    return Question("api-key", text, "KEY", lambda settings: settings.api_key, parse, is_secret=True)


def ask_whether(setting: str, text: str) -> Question:
    """The question for a setting that is true or false."""

    def parse(answer: str) -> Answer:
        if answer.lower() not in _YES | _NO:
            raise ValueError(f"{answer!r} is neither yes nor no")
        return Answer({setting: answer.lower() in _YES})

    return Question(setting, text, "yes|no", lambda settings: "yes" if getattr(settings, setting) else "no", parse)
