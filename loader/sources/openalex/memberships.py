"""When and where a researcher of the roster is a member, as one line says, and whether two lines overlap."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

_DAY = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_FIRST_YEAR = 1900


@dataclass(frozen=True)
class Membership:
    """A department and a period, whose first and last day belong to it; None: since ever, or without an end."""

    department: str | None = None
    college: str | None = None
    position: str | None = None
    member_from: date | None = None
    member_until: date | None = None

    def overlaps(self, other: "Membership") -> bool:
        """Whether both name the same department, in any case, and share a day."""
        is_same = (self.department or "").casefold() == (other.department or "").casefold()
        return is_same and not self._ends_before(other) and not other._ends_before(self)

    def _ends_before(self, other: "Membership") -> bool:
        return bool(self.member_until and other.member_from and self.member_until < other.member_from)


def read_membership(row: Mapping[str, str]) -> Membership:
    """The membership of one line of a roster. Raises ValueError for a date that is none, or an end before its start."""
    member_from = _read_day("member_from", row.get("member_from"), is_last=False)
    member_until = _read_day("member_until", row.get("member_until"), is_last=True)
    if member_from and member_until and member_until < member_from:
        raise ValueError(f"member_until {row['member_until']} is before member_from {row['member_from']}")
    return Membership(
        department=row.get("department") or None,
        college=row.get("college") or None,
        position=row.get("position") or None,
        member_from=member_from,
        member_until=member_until,
    )


def _read_day(column: str, text: str | None, *, is_last: bool) -> date | None:
    """A day; of a year or a month the first day, or the last."""
    if not text:
        return None
    wrong = ValueError(f"{column} {text!r} is not a date; write 2024-09-30, 2024-09 or 2024")
    if not (match := _DAY.fullmatch(text)):
        raise wrong
    year, month = int(match[1]), int(match[2] or (12 if is_last else 1))
    if year < _FIRST_YEAR or not 1 <= month <= 12:
        raise wrong
    try:
        return date(year, month, int(match[3] or (calendar.monthrange(year, month)[1] if is_last else 1)))
    except ValueError:
        raise wrong from None
