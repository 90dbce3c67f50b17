"""What a dry run says beforehand holds afterwards: a run costs no less and no more, and a dry run costs nothing."""

from pathlib import Path

import pytest

from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.contract import RunEstimate, RunOptions
from loader.sources.openalex.roster import read_roster
from tests.support.openalex import Loader

_INSTITUTION_FIELD = "last_known_institutions"


def estimate(loader: Loader, server: OpenAlexServer, options: RunOptions | None = None) -> RunEstimate:
    server.requests.clear()
    made = loader.estimate(options)
    assert server.requests == []
    return made


def count_lists(server: OpenAlexServer) -> int:
    """The requests that cost a credit: all but those of one record."""
    return sum(request.path.count("/") == 1 for request in server.requests)


def assert_holds(loader: Loader, server: OpenAlexServer, options: RunOptions | None = None) -> RunEstimate:
    """Estimates, loads and compares; returns the estimate."""
    told = estimate(loader, server, options)
    assert loader.load(options).error is None
    assert told.at_most is not None
    assert told.at_least <= count_lists(server) <= told.at_most
    return told


def find_part(told: RunEstimate, words: str) -> tuple[int, int | None]:
    (part,) = [part for part in told.parts if words in part.what]
    return part.at_least, part.at_most


def test_every_run_costs_what_its_dry_run_says(loader: Loader, server: OpenAlexServer) -> None:
    loader.configured["coauthor_credits"] = 40
    fresh = assert_holds(loader, server)
    assert not [part for part in fresh.parts if "sweep" in part.what]
    assert find_part(fresh, "coauthors") == (0, 40)
    assert find_part(fresh, "topics") == (0, None)
    assert fresh.at_most == 1_000, "without a key a day has so many"
    assert find_part(assert_holds(loader, server), "coauthors") == (40, 40)
    again = assert_holds(loader, server, RunOptions(is_full_refresh=True))
    assert not [part for part in again.parts if "nothing is known" in part.note]
    assert find_part(again, "all works of 12 members")[0] >= 2
    assert find_part(again, "topics")[0] >= 1


def test_an_institution_is_unknown_and_not_free(loader: Loader, server: OpenAlexServer, catalogue: Catalogue) -> None:
    authors = [author for author in catalogue.authors if author[_INSTITUTION_FIELD]]
    loader.configured |= {"roster": None, "institution": authors[0][_INSTITUTION_FIELD][0]["id"]}
    told = assert_holds(loader, server)
    assert told.at_least >= 3
    assert find_part(told, "people of the institution") == (1, None)
    assert find_part(told, "all works of people who are new there") == (1, None)
    assert find_part(estimate(loader, server), "which works changed")[0] >= 1


def test_the_roster_of_today_is_counted_and_not_the_one_before(
    loader: Loader, server: OpenAlexServer, tmp_path: Path
) -> None:
    loader.load()
    loader.configured["coauthor_credits"] = 400
    whole = find_part(estimate(loader, server), "coauthors")[0]
    (member, *_) = [entry.author_id for entry in read_roster(tmp_path / "roster.csv") if entry.author_id]
    (tmp_path / "roster.csv").write_text(f"openalex_id\n{member}\nA5999999998\n")
    told = estimate(loader, server)
    assert 0 < find_part(told, "coauthors")[0] < whole
    assert find_part(told, "which works changed, of 1 member")
    assert find_part(told, "all works of 1 member") == (1, None)


def test_a_dry_run_says_what_a_whole_load_may_not_exceed(loader: Loader, server: OpenAlexServer) -> None:
    loader.configured["requests_per_day"] = 7
    told = estimate(loader, server)
    assert (told.at_most, told.budget) == (7, 7)


def test_a_dry_run_finds_identifiers_of_different_people(
    loader: Loader, server: OpenAlexServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loader.load()
    held = dict(loader.query("select id, document ->> '$.orcid' from raw_openalex.authors order by id"))
    (first, second, third, *_) = [author_id for author_id, orcid in held.items() if orcid]
    (tmp_path / "roster.csv").write_text(
        f"openalex_id,orcid\n{first},{held[second]}\nA5999999998,{held[third]}\n{third},\n"
    )
    capsys.readouterr()
    estimate(loader, server)
    told = " ".join(capsys.readouterr().out.split())
    assert f"The roster gives {first} the ORCID {held[second]}; OpenAlex says {held[first]}." in told
    assert (
        f"The roster gives https://openalex.org/A5999999998 the ORCID {held[third]}; OpenAlex gives it to {third}."
        in told
    )
    write_roster(tmp_path / "roster.csv", roster_size=12)
    capsys.readouterr()
    estimate(loader, server)
    assert "The roster gives" not in capsys.readouterr().out
