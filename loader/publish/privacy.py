"""How to publish: everything as the sources have it, or keyed pseudonyms for groups of people."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from loader.base.errors import HeadwaterError
from loader.base.settings import Settings

PUBLIC = "public"
PSEUDONYMOUS = "pseudonymous"

_SHORTEST_KEY = 32
_SMALLEST_GROUP = 2
_PSEUDONYM_BYTES = 16


@dataclass(frozen=True)
class Pseudonymiser:
    """Keyed pseudonyms and days: the same for the same key, and random to anyone without it."""

    key: bytes

    def pseudonymise(self, kind: str, text: str) -> str:
        """`kind-` and 32 hexadecimal digits that stand for the text, within its kind."""
        return f"{kind}-{self._digest(kind, text)[:_PSEUDONYM_BYTES].hex()}"

    def move_dates(self, texts: Sequence[str], true_dates: Sequence[date]) -> list[date]:
        """For each text a day in the year of the dates, chosen by key and text, that is not one of the dates.

        The dates are those of all records that look alike to a reader: a day that some of them have would exclude
        these. If the dates fill the year, it is any day except the text's own, which is at the same position.
        """
        year = true_dates[0].year
        days = range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
        taken = {true_date.toordinal() for true_date in true_dates}
        moved = []
        for text, true_date in zip(texts, true_dates, strict=False):
            avoided = taken if len(taken) < len(days) else {true_date.toordinal()}
            place = int.from_bytes(self._digest("date", text)[:8], "big") % len(days)
            # The next free day, so that an additional date in the year moves few others.
            while days[place] in avoided:
                place = (place + 1) % len(days)
            moved.append(date.fromordinal(days[place]))
        return moved

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.digest(self.key, f"{kind}\0{text}".encode(), "sha256")


def read_pseudonymiser(settings: Settings) -> Pseudonymiser | None:
    """What pseudonyms are made with, or None in the public mode.

    Raises HeadwaterError when the mode is unknown, the smallest group too small, or the key missing or too short.
    """
    if settings.privacy == PUBLIC:
        return None
    if settings.privacy != PSEUDONYMOUS:
        raise HeadwaterError(f"publication.privacy is {settings.privacy!r}; it must be {PUBLIC!r} or {PSEUDONYMOUS!r}.")
    if not settings.smallest_group.isdecimal() or int(settings.smallest_group) < _SMALLEST_GROUP:
        raise HeadwaterError(
            f"publication.smallest_group is {settings.smallest_group!r}; it must be a whole number from"
            f" {_SMALLEST_GROUP} on."
        )
    key = _read_key()
    if len(key) < _SHORTEST_KEY:
        raise HeadwaterError(
            f"publication.privacy is {PSEUDONYMOUS!r}, which needs a key of at least {_SHORTEST_KEY} characters:"
            ' make one with `python -c "import secrets; print(secrets.token_hex(32))"` and keep it as'
            " publication.privacy_key in .dlt/secrets.toml, or as PUBLICATION__PRIVACY_KEY."
        )
    return Pseudonymiser(key.encode())


def _read_key() -> str:
    # Only in this mode: dlt takes a second to import.
    import dlt

    return str(dlt.secrets.get("publication.privacy_key") or "")
