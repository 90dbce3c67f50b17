"""Titles and abstracts of the sample papers."""

from __future__ import annotations

from random import Random

from loader.samples.openalex.vocabulary import (
    ABSTRACT_SENTENCES,
    DEPARTMENTS,
    TITLE_ENDINGS,
    TITLE_PATTERNS,
    UNUSUAL_ENDINGS,
)


class TitleWriter:
    """Writes titles, each only once, ignoring case."""

    def __init__(self) -> None:
        """Start with no title used."""
        self._used: set[str] = set()

    def write_title(self, rng: Random, department: int) -> str:
        """Return a title about a department's field; some hold HTML, a few other scripts or an emoji."""
        while True:
            title = _draw_title(rng, department)
            if title.casefold() not in self._used:
                self._used.add(title.casefold())
                return title


def _draw_title(rng: Random, department: int) -> str:
    words = DEPARTMENTS[department]
    subject, other = rng.sample(words.subjects, 2)
    title = rng.choice(TITLE_PATTERNS).format(
        subject=subject,
        other=other,
        setting=rng.choice(words.settings),
        method=rng.choice(words.methods),
    )
    ending = rng.choice(UNUSUAL_ENDINGS if rng.random() < 0.01 else TITLE_ENDINGS)
    start = title if title.startswith("<") else title[0].upper() + title[1:]
    return start + ending


def retype_title(rng: Random, title: str) -> str:
    """Return the title as a preprint server might hold it: another case or other spacing."""
    return rng.choice((title.title(), title.lower(), title.replace(" ", "  ", 1), f" {title} "))


def write_abstract(rng: Random, department: int) -> dict[str, list[int]]:
    """Return an abstract the way OpenAlex keeps it: each word with its positions."""
    words = DEPARTMENTS[department]
    subject, other = rng.sample(words.subjects, 2)
    sentences = sorted(rng.sample(range(len(ABSTRACT_SENTENCES)), rng.randint(4, 6)))
    text = " ".join(ABSTRACT_SENTENCES[number] for number in sentences).format(
        subject=subject,
        other=other,
        setting=rng.choice(words.settings),
        method=rng.choice(words.methods),
        count=rng.randint(2, 30),
        sites=rng.randint(3, 240),
        percent=rng.randint(11, 78),
    )
    positions: dict[str, list[int]] = {}
    for position, word in enumerate(text.split()):
        positions.setdefault(word, []).append(position)
    return positions
