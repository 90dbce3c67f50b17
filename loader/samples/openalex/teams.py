"""Who writes with whom: the careers of the roster, paper by paper, ordered by year."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from loader.samples.openalex.catalogue import Record
from loader.samples.openalex.people import FIRST_YEAR, LAST_YEAR, Collaboration, Person, create_person

_LARGEST_USUAL_TEAM = 24


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper before it is written: its year, its department and its authors in printed order."""

    year: int
    department: int
    authors: list[Person]


class Society:
    """The roster, the people it meets, and what they remember of each other."""

    def __init__(self, rng: Random, institutions: list[Record], roster: list[Person]) -> None:
        """Start a society in which the roster knows nobody yet."""
        self.rng = rng
        self.roster = roster
        self.outsiders: list[Person] = []
        self._roster_members = frozenset(roster)
        self._institutions = institutions
        # A few institutions are large, most are small.
        self._institution_weights = [1 / (rank + 3) ** 0.7 for rank in range(len(institutions))]

    def write_papers(self, count: int) -> list[Paper]:
        """Write papers led by the roster: one in each first year, the rest where careers are productive."""
        talents = {person: self.rng.lognormvariate(0, 0.4) for person in self.roster}
        author_years = [(person, year) for person in self.roster for year in range(person.first_year, LAST_YEAR + 1)]
        weights = [talents[person] * _weigh_age(year - person.first_year, year) for person, year in author_years]
        leads = [(person, person.first_year) for person in self.roster][:count]
        leads += self.rng.choices(author_years, weights, k=count - len(leads))
        leads.sort(key=lambda lead: lead[1])
        return [self.write_paper(person, year) for person, year in leads]

    def write_paper(self, lead: Person, year: int, *, size: int | None = None) -> Paper:
        """Gather a team around a roster author, put it in order and remember who worked together."""
        team = self._gather_team(lead, year, size or self._draw_size(lead, year))
        self._remember(team, year)
        return Paper(year, lead.department, self._order_authors(lead, team, year))

    def write_early_papers(self, count: int) -> list[Paper]:
        """Write papers without the roster: by advisors and senior coauthors, before they met it."""
        seniors = [person for person in self.outsiders if person.first_year < person.first_seen - 2]
        seniors.sort(key=lambda person: person.first_year)
        advisors = {person.advisor for person in self.roster}
        firsts = [person for person in seniors if person in advisors][:count]
        others = [person for person in seniors if person not in advisors]
        firsts += self.rng.sample(others, min(count - len(firsts), len(others)))
        return [self._write_early_paper(person) for person in firsts]

    def _write_early_paper(self, first: Person) -> Paper:
        year = first.first_year
        peers = [
            person
            for person in self.rng.sample(self.outsiders, min(200, len(self.outsiders)))
            if person.department == first.department and person.is_active(year) and person is not first
        ]
        return Paper(year, first.department, [first, *peers[: self.rng.randint(0, 3)]])

    def _draw_size(self, lead: Person, year: int) -> int:
        mean = 2.1 + 0.1 * (year - FIRST_YEAR)
        size = 1 + int(self.rng.gammavariate(1.8, mean / 1.8))
        smallest = 2 if year - lead.first_year < 6 else 1
        return min(max(size, smallest), _LARGEST_USUAL_TEAM)

    def _gather_team(self, lead: Person, year: int, size: int) -> list[Person]:
        team = [lead]
        if year - lead.first_year < 6:
            team.append(self._find_advisor(lead))
        while len(team) < size:
            person = self._invite(lead, year)
            if person not in team:
                team.append(person)
        return team

    def _find_advisor(self, student: Person) -> Person:
        if student.advisor is None:
            student.advisor = self._create_outsider(
                student.department,
                first_year=self._start_career(student.first_year, self.rng.randint(12, 25)),
                years_active=60,
                institution=student.moves[0][1],
            )
        return student.advisor

    def _invite(self, lead: Person, year: int) -> Person:
        chance = self.rng.random()
        if chance < 0.08:
            return self._invite_colleague(lead, year)
        if chance < 0.48:
            return self._invite_again(lead, year)
        if chance < 0.53:
            return self._invite_again(self._invite_colleague(lead, year), year)
        return self._meet(lead, year)

    def _invite_colleague(self, lead: Person, year: int) -> Person:
        everyone = self.rng.random() < 0.15
        colleagues = [
            person
            for person in self.roster
            if person.is_active(year) and (everyone or person.department == lead.department)
        ]
        return self.rng.choice(colleagues) if colleagues else lead

    def _invite_again(self, lead: Person, year: int) -> Person:
        known = [
            (person, collaboration.count)
            for person, collaboration in lead.collaborators.items()
            if collaboration.last_year >= year - 7 and person.is_active(year)
        ]
        if not known:
            return self._meet(lead, year)
        people, counts = zip(*known, strict=True)
        chosen: Person = self.rng.choices(people, counts)[0]
        return chosen

    def _meet(self, lead: Person, year: int) -> Person:
        age = year - lead.first_year
        is_student = self.rng.random() < (0.45 if age > 8 else 0.15)
        if is_student:
            at_home = self.rng.random() < 0.7
            return self._create_outsider(
                lead.department,
                first_year=self._start_career(year, self.rng.randint(0, 1)),
                # Most students leave research, some stay for good.
                years_active=self.rng.choice((3, 4, 5, 6, 40)),
                institution=lead.find_institution(year) if at_home else None,
            )
        peer_age = max(0, round(self.rng.gauss(age + 1, 8)))
        first_year = self._start_career(year, peer_age)
        return self._create_outsider(lead.department, first_year=first_year, years_active=year - first_year + 12)

    def _start_career(self, year: int, age: int) -> int:
        """Return the first year of a career `age` years old, or an early year of the sample instead."""
        if year - age >= FIRST_YEAR:
            return year - age
        return self.rng.randint(FIRST_YEAR, min(year, FIRST_YEAR + 8))

    def _create_outsider(
        self, department: int, *, first_year: int, years_active: int, institution: Record | None = None
    ) -> Person:
        places = self.rng.choices(self._institutions, self._institution_weights, k=2)
        moves = [(first_year, institution or places[0])]
        if years_active > 6 and self.rng.random() < 0.5:
            moves.append((first_year + self.rng.randint(5, 12), places[1]))
        person = create_person(
            self.rng,
            len(self.roster) + len(self.outsiders) + 1,
            department=department,
            first_year=first_year,
            last_year=min(LAST_YEAR, first_year + years_active),
            moves=moves,
        )
        self.outsiders.append(person)
        return person

    def _remember(self, team: list[Person], year: int) -> None:
        roster = [person for person in team if person in self._roster_members]
        for person in team:
            person.first_seen = min(person.first_seen, year)
        for member in roster:
            for person in team:
                if person is not member:
                    collaboration = member.collaborators.setdefault(person, Collaboration())
                    collaboration.count += 1
                    collaboration.last_year = year

    def _order_authors(self, lead: Person, team: list[Person], year: int) -> list[Person]:
        others = team[1:]
        self.rng.shuffle(others)
        others.sort(key=lambda person: person.first_year < year - 12)
        age = year - lead.first_year
        first_chance, last_chance = (0.6, 0.0) if age < 6 else (0.45, 0.15) if age < 14 else (0.1, 0.65)
        chance = self.rng.random()
        if chance < first_chance or not others:
            return [lead, *others]
        if chance < first_chance + last_chance:
            return [*others, lead]
        place = self.rng.randint(1, max(1, len(others) - 1))
        return [*others[:place], lead, *others[place:]]


def _weigh_age(age: int, year: int) -> float:
    """Weigh how productive a career is at an age in years; the last year is only half over."""
    weight = 0.5 if age < 5 else 1.0 if age < 10 else 1.7 if age < 20 else 2.0 if age < 30 else 1.3
    return weight / 2 if year == LAST_YEAR else weight
