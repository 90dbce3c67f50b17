"""The answers of docs/answers.md by plain Python, from the truth about the marts and the day of the last load."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from tests.support.truth import AcademicTruth, Row, Work

Rows = list[Row]


@dataclass(frozen=True)
class AnswersTruth:
    """What each question must be answered; `names`, `departments` and `countries` are by OpenAlex id.

    `memberships` has for each author departments with the first and the last day, as text; empty: without one.
    """

    truth: AcademicTruth
    loaded: date
    names: Mapping[str, str]
    departments: Mapping[str, str]
    memberships: Mapping[str, Sequence[tuple[str, str, str]]]
    countries: Mapping[str, str]

    @property
    def last_finished_year(self) -> int:
        """The year before that of the load."""
        return self.loaded.year - 1

    def answer(self, name: str) -> Rows:
        """The rows of the answer whose SQL file has this name."""
        rows: Rows = getattr(self, f"_answer_{name}")()
        return rows

    def _list_papers(self, years: Iterable[int]) -> list[Work]:
        papers = {work["id"]: work for works in self.truth.papers.values() for work in works}
        return [work for work in papers.values() if work["publication_year"] in years]

    def _list_finished(self, count: int) -> range:
        return range(self.last_finished_year - count + 1, self.last_finished_year + 1)

    def _answer_central_collaborators(self) -> Rows:
        met: dict[str, Rows] = defaultdict(list)
        for row in self.truth.list_coauthorships():
            if row[2] <= self.loaded.year and not row[15] and not row[16]:
                met[row[1]].append(row)
        found = [
            (
                self.names[coauthor],
                len({row[0] for row in rows}),
                len({self.departments[row[0]] for row in rows}),
                sum(row[4] for row in rows),
                min(row[2] for row in rows),
                max(row[2] for row in rows),
                coauthor,
            )
            for coauthor, rows in met.items()
        ]
        return [row[:-1] for row in sorted(found, key=lambda row: (-row[1], -row[3], row[0], row[-1]))[:10]]

    def _answer_coauthor_age_over_a_career(self) -> Rows:
        stages: dict[int, Rows] = defaultdict(list)
        for row in self.truth.list_author_years():
            if row[1] <= self.loaded.year:
                stages[row[2] - row[2] % 5].append(row)
        answer = []
        for stage, rows in sorted(stages.items()):
            younger, same, older = (sum(row[place] for row in rows) for place in (8, 9, 10))
            total = younger + same + older
            shares = [100 * count / total if total else None for count in (older, same, younger)]
            answer.append((stage, stage + 4, len({row[0] for row in rows}), total, *shares))
        return answer

    def _answer_growing_fields(self) -> Rows:
        before, now = Counter[str](), Counter[str]()
        for work in self._list_papers(self._list_finished(10)):
            if not work["primary_topic"]:
                continue
            recent = work["publication_year"] in self._list_finished(5)
            (now if recent else before)[work["primary_topic"]["field"]["display_name"]] += 1
        found = [
            (field, before[field], now[field], 100 * (now[field] - before[field]) / before[field])
            if before[field]
            else (field, 0, now[field], None)
            for field in before.keys() | now.keys()
        ]
        return sorted(found, key=lambda row: (row[1] - row[2], row[0]))[:10]

    def _answer_open_access_by_year(self) -> Rows:
        answer: Rows = []
        for year in self._list_finished(10):
            if works := [work["open_access"] for work in self._list_papers([year])]:
                statuses = Counter(work["oa_status"] for work in works)
                counts = [sum(bool(work["is_oa"]) for work in works), statuses["gold"] + statuses["diamond"]]
                counts += [statuses[status] for status in ("hybrid", "green", "bronze")]
                answer.append((year, len(works), *(100 * count / len(works) for count in counts)))
        return answer

    def _answer_origins_of_new_collaborators(self) -> Rows:
        meetings: dict[str, tuple[str, str, str]] = {}
        for row in self.truth.list_coauthorships():
            if row[6] and not row[15] and not row[16] and row[2] in self._list_finished(5):
                meeting = (row[3], row[0], self.countries.get(row[14], "unknown"))
                meetings[row[1]] = min(meeting, meetings.get(row[1], meeting))
        origins = Counter(country for *_, country in meetings.values())
        found = [(country, count, 100 * count / len(meetings)) for country, count in origins.items()]
        return sorted(found, key=lambda row: (-row[1], row[0]))[:10]

    def _answer_returning_collaborators(self) -> Rows:
        pairs: dict[tuple[str, str], Rows] = defaultdict(list)
        for row in self.truth.list_coauthorships():
            if not row[16]:
                pairs[row[0], row[1]].append(row)
        returned: dict[int, list[bool]] = defaultdict(list)
        for rows in pairs.values():
            first, later = min(row[2] for row in rows), [row[2] for row in rows if not row[6]]
            if first <= self.last_finished_year - 5:
                returned[first - first % 5].append(bool(later) and min(later) <= first + 5)
        return [
            (met, min(met + 4, self.last_finished_year - 5), len(again), 100 * sum(again) / len(again))
            for met, again in sorted(returned.items())
        ]

    def _answer_papers_between_departments(self) -> Rows:
        departments: dict[str, set[str]] = defaultdict(set)
        for author, works in self.truth.papers.items():
            for work in works:
                departments[work["id"]].add(self.departments[author])
        shared = Counter(pair for names in departments.values() for pair in combinations(sorted(names), 2))
        return sorted(((*pair, count) for pair, count in shared.items()), key=lambda row: (-row[2], row[0], row[1]))[
            :10
        ]

    def _answer_impact_of_departments(self) -> Rows:
        papers: dict[str, dict[str, Work]] = defaultdict(dict)
        for author, works in self.truth.papers.items():
            for work in works:
                day = work["publication_date"]
                for department, first, last in self.memberships[author]:
                    if work["publication_year"] in self._list_finished(5) and first <= day <= (last or day):
                        papers[department][work["id"]] = work
        found: Rows = []
        for department, by_id in papers.items():
            impacts = [work["fwci"] for work in by_id.values() if work.get("fwci") is not None]
            percentiles = [
                100 * work["citation_normalized_percentile"]["value"]
                for work in by_id.values()
                if work.get("citation_normalized_percentile")
            ]
            top = sum(percentile >= 90 for percentile in percentiles)
            found.append(
                (
                    department,
                    len(by_id),
                    len(impacts),
                    sum(impacts) / len(impacts),
                    sum(percentiles) / len(percentiles),
                    100 * top / len(percentiles),
                )
            )
        return sorted(found, key=lambda row: (-row[3], row[0]))

    def _answer_size_of_teams(self) -> Rows:
        coauthors = {row[0]: row[4] for row in self.truth.list_papers()}
        stages: dict[int, list[Work]] = defaultdict(list)
        for work in self._list_papers(range(self.loaded.year)):
            stages[work["publication_year"] - work["publication_year"] % 5].append(work)
        answer = []
        for stage, works in sorted(stages.items()):
            sizes = [coauthors[work["id"]] + 1 for work in works if len(work["authorships"]) <= 25]
            shares = [
                sum(coauthors[work["id"]] == 0 for work in works),
                sum(work["countries_distinct_count"] > 1 for work in works),
                sum(len(work["authorships"]) > 25 for work in works),
            ]
            mean = sum(sizes) / len(sizes) if sizes else None
            last = min(stage + 4, self.last_finished_year)
            answer.append((stage, last, len(works), mean, *(100 * share / len(works) for share in shares)))
        return answer

    def _answer_citations_by_age_of_paper(self) -> Rows:
        ages: dict[int, list[int]] = defaultdict(list)
        for work in self._list_papers(self._list_finished(9)):
            cited = {count["year"]: count["cited_by_count"] for count in work["counts_by_year"]}
            for year in range(work["publication_year"], self.last_finished_year + 1):
                ages[year - work["publication_year"]].append(cited.get(year, 0))
        return [(age, len(counts), sum(counts), sum(counts) / len(counts)) for age, counts in sorted(ages.items())]

    def _answer_rising_researchers(self) -> Rows:
        careers: dict[str, Rows] = defaultdict(list)
        for row in self.truth.list_author_years():
            if row[1] <= self.last_finished_year:
                careers[row[0]].append(row)
        found = [
            (
                self.names[author],
                self.departments[author],
                max(row[2] for row in rows),
                sum(row[3] for row in rows if row[1] in self._list_finished(5)),
                max((row[14] for row in rows if row[1] <= self.last_finished_year - 5), default=0),
                max(row[14] for row in rows),
            )
            for author, rows in careers.items()
        ]
        return sorted(found, key=lambda row: (row[4] - row[5], -row[5], row[0]))[:10]
