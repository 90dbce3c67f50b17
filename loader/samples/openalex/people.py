"""The people and institutions of the sample world, and the identifiers they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from loader.samples.openalex.catalogue import Record
from loader.samples.openalex.vocabulary import (
    DEPARTMENTS,
    HOME_NAME,
    INSTITUTION_PATTERNS,
    NATIVE_NAMES,
    ORIGINS,
    PLACES,
)

FIRST_YEAR = 1985
LAST_YEAR = 2026

# Multiplying by a constant modulo a prime scatters serial numbers without ever repeating one.
_STEP = 48_271
_EIGHT_DIGIT_PRIME = 99_999_989
_SEVEN_DIGIT_PRIME = 9_999_991
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(eq=False, slots=True)
class Person:
    """A researcher: `moves` are (first year there, institution), oldest first; years are inclusive."""

    author_id: str
    orcid: str | None
    name: str
    printed_name: str
    department: int
    first_year: int
    last_year: int
    moves: list[tuple[int, Record]]
    collaborators: dict[Person, Collaboration] = field(default_factory=dict)
    advisor: Person | None = None
    first_seen: int = LAST_YEAR + 1

    def find_institution(self, year: int) -> Record:
        """Return the institution the person works at in a year."""
        return next((place for since, place in reversed(self.moves) if since <= year), self.moves[0][1])

    def is_active(self, year: int) -> bool:
        """Tell whether the person publishes in a year."""
        return self.first_year <= year <= self.last_year


@dataclass(eq=False, slots=True)
class Collaboration:
    """How often two people have published together, and the last year they did."""

    count: int = 0
    last_year: int = 0


def scatter_eight(serial: int) -> str:
    """Return eight digits that no other serial number gives."""
    return f"{serial * _STEP % _EIGHT_DIGIT_PRIME:08d}"


def build_orcid(serial: int) -> str:
    """Return an ORCID URL with its ISO 7064 mod 11-2 check digit, from a range that is not issued."""
    digits = f"00000007{serial * _STEP % _SEVEN_DIGIT_PRIME:07d}"
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    code = digits + ("X" if check == 10 else str(check))
    return f"https://orcid.org/{code[:4]}-{code[4:8]}-{code[8:12]}-{code[12:]}"


def build_ror(serial: int) -> str:
    """Return a ROR URL: a zero, six Crockford base 32 digits and the ISO 7064 mod 97-10 check digits."""
    number = serial * _STEP % _EIGHT_DIGIT_PRIME
    check = 98 - number * 100 % 97
    code = ""
    for _ in range(6):
        number, digit = divmod(number, 32)
        code = _CROCKFORD[digit] + code
    return f"https://ror.org/0{code}{check:02d}"


def create_institutions(rng: Random, count: int) -> list[Record]:
    """Create institutions as an authorship names them; the first is the home of the roster."""
    names = [
        (pattern.format(place=place), kind, country)
        for pattern, kind in INSTITUTION_PATTERNS
        for place, country in PLACES
    ]
    chosen = rng.sample(names, min(count - 1, len(names)))
    return [
        _describe_institution(serial, *each) for serial, each in enumerate([(HOME_NAME, "education", "SE"), *chosen], 1)
    ]


def _describe_institution(serial: int, name: str, kind: str, country: str) -> Record:
    institution_id = f"https://openalex.org/I99{scatter_eight(serial)}"
    return {
        "id": institution_id,
        "display_name": name,
        "ror": build_ror(serial),
        "country_code": country,
        "type": kind,
        "lineage": [institution_id],
    }


def create_person(
    rng: Random,
    serial: int,
    *,
    department: int,
    first_year: int,
    last_year: int,
    moves: list[tuple[int, Record]],
) -> Person:
    """Create a researcher with an invented name; some have no ORCID, a few print another form of the name."""
    given, family = (rng.choice(names) for names in rng.choice(ORIGINS))
    initial = rng.choice("ABCDEFGHJKLMNPRSTVW")
    name = f"{given} {initial}. {family}" if rng.random() < 0.4 else f"{given} {family}"
    printed = rng.choices((name, f"{given[0]}. {family}", rng.choice(NATIVE_NAMES)), (80, 18, 2))[0]
    return Person(
        author_id=f"https://openalex.org/A58{scatter_eight(serial)}",
        orcid=build_orcid(serial) if rng.random() < 0.7 else None,
        name=name,
        printed_name=printed,
        department=department,
        first_year=first_year,
        last_year=last_year,
        moves=moves,
    )


def create_roster(rng: Random, institutions: list[Record], size: int) -> list[Person]:
    """Create the researchers of the home institution: all ages, all departments, one or two moves each."""
    roster = []
    for number in range(size):
        first_year = FIRST_YEAR + round((LAST_YEAR - 6 - FIRST_YEAR) * number / max(size - 1, 1))
        person = create_person(
            rng,
            number + 1,
            department=number % len(DEPARTMENTS),
            first_year=first_year,
            last_year=LAST_YEAR,
            moves=_draw_moves(rng, institutions, first_year),
        )
        if number % 10 == 7:
            person.orcid = build_orcid(number + 1)
        roster.append(person)
    return roster


def _draw_moves(rng: Random, institutions: list[Record], first_year: int) -> list[tuple[int, Record]]:
    studied_at, worked_at = rng.sample(institutions[1:], 2)
    graduated = first_year + rng.randint(4, 6)
    moves = [(first_year, studied_at)]
    if rng.random() < 0.6:
        moves.append((graduated, worked_at))
        graduated += rng.randint(2, 5)
    return [*moves, (min(graduated, LAST_YEAR - 1), institutions[0])]
