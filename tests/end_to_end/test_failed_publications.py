"""A handoff or a publication that fails anywhere leaves what readers read, and run again it ends well."""

import os
import re
import signal

import psycopg2
import pytest

from loader.publish import embedded
from tests.support.publishing import (
    HAND_OFF,
    PUBLISH,
    execute,
    find_backends,
    finish,
    read_everything,
    read_swap,
    read_versions,
    set_published_version,
    set_version,
    started,
)
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace

# The handoff waits for whoever has locked 1 when it drops its first table: locks on tables it waits for beforehand.
_HOLD_DROPS = """
    create function public.hold() returns event_trigger language plpgsql as $$
    begin
        perform pg_advisory_xact_lock(1);
    end
    $$;
    create event trigger hold on sql_drop execute function public.hold();
"""
_DROPS = "wait_event_type = 'Lock' and wait_event = 'advisory'"
_WAITS_FOR_A_TABLE = "wait_event_type = 'Lock' and wait_event = 'relation'"
_SWAPS = "query like '%$swap$%' and state = 'active'"
_FAIL_AT = """
    create function public.fail() returns event_trigger language plpgsql as $$
    begin
        perform set_config('test.steps', (current_setting('test.steps')::int + 1)::text, false);
        if current_setting('test.steps') = current_setting('test.fail_at') then
            raise exception 'failed on purpose after %', tg_tag;
        end if;
    end
    $$;
    create event trigger fail on ddl_command_end execute function public.fail();
"""


@pytest.fixture
def unswapped(published: Workspace) -> Workspace:
    """Marts that are built and tested but not published: something depended on the previous ones."""
    set_published_version(published, "old")
    set_version(published, "new")
    execute(published, "create materialized view public.hung as select * from marts.dim_topics")
    try:
        assert "hung" in published.run(*PUBLISH).output
    finally:
        execute(published, "drop materialized view public.hung")
    return published


def test_a_swap_that_fails_after_any_statement_changes_nothing(unswapped: Workspace) -> None:
    execute(unswapped, "create role clerk; grant select on marts.dim_dates to clerk")
    execute(unswapped, "create view public.topics as select * from marts.dim_topics")
    execute(unswapped, _FAIL_AT)
    swap = read_swap(unswapped)
    before = read_everything(unswapped)
    failed_after: list[str] = []
    while True:
        steps = f"set test.steps = 0; set test.fail_at = {len(failed_after) + 1};"
        try:
            execute(unswapped, steps + swap)
        except psycopg2.Error as error:
            failed_after += re.findall("failed on purpose after ([A-Z ]+)", str(error))
            assert read_everything(unswapped) == before
        else:
            break
    execute(unswapped, "drop event trigger fail; drop function public.fail; drop view public.topics")
    execute(unswapped, "drop owned by clerk; drop role clerk")
    assert {"CREATE SCHEMA", "ALTER TABLE", "GRANT", "CREATE VIEW", "DROP TABLE", "DROP SCHEMA"} <= set(failed_after)
    with unswapped.server.connect() as connection:
        assert read_versions(connection) == {("new", "new")}


def test_what_another_run_built_or_another_handoff_brought_is_not_published(unswapped: Workspace) -> None:
    swap = read_swap(unswapped)
    unswapped.run_well(*HAND_OFF)
    with pytest.raises(psycopg2.Error, match="a handoff came while the marts were built"):
        execute(unswapped, swap)
    with unswapped.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("drop table marts_next.fct_papers_set_aside")
        with pytest.raises(psycopg2.Error, match="another run built marts at the same time"):
            cursor.execute(swap)
    # builds all marts and tests none of them
    left_out = unswapped.run("dbt", "run", "--target", "postgres")
    assert left_out.status == 1
    assert "Not published: this run left out" in left_out.output
    assert "PL/pgSQL" not in left_out.output, "where in our statement Postgres raised it"
    with pytest.raises(psycopg2.Error, match="another run built marts at the same time"):
        execute(unswapped, swap)
    with unswapped.server.connect() as connection:
        assert read_versions(connection) == {("old", "old")}


def test_two_publications_at_once_publish_whole_or_say_why_not(published: Workspace) -> None:
    set_version(published, "of both")
    with started(published, *PUBLISH) as one:
        other = published.run(*PUBLISH, extra={"HEADWATER_LOCK_WAIT_SECONDS": "60"})
        first = finish(one)
    for ended in (first, other):
        assert (ended.status == 0) == bool(re.search(r"Published \d+ marts", ended.output)), ended.output
        assert "Traceback" not in ended.output
    if first.status and other.status:
        published.run_well(*PUBLISH)
    with published.server.connect() as connection:
        assert read_versions(connection) == {("of both", "of both")}


def test_a_publication_without_all_tests_says_so_and_fails(published: Workspace) -> None:
    before = published.query_postgres("select 'marts.dim_dates'::regclass::oid")
    only_marts = ("--select", "path:models/marts", "--indirect-selection", "cautious")
    left_out = published.run(*PUBLISH, *only_marts, "--exclude", "not_null_dim_topics_topic_id")
    assert left_out.status == 1
    assert "Not published: this run left out 1 of the marts and their tests" in left_out.output
    assert "Traceback" not in left_out.output
    # Without --select dbt takes everything but what is excluded: models too that only DuckDB can build.
    refused = published.run(*PUBLISH, "--exclude", "not_null_dim_topics_topic_id")
    assert refused.status != 0
    assert "Nothing was built or published" in refused.output
    assert published.query_postgres("select 'marts.dim_dates'::regclass::oid") == before


@pytest.mark.parametrize(("step", "end"), [("handoff", "terminate"), ("build", "kill"), ("swap", "terminate")])
def test_a_server_process_that_dies_leaves_the_old_marts(published: Workspace, step: str, end: str) -> None:
    """`terminate` ends one session; `kill` takes the whole server down, which then restarts by itself."""
    before = published.query_postgres("select 'marts.dim_topics'::regclass::oid, count(*) from marts.dim_topics")
    warehouse = published.settings.warehouse.read_bytes()
    command, hold, caught = {
        "handoff": (HAND_OFF, "select pg_advisory_xact_lock(1)", _DROPS),
        "build": (PUBLISH, "lock table transform.int_topics in access exclusive mode", _WAITS_FOR_A_TABLE),
        "swap": (PUBLISH, "lock table marts.dim_topics in access share mode", _SWAPS),
    }[step]
    execute(published, _HOLD_DROPS)
    holder = published.server.connect()
    with holder.cursor() as cursor:
        cursor.execute(hold)
    with started(published, *command) as process:
        assert wait_until(lambda: find_backends(published, caught), process)
        (backend, *_) = find_backends(published, caught)
        if end == "terminate":
            execute(published, f"select pg_terminate_backend({backend})")
            # frees what else waits
            holder.close()
        else:
            os.kill(backend, signal.SIGKILL)
        failed = finish(process)
    holder.close()
    assert failed.status != 0
    assert "Traceback" not in failed.output
    assert "connection" in failed.output
    if step == "handoff":
        assert published.settings.warehouse.read_bytes() == warehouse
    embedded.start(published.settings)
    execute(published, "drop event trigger hold; drop function public.hold")
    after = published.query_postgres("select 'marts.dim_topics'::regclass::oid, count(*) from marts.dim_topics")
    assert after == before
    published.run_well(*command)
