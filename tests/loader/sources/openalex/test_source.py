"""What is missing is requested in OpenAlex's protocol, and its refusals become errors that say what to do."""

import csv
from pathlib import Path

import duckdb
import pytest

from loader.samples.faults import answer_status
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import HOME_ROR
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.members import EXAMPLE_ROSTER
from loader.sources.openalex.roster import normalise_orcid
from tests.support.openalex import Loader


def test_a_load_brings_the_roster_its_works_and_what_these_name(loader: Loader, server: OpenAlexServer) -> None:
    load = loader.load()
    assert load.error is None
    counts = {row.resource: row.counts for row in load.resources}
    assert set(counts) == {"roster", "authors", "works", "institutions", "topics"}
    for resource, count in counts.items():
        assert count.new == count.extracted > 0, resource
        assert loader.ask(f"select count(*) from raw_openalex.{resource}") == count.new


def test_the_second_load_asks_no_more_than_the_first_and_writes_nothing(loader: Loader, server: OpenAlexServer) -> None:
    loader.load()
    first = len(server.requests)
    load = loader.load()
    counts = {row.resource: row.counts for row in load.resources}
    assert all(count.new == count.changed == 0 for count in counts.values())
    assert counts["institutions"].extracted == counts["topics"].extracted == 0
    assert len(server.requests) - first < first


def test_filters_hold_at_most_a_hundred_values_and_pages_a_hundred_records(
    loader: Loader, server: OpenAlexServer
) -> None:
    loader.load()
    lists = [request for request in server.requests if "filter" in request.parameters]
    assert max(request.parameters["filter"].count("|") + 1 for request in lists) <= 100
    assert {request.parameters["per_page"] for request in lists} == {"100"}
    assert all("page" not in request.parameters for request in lists)


def test_authors_given_by_orcid_are_found(loader: Loader, tmp_path: Path) -> None:
    with_orcid_only = [line for line in (tmp_path / "roster.csv").read_text().splitlines()[1:] if line.startswith(",")]
    assert with_orcid_only, "the sample roster has lines with an ORCID alone"
    load = loader.load()
    assert load.error is None
    assert loader.ask("select count(*) from raw_openalex.roster") == 12


def test_an_orcid_that_nobody_has_is_reported_and_the_others_are_loaded(
    loader: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "roster.csv").open("a") as roster:
        roster.write(",0000-0002-1825-0097,Josiah Carberry,,,,,,\n")
    assert loader.load().error is None
    assert "0000-0002-1825-0097" in capsys.readouterr().out
    assert loader.ask("select count(*) from raw_openalex.roster") == 12


def test_an_id_that_openalex_does_not_know_is_reported(
    loader: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "roster.csv").open("a") as roster:
        roster.write("A5123123123,,Nobody,,,,,,\n")
    assert loader.load().error is None
    assert "knows no author https://openalex.org/A5123123123" in " ".join(capsys.readouterr().out.split())


def test_an_orcid_that_is_anothers_is_reported(
    loader: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tmp_path / "roster.csv").read_text()
    (tmp_path / "roster.csv").write_text(
        text.replace("A5800096542,0000-0007-0096-5429", "A5800096542,0000-0002-1825-0097")
    )
    assert loader.load().error is None
    assert "OpenAlex says https://orcid.org/0000-0007-0096-5429" in " ".join(capsys.readouterr().out.split())


def test_a_pace_that_is_none_is_refused(loader: Loader) -> None:
    assert "must be above 0" in (loader.load(requests_per_second=-3.0).error or "")


def test_no_requests_a_day_are_refused(loader: Loader) -> None:
    error = loader.load(requests_per_day=0).error
    assert error == "sources.openalex.requests_per_day is 0; it must be at least 1."


def test_a_key_that_cannot_be_sent_is_reported_and_not_shown(loader: Loader) -> None:
    assert loader.load(api_key=" a-good-key\n").error is None
    error = loader.load(api_key="two\nlines").error
    assert error == "The key in sources.openalex.api_key contains characters that no key has."


def test_a_person_given_by_id_and_by_orcid_counts_once(
    loader: Loader, tmp_path: Path, server: OpenAlexServer, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(csv.DictReader((tmp_path / "roster.csv").open()))
    by_orcid = normalise_orcid(next(row["orcid"] for row in rows if not row["openalex_id"]))
    (author_id,) = [author["id"] for author in catalogue.authors if author["orcid"] == by_orcid]
    with (tmp_path / "roster.csv").open("a") as roster:
        roster.write(f"{author_id},,The same person,,,,,,\n")
    assert loader.load().error is None
    assert "is on the roster twice" in capsys.readouterr().out
    assert loader.ask("select count(*) from raw_openalex.roster") == 12


def test_the_lines_of_a_person_are_one_record_with_the_memberships_of_all(
    loader: Loader, tmp_path: Path, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    known, by_orcid, *_ = [author for author in catalogue.authors if author["orcid"]]
    (tmp_path / "roster.csv").write_text(
        "openalex_id,orcid,display_name,department,member_from,member_until,group_url\n"
        f"{known['id']},,,Glass,2012,2019-09,\n"
        f",{by_orcid['orcid']},Known by ORCID,Glass,,2020,https://x.example\n"
        f"{by_orcid['id']},,,Clay,2021,,\n"
        f"{known['id']},,,Clay,2015-02,,\n"
    )
    load = loader.load()
    assert load.error is None
    assert "is on the roster twice" not in capsys.readouterr().out
    assert {each.resource: each.counts.new for each in load.resources}["roster"] == 2
    found = loader.query(
        "select id, document ->> '$.memberships[*].department', document ->> '$.memberships[*].member_from',"
        " document ->> '$.memberships[*].member_until', document ->> '$.group_url' from raw_openalex.roster"
    )
    assert sorted(found) == sorted(
        [
            (known["id"], ["Glass", "Clay"], ["2012-01-01", "2015-02-01"], ["2019-09-30", None], None),
            (by_orcid["id"], ["Glass", "Clay"], [None, "2021-01-01"], ["2020-12-31", None], "https://x.example"),
        ]
    )


def test_what_a_failed_load_extracted_is_not_reported_as_loaded(loader: Loader, server: OpenAlexServer) -> None:
    server.fail_next(answer_status(400), path="/works")
    load = loader.load()
    assert load.error is not None
    assert load.resources == []
    assert loader.load().error is None


def test_raw_that_lacks_what_a_load_reads_is_reported_in_one_line(loader: Loader) -> None:
    loader.load()
    with duckdb.connect(str(loader.settings.warehouse)) as connection:
        connection.execute("alter table raw_openalex.roster drop column document")
    error = loader.load().error or ""
    assert "document" in error
    assert "\n" not in error


def test_without_a_key_the_limit_is_said(loader: Loader, capsys: pytest.CaptureFixture[str]) -> None:
    loader.load()
    assert "no key in sources.openalex.api_key" in " ".join(capsys.readouterr().out.split())
    loader.load(api_key="a-good-key")
    assert "no key" not in capsys.readouterr().out


def test_an_institution_gives_the_roster_of_those_who_work_there_now(loader: Loader, server: OpenAlexServer) -> None:
    assert loader.load(roster=None, institution=HOME_ROR).error is None
    members = loader.ask("select count(*) from raw_openalex.roster")
    assert members >= 12
    assert loader.ask("select count(*) from raw_openalex.authors") == members
    first = len(server.requests)
    assert loader.load(roster=None, institution=HOME_ROR).error is None
    asked = {request.parameters["filter"] for request in server.requests[first:] if request.path == "/authors"}
    assert asked == {f"last_known_institutions.ror:{HOME_ROR}"}


def test_an_institution_wins_over_the_example_that_ships(loader: Loader) -> None:
    assert loader.load(roster=str(EXAMPLE_ROSTER), institution=HOME_ROR).error is None
    assert loader.ask("select count(*) from raw_openalex.roster") >= 12


def test_who_leaves_the_roster_stays_in_raw_and_is_marked(loader: Loader, tmp_path: Path) -> None:
    loader.load()
    lines = (tmp_path / "roster.csv").read_text().splitlines()
    (tmp_path / "roster.csv").write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert loader.load().error is None
    marked = "select count(*) from raw_openalex.roster where not (document ->> 'is_member')::boolean"
    assert loader.ask(marked) == 1
    assert loader.ask("select count(*) from raw_openalex.roster") == 12


def test_a_key_that_is_refused_is_not_shown(loader: Loader) -> None:
    error = loader.load(api_key="a-secret-that-is-wrong").error or ""
    assert "refuses the key in sources.openalex.api_key" in error
    assert "a-secret" not in error


def test_a_key_goes_into_a_header_and_into_no_address(loader: Loader, server: OpenAlexServer) -> None:
    assert loader.load(api_key="a-good-key").error is None
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer a-good-key"}
    assert not any("a-good-key" in str(request.parameters) for request in server.requests)
