"""Who reads the marts while they are published: a transaction sees one whole version, and keeps what it was given."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from psycopg2.extensions import (
    ISOLATION_LEVEL_READ_COMMITTED,
    ISOLATION_LEVEL_REPEATABLE_READ,
)
from psycopg2.extensions import connection as postgres_connection

from tests.support.publishing import (
    HAND_OFF,
    PUBLISH,
    execute,
    find_backends,
    finish,
    query,
    read_everything,
    read_swap,
    read_versions,
    set_published_version,
    set_version,
    started,
)
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace

_SWAPPING = "query like '%$swap$%' and state = 'active'"


@contextmanager
def reading(
    workspace: Workspace, isolation_level: int = ISOLATION_LEVEL_READ_COMMITTED
) -> Iterator[postgres_connection]:
    """The reader's own connection; its transaction begins with its first query."""
    connection = psycopg2.connect(workspace.server.as_reader().connection_string)
    connection.set_isolation_level(isolation_level)
    try:
        yield connection
    finally:
        connection.close()


def test_a_publication_waits_for_a_transaction_that_reads_the_marts(published: Workspace) -> None:
    set_published_version(published, "before")
    set_version(published, "after")
    with reading(published) as reader, started(published, *PUBLISH) as publication:
        assert query(reader, "select min(department) from dim_authors") == [("before",)]
        assert wait_until(lambda: find_backends(published, _SWAPPING), publication)
        # A reader that comes meanwhile is served, and so is the one that is waited for.
        with reading(published) as another:
            assert read_versions(another) == {("before", "before")}
        assert read_versions(reader) == {("before", "before")}
        reader.commit()
        assert finish(publication).status == 0
        assert read_versions(reader) == {("after", "after")}


def test_a_reader_that_holds_on_is_named_and_keeps_what_it_reads(published: Workspace) -> None:
    def name(reader: postgres_connection) -> str:
        ((process, role),) = query(reader, "select pg_backend_pid(), current_user")
        return f"Not published: process {process} ({role}, idle in transaction since "

    with reading(published) as reader:
        query(reader, "select count(*) from fct_papers")
        with reading(published, ISOLATION_LEVEL_REPEATABLE_READ) as old_reader:
            # It has read no mart yet, but those that are built after this would be empty for it.
            query(old_reader, "select 1")
            refused = published.run(*PUBLISH)
            assert refused.status == 1
            assert name(old_reader) in refused.output
            assert "Traceback" not in refused.output
            assert query(old_reader, "select count(*) > 0 from fct_papers") == [(True,)]
        swap = read_swap(published)  # what the next run would end with
        with pytest.raises(psycopg2.Error, match=re.escape(name(reader))):
            execute(published, swap)
        assert query(reader, "select count(*) > 0 from fct_papers") == [(True,)]
        ((oid,),) = query(reader, "select 'marts.fct_papers'::regclass::oid")
    execute(published, swap)
    assert published.query_postgres("select 'marts.fct_papers'::regclass::oid") != [(oid,)]


def test_a_session_that_holds_what_the_handoff_replaces_is_named(published: Workspace) -> None:
    before = read_everything(published)
    with published.server.connect() as session:
        query(session, "select count(*) from transform.int_topics")
        refused = published.run(*HAND_OFF)
        assert refused.status == 1
        assert re.search(
            r"Nothing was handed off: process \d+ \(postgres, idle in transaction\) held tables of schema transform"
            r" for 0\.5 seconds\.",
            refused.output,
        )
        assert "Traceback" not in refused.output
    assert read_everything(published) == before
    published.run_well(*HAND_OFF)


def test_every_transaction_sees_one_version_while_versions_change(published: Workspace) -> None:
    execute(
        published,
        """
        create schema office;
        create view office.dim_topics as select * from marts.dim_topics;
        create view office.dim_authors as select * from marts.dim_authors;
        create view office.dim_institutions as select * from marts.dim_institutions;
        grant usage on schema office to headwater_reader;
        grant select on all tables in schema office to headwater_reader;
        """,
    )
    set_published_version(published, "1")
    is_over = threading.Event()
    seen: list[set[tuple[str, str]]] = []
    broken: list[BaseException] = []

    def poll(isolation_level: int, schema: str) -> None:
        try:
            with reading(published, isolation_level) as reader:
                while not is_over.wait(0.05):  # two cores: dbt wants some, too
                    versions = read_versions(reader, schema)
                    reader.commit()
                    if versions not in seen:
                        seen.append(versions)
        except BaseException as error:
            broken.append(error)

    readers = [
        threading.Thread(target=poll, args=arguments)
        for arguments in (
            (ISOLATION_LEVEL_READ_COMMITTED, "marts"),
            (ISOLATION_LEVEL_REPEATABLE_READ, "marts"),
            (ISOLATION_LEVEL_READ_COMMITTED, "office"),
        )
    ]
    for thread in readers:
        thread.start()
    try:
        set_version(published, "2")
        finished = published.run(*PUBLISH, extra={"HEADWATER_LOCK_WAIT_SECONDS": "60"})
        assert finished.status == 0, finished.output
    finally:
        is_over.set()
        for thread in readers:
            thread.join()
        execute(published, "drop schema office cascade")
    assert broken == []
    assert sorted(map(sorted, seen)) == [[("1", "1")], [("2", "2")]]


def test_grants_and_views_of_readers_survive(published: Workspace) -> None:
    execute(
        published,
        """
        create role clerk; create role chief; create role analyst;
        grant usage on schema marts to clerk with grant option;
        alter default privileges in schema marts grant select on tables to clerk;
        grant select on marts.fct_papers to clerk with grant option;
        grant select (author_id, author_name), references (author_id) on marts.dim_authors to clerk;
        grant select on marts.dim_dates to public;
        grant select on all tables in schema marts to chief;
        create schema office authorization analyst;
        grant usage on schema marts to analyst; grant usage on schema office to clerk;
        grant select on marts.fct_papers, marts.dim_topics to analyst;
        set role analyst;
        create view office.topics with (security_barrier) as select topic_id, description from marts.dim_topics;
        create view office.topic_count as select count(*), max(description) as version from office.topics;
        create view office.both as select p.paper_id, t.version from marts.fct_papers p, office.topic_count t;
        grant select on office.both to clerk;
        reset role;
        -- not among the marts of before, so the next publication brings it as new
        drop table marts.fct_papers_set_aside;
        """,
    )
    before = read_everything(published)
    set_version(published, "with grants")
    published.run_well(*PUBLISH)

    def describe(everything: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        # without the oid, which is new where a mart is
        return [
            (*row[:2], *(row[2:] if row[3] == "v" else row[3:]))
            for row in everything
            if row[0] in ("marts", "office") and row[3] in "rv" and row[1] != "fct_papers_set_aside"
        ]

    assert describe(read_everything(published)) == describe(before)
    assert published.query_postgres(
        "select has_table_privilege('chief', 'marts.fct_papers_set_aside', 'select'),"
        " has_table_privilege('clerk', 'marts.fct_papers_set_aside', 'select'),"
        " has_table_privilege('clerk', 'marts.fct_papers', 'select with grant option'),"
        " has_column_privilege('clerk', 'marts.dim_authors', 'author_name', 'select'),"
        " has_column_privilege('clerk', 'marts.dim_authors', 'department', 'select')"
    ) == [(True, False, True, True, False)]
    as_clerk = "set role clerk; select distinct version from office.both"
    assert published.query_postgres(as_clerk) == [("with grants",)]
    execute(
        published, "drop schema office cascade; drop owned by clerk, chief, analyst; drop role clerk, chief, analyst"
    )


def test_what_cannot_be_carried_over_stops_the_publication_and_is_named(published: Workspace) -> None:
    execute(published, "create schema office")
    execute(published, "create materialized view office.kept as select * from marts.dim_topics")
    before = read_everything(published)
    refused = published.run(*PUBLISH)
    assert refused.status == 1
    assert "materialized view office.kept depends on table marts.dim_topics" in refused.output
    assert "Traceback" not in refused.output
    assert [row for row in read_everything(published) if row[0] != "marts_next"] == before
    execute(published, "drop materialized view office.kept")

    swap = read_swap(published)
    for made, named, undone in (
        (
            "alter table marts.dim_topics add column extra int;"
            " create view office.gone as select extra from marts.dim_topics",
            "the view office.gone reads the marts, and cannot be made to read the new ones",
            "drop view office.gone",
        ),
        (
            "create table office.notes (topic_id text references marts.dim_topics)",
            "constraint notes_topic_id_fkey on table office.notes depends on table marts.dim_topics",
            "drop table office.notes",
        ),
        ("create table marts.mine (i int)", "marts.mine would be lost", "drop table marts.mine"),
        (
            "create view marts_next.mine as select 1 as i",
            "view marts_next.mine depends on",
            "drop view marts_next.mine",
        ),
    ):
        execute(published, made)
        before = read_everything(published)
        with pytest.raises(psycopg2.Error, match=named):
            execute(published, swap)
        assert read_everything(published) == before
        execute(published, undone)
    # Other objects in the schema are not dropped, and do not stop the publication.
    execute(published, "create view marts.mine as select count(*) from marts.dim_topics")
    execute(published, swap)
    execute(published, "drop schema office; drop view marts.mine")
