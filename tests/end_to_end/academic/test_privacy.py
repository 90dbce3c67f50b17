"""The pseudonymous mode is attacked by one who reads all of Postgres and holds the true records."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import duckdb
import pytest

from loader.publish.postgres import find_duckdb_extension
from tests.support.attacker import PSEUDONYM, hash_openly, list_columns, list_truths, read_texts
from tests.support.publishing import HAND_OFF, PUBLISH, execute, read_everything
from tests.support.sample import Sample, serve_sample
from tests.support.workspace import BUILD_WITHOUT_TESTS, Finished, Workspace

KEY = "planted-privacy-key-9b1f4de07c5a42aa"
SMALLEST_GROUP = 3
_PUBLIC = {"PUBLICATION__PRIVACY": "public"}
_PAPERS = "select paper_id, group_id, pseudonym from pseudonymous.pseudonymous_papers_generalised"


@dataclass
class Office:
    """A warehouse of two days whose publication is pseudonymous, on a Postgres that was public before."""

    workspace: Workspace
    refused: list[Finished]
    # The pseudonyms of papers by their true ids and groups, on the first day.
    first_pseudonyms: dict[tuple[str, str], str]
    outputs: list[str]


@pytest.fixture(scope="module")
def office(module_workspace: Workspace) -> Office:
    workspace = module_workspace
    del workspace.environment["DBT_LOG_LEVEL_FILE"]
    workspace.environment |= {
        "PUBLICATION__PRIVACY": "pseudonymous",
        "PUBLICATION__PRIVACY_KEY": KEY,
        "PUBLICATION__SMALLEST_GROUP": str(SMALLEST_GROUP),
    }
    outputs = [load(workspace, day=1), workspace.run_well(*BUILD_WITHOUT_TESTS)]
    workspace.run_well("headwater", "postgres", "start")
    publish_truth(workspace)
    outputs.append(workspace.run("headwater", "status").output)
    with workspace.open_duckdb() as connection:
        first = {(paper, group): pseudonym for paper, group, pseudonym in connection.execute(_PAPERS).fetchall()}
    outputs += [load(workspace, day=2), workspace.run_well("dbt", "build")]
    before = read_everything(workspace)
    refused = [
        workspace.run(*HAND_OFF, extra={"PUBLICATION__PRIVACY_KEY": ""}),
        workspace.run("headwater", "run", extra={"PUBLICATION__PRIVACY_KEY": ""}),
        workspace.run(*HAND_OFF, extra={"PUBLICATION__PRIVACY_KEY": KEY[::-1]}),
        workspace.run(*PUBLISH),
    ]
    assert read_everything(workspace) == before
    workspace.environment |= {"DBT_DEBUG": "true", "RUNTIME__LOG_LEVEL": "DEBUG"}
    outputs += [workspace.run_well(*HAND_OFF), workspace.run_well(*PUBLISH)]
    del workspace.environment["DBT_DEBUG"]
    return Office(workspace, refused, first, outputs)


@pytest.fixture
def both(office: Office) -> Iterator[duckdb.DuckDBPyConnection]:
    """The truth, with Postgres attached as `postgres_server`."""
    with office.workspace.open_both() as connection:
        yield connection


def test_no_true_id_name_or_title_is_left_anywhere_in_postgres(office: Office) -> None:
    shown = read_texts(office.workspace)
    with office.workspace.open_duckdb() as connection:
        truths = list_truths(connection)
    assert len(truths) > 5_000
    plain = "\n".join(sorted({PSEUDONYM.sub("", text) for text in shown}))
    assert [truth for truth in truths if truth in plain] == []
    digits = {match.group().partition("-")[2] for text in shown for match in PSEUDONYM.finditer(text)}
    assert len(digits) > 1_000
    assert not digits & hash_openly(truths)
    assert not digits & {truth[:32] for truth in truths}


def test_no_true_id_name_or_title_is_in_a_report_or_an_export(office: Office, tmp_path: Path) -> None:
    office.workspace.run_well("headwater", "report", "--output", str(tmp_path))
    office.workspace.run_well(
        "headwater", "export", "--mart", "dim_authors", "--format", "csv", "--output", str(tmp_path)
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "names stand for groups of people" in page
    assert PSEUDONYM.search(page)
    with office.workspace.open_duckdb() as connection:
        truths = list_truths(connection)
    exported = (tmp_path / "dim_authors.csv").read_text(encoding="utf-8")
    plain = PSEUDONYM.sub("", unescape(page + exported))
    assert [truth for truth in truths if truth in plain] == []


def test_no_date_is_true_and_each_lies_in_its_year(both: duckdb.DuckDBPyConnection) -> None:
    papers = both.execute(
        """
        select published.publication_date, works.publication_date
        from postgres_server.marts.fct_papers as published
        inner join pseudonymous.pseudonymous_papers_generalised as apart on published.paper_id = apart.pseudonym
        inner join transform.int_works as works on apart.paper_id = works.work_id
        """
    ).fetchall()
    assert len(papers) > 300
    assert all(moved != true_date and moved.year == true_date.year for moved, true_date in papers)
    shared = both.execute(
        """
        select published.publication_date, max(coauthorships.publication_date)
        from postgres_server.marts.fct_coauthorships as published
        inner join pseudonymous.pseudonymous_memberships as authors on published.author_id = authors.group_id
        inner join pseudonymous.pseudonymous_memberships as coauthors on published.coauthor_id = coauthors.group_id
        inner join transform.int_coauthorships as coauthorships
            on coauthorships.author_id = authors.author_id and coauthorships.coauthor_id = coauthors.author_id
            and coauthorships.publication_year = published.publication_year
        group by published.author_id, published.coauthor_id, published.publication_year, published.publication_date
        """
    ).fetchall()
    assert len(shared) > 50
    assert all(moved != true_date and moved.year == true_date.year for moved, true_date in shared)


def test_no_time_of_a_record_is_published(office: Office) -> None:
    times = [column for column in list_columns(office.workspace) if column.type.startswith("timestamp")]
    assert times
    for column in times:
        assert office.workspace.query_postgres(f"select count({column.name}) from {column.table}") == [(0,)], column


def test_papers_that_look_alike_are_of_enough_people(both: duckdb.DuckDBPyConnection) -> None:
    # Everything but pseudonyms and the moved date: a true number that slipped through would part the papers.
    found = both.execute(
        """
        with told as (
            select published.* exclude (paper_id, doi, title, load_id, record_hash, publication_date), apart.paper_id
            from postgres_server.marts.fct_papers as published
            left join pseudonymous.pseudonymous_papers_generalised as apart on published.paper_id = apart.pseudonym
        ), people as (
            select memberships.group_id, papers.paper_id, papers.author_id as person_id
            from transform.int_papers_deduplicated as papers
            inner join pseudonymous.pseudonymous_memberships as memberships on papers.author_id = memberships.author_id
        )
        select count(distinct told.paper_id), count(distinct people.person_id), any_value(told)
        from told
        left join people on told.paper_id = people.paper_id and told.author_id = people.group_id
        group by """
        + list_clear_columns(both)
    ).fetchall()
    assert len(found) > 20
    assert [alike for papers, people, alike in found if min(papers, people) < SMALLEST_GROUP] == []


def test_no_paper_is_distinguished_by_what_is_true_of_it(both: duckdb.DuckDBPyConnection) -> None:
    # Whose papers could a published one be? Those of the group's people that agree with all that is told, less those
    # whose true date is the moved one: it cannot be theirs.
    candidates = both.execute(
        """
        select published.paper_id, count(distinct works.work_id), count(distinct papers.author_id)
        from postgres_server.marts.fct_papers as published
        inner join pseudonymous.pseudonymous_memberships as memberships on published.author_id = memberships.group_id
        inner join transform.int_papers_deduplicated as papers on memberships.author_id = papers.author_id
        inner join transform.int_works as works on papers.paper_id = works.work_id
        left join transform.int_topics as topics on works.primary_topic_id = topics.topic_id
        left join postgres_server.marts.dim_topics as fields on published.primary_topic_id = fields.topic_id
        where
            published.publication_year = works.publication_year
            and published.work_type = works.work_type
            and published.publication_date != works.publication_date
            and coalesce(published.journal_name = works.journal_name, true)
            and coalesce(published.source_type = works.source_type, true)
            and coalesce(published.language = works.language, true)
            and coalesce(published.oa_status = works.oa_status, true)
            and coalesce(published.is_open_access = works.is_open_access, true)
            and coalesce(fields.field_name = topics.field_name, true)
        group by published.paper_id
        """
    ).fetchall()
    assert len(candidates) > 300
    assert [found for found in candidates if min(found[1:]) < SMALLEST_GROUP] == []


def test_no_mean_is_of_too_few_people(both: duckdb.DuckDBPyConnection) -> None:
    found = both.execute(
        """
        select cell_number, count(works.fwci), max(published.fwci)
        from pseudonymous.pseudonymous_papers_generalised as apart
        inner join transform.int_works as works on apart.paper_id = works.work_id
        inner join postgres_server.transform.int_works as published on apart.pseudonym = published.work_id
        group by 1
        having count(works.fwci) between 1 and count(*) - 1
        """
    ).fetchall()
    assert max(papers_with_one for _, papers_with_one, _ in found) >= SMALLEST_GROUP
    assert [cell for cell in found if cell[2] is not None] == []


def test_no_number_of_rows_and_no_sequence_of_years_is_a_persons(both: duckdb.DuckDBPyConnection) -> None:
    by_year = "list((publication_year, {0}) order by publication_year)"
    fingerprints = {
        "papers": "select author_id, count(*) from {}.fct_papers group by 1",
        "papers by year": f"select author_id, {by_year.format('n')} from (select author_id, publication_year,"
        " count(*) as n from {}.fct_papers group by all) group by 1",
        "years": f"select author_id, {by_year.format('paper_count')}"
        " from {}.fct_author_years where paper_count > 0 group by 1",
        "coauthors by year": f"select author_id, {by_year.format('coauthor_count')}"
        " from {}.fct_author_years where coauthor_count > 0 group by 1",
        "a pair's years": f"select author_id || coauthor_id, {by_year.format('collaboration_count')}"
        " from {}.fct_coauthorships group by 1 having count(*) > 2",
        "records": "select author_id, [paper_count, work_count, cited_by_count] from {}.dim_authors where is_roster",
    }
    for name, sql in fingerprints.items():
        true, published = (
            [str(fingerprint) for _, fingerprint in both.execute(sql.format(schema)).fetchall()]
            for schema in ("marts", "postgres_server.marts")
        )
        assert len(true) > len(published) > 1, name
        assert not set(true) & set(published), name


def test_no_row_is_one_persons_in_all_that_it_tells(both: duckdb.DuckDBPyConnection) -> None:
    tables = {
        "dim_authors": "author_id",
        "fct_author_years": "author_id",
        "fct_coauthorships": "author_id",
        "fct_papers": "author_id",
    }
    for table, person in tables.items():
        columns = list_told_columns(both, table)
        assert len(columns) > 5
        agrees = " and ".join(f"published.{column} is not distinct from truth.{column}" for column in columns)
        found = both.execute(
            f"select any_value(published), count(distinct truth.{person}) as people"
            f" from (select distinct {', '.join(columns)} from postgres_server.marts.{table}) as published"
            f" inner join marts.{table} as truth on {agrees} group by {', '.join('published.' + c for c in columns)}"
        ).fetchall()
        assert [row for row, people in found if people < SMALLEST_GROUP] == [], table


def test_years_and_pairs_of_groups_are_of_enough_people_and_add_up(both: duckdb.DuckDBPyConnection) -> None:
    years = both.execute(
        """
        select count(distinct truth.author_id), sum(truth.paper_count), any_value(published.paper_count)
        from postgres_server.marts.fct_author_years as published
        inner join pseudonymous.pseudonymous_memberships as memberships on published.author_id = memberships.group_id
        inner join marts.fct_author_years as truth
            on memberships.author_id = truth.author_id and published.publication_year = truth.publication_year
        where truth.paper_count > 0
        group by published.author_id, published.publication_year
        """
    ).fetchall()
    assert len(years) > 20
    assert all(people >= SMALLEST_GROUP and true == published for people, true, published in years)
    pairs = both.execute(
        """
        select
            count(distinct truth.author_id), count(distinct truth.coauthor_id),
            sum(truth.collaboration_count), any_value(published.collaboration_count)
        from postgres_server.marts.fct_coauthorships as published
        inner join pseudonymous.pseudonymous_memberships as authors on published.author_id = authors.group_id
        inner join pseudonymous.pseudonymous_memberships as coauthors on published.coauthor_id = coauthors.group_id
        inner join marts.fct_coauthorships as truth
            on authors.author_id = truth.author_id and coauthors.author_id = truth.coauthor_id
            and published.publication_year = truth.publication_year
        group by published.author_id, published.coauthor_id, published.publication_year
        """
    ).fetchall()
    assert len(pairs) > 50
    assert all(min(sides) >= SMALLEST_GROUP and true == published for *sides, true, published in pairs)


def test_a_pseudonym_is_of_enough_people_and_leads_to_one_thing_only(both: duckdb.DuckDBPyConnection) -> None:
    groups = both.execute(
        """
        select published.author_id, count(memberships.author_id)
        from postgres_server.marts.dim_authors as published
        left join pseudonymous.pseudonymous_memberships as memberships on published.author_id = memberships.group_id
        group by published.author_id
        """
    ).fetchall()
    assert len(groups) > 4
    assert all(people >= SMALLEST_GROUP for _, people in groups)
    for name in ("paper_id", "doi", "title", "load_id", "record_hash"):
        # Two rows that share one would be the same paper in two groups.
        sql = f"select count(*), count(distinct {name}) from postgres_server.marts.fct_papers"
        rows, pseudonyms = both.execute(sql).fetchone() or (0, 0)
        assert rows == pseudonyms > 300, name


def test_rows_stand_in_the_order_of_their_pseudonyms(office: Office) -> None:
    for table in ("int_works", "int_papers_deduplicated", "int_coauthorships", "int_author_years"):
        first = office.workspace.query_postgres(f"select t::text from transform.{table} as t order by ctid")
        keys = [str(row).split(",")[0] for (row,) in first]
        assert len(keys) > 20
        assert keys == sorted(keys), table


def test_pseudonyms_are_the_same_in_every_table_and_on_the_next_day(
    office: Office, both: duckdb.DuckDBPyConnection
) -> None:
    def read(sql: str) -> set[str]:
        return {str(value) for (value,) in both.execute(sql).fetchall()}

    assert read("select paper_id from postgres_server.marts.fct_papers") == read(
        "select work_id from postgres_server.transform.int_works"
    )
    assert read("select author_id from postgres_server.marts.fct_papers") <= read(
        "select author_id from postgres_server.transform.int_authors"
    )
    second = {(paper, group): pseudonym for paper, group, pseudonym in both.execute(_PAPERS).fetchall()}
    told_on_both_days = office.first_pseudonyms.keys() & second.keys()
    assert len(told_on_both_days) > 300
    assert all(office.first_pseudonyms[key] == second[key] for key in told_on_both_days)


def test_what_was_deleted_upstream_is_gone(office: Office, both: duckdb.DuckDBPyConnection) -> None:
    gone = {
        work
        for (work,) in both.execute(
            "select work_id from staging.stg_openalex__work_statuses where work_status in ('merged', 'gone')"
        ).fetchall()
    }
    were_told = {pseudonym for (paper, _), pseudonym in office.first_pseudonyms.items() if paper in gone}
    assert were_told
    assert not were_told & read_texts(office.workspace)


def test_without_its_key_or_with_another_nothing_is_published(office: Office) -> None:
    without, whole_run, other, before_handoff = office.refused
    for finished in (without, whole_run):
        assert finished.status == 1
        assert "make one with `python -c" in finished.output
        assert "Traceback" not in finished.output
    assert other.status == 1
    assert "built with another privacy_key" in other.output
    assert before_handoff.status == 2
    assert "what was handed off to Postgres is not. Run `dbt run-operation handoff` first." in before_handoff.output


def test_the_public_mode_does_not_follow_on_the_pseudonymous_one(office: Office) -> None:
    before = read_everything(office.workspace)
    refused = office.workspace.run(*HAND_OFF, extra=_PUBLIC)
    assert refused.status == 1
    assert "was published pseudonymously" in refused.output
    assert read_everything(office.workspace) == before


def test_names_that_postgres_still_holds_are_reported(office: Office) -> None:
    said = "Postgres holds marts with names"
    assert [said in output for output in office.outputs] == [False, False, True, False, False, True, False]


def test_status_says_that_postgres_differs_by_design(office: Office) -> None:
    told = office.workspace.run("headwater", "status").output
    assert "Postgres was published pseudonymously" in told
    assert "differ" not in told


def test_the_key_is_left_nowhere(office: Office) -> None:
    for output in [*office.outputs, *(finished.output for finished in office.refused)]:
        assert KEY not in output
    files = [path for path in office.workspace.folder.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    with office.workspace.open_both() as connection:
        tables = connection.execute(
            "select database_name, schema_name, table_name from duckdb_tables() where not internal"
        ).fetchall()
        assert len(tables) > 60
        for table in tables:
            name = ".".join(f'"{part}"' for part in table)
            sql = f"select count(*) from {name} as found where contains(found::varchar, '{KEY}')"
            assert connection.execute(sql).fetchone() == (0,), name


def load(workspace: Workspace, day: int) -> str:
    """Loads the sample as it is on that day, with the `fwci` of one person's works alone."""
    sample = Sample(workspace, day, roster_size=60, work_count=2000)
    works, members = sample.catalogue.works, sample.author_ids
    authors = [[authorship["author"]["id"] for authorship in work["authorships"]] for work in works]
    ((person, _),) = Counter(author for ids in authors for author in ids if author in members).most_common(1)
    known = [work if person in ids else {**work, "fwci": None} for work, ids in zip(works, authors, strict=True)]
    sample.catalogue = replace(sample.catalogue, works=known)
    with serve_sample(workspace, sample):
        return workspace.run_well("dlt", "pipeline", "openalex", "run")


def publish_truth(workspace: Workspace) -> None:
    """Leaves in Postgres what public publications leave: transform, marts, and marts of one that failed."""
    with duckdb.connect() as connection:
        connection.execute(f"load '{find_duckdb_extension()}'")
        connection.execute(f"attach '{workspace.settings.warehouse}' as warehouse (read_only)")
        connection.execute(f"attach '{workspace.server.connection_string}' as truth (type postgres)")
        for source, schema in (("transform", "transform"), ("marts", "marts"), ("marts", "marts_next")):
            connection.execute(f"create schema truth.{schema}")
            for (table,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = 'warehouse' and schema_name = ?", [source]
            ).fetchall():
                connection.execute(f'create table truth.{schema}."{table}" as from warehouse.{source}."{table}"')
    execute(workspace, "analyze")


def list_told_columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The columns of a published mart that hold anything but pseudonyms and moved dates."""
    names = [
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where database_name = 'postgres_server'"
            f" and schema_name = 'marts' and table_name = '{table}' and data_type != 'DATE'"
        ).fetchall()
    ]
    counts = ", ".join(
        f"count({name}) filter (not regexp_matches({name}::varchar, '^([a-z]+-[0-9a-f]{{32}}|Withheld)$'))"
        for name in names
    )
    told = connection.execute(f"select {counts} from postgres_server.marts.{table}").fetchone() or ()
    return [name for name, count in zip(names, told, strict=True) if count]


def list_clear_columns(connection: duckdb.DuckDBPyConnection) -> str:
    """The columns of `told`."""
    hidden = ("paper_id", "doi", "title", "load_id", "record_hash", "publication_date")
    return ", ".join(
        f"told.{name}"
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where database_name = 'postgres_server'"
            f" and schema_name = 'marts' and table_name = 'fct_papers' and column_name not in {hidden}"
        ).fetchall()
    )
