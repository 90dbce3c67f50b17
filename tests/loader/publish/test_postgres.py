"""The embedded server starts, stops and is found; a given server is used as it is."""

import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.publish.postgres import describe_ignored, find_server
from tests.support.publishing import execute
from tests.support.workspace import Workspace


def test_the_embedded_server_starts_answers_and_stops(workspace: Workspace) -> None:
    printed = workspace.run_well("headwater", "postgres", "start")
    url = workspace.run_well("headwater", "postgres", "url").strip()
    assert url in printed
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("create table kept as select 17 as number")
    assert "running already" in workspace.run_well("headwater", "postgres", "start")
    assert "is stopped" in workspace.run_well("headwater", "postgres", "stop")
    assert "was not running" in workspace.run_well("headwater", "postgres", "stop")
    workspace.run_well("headwater", "postgres", "start")
    assert workspace.query_postgres("select number from kept") == [(17,)]


def test_a_server_that_recovers_from_a_crash_is_waited_for(workspace: Workspace) -> None:
    workspace.run_well("headwater", "postgres", "start")
    with closing(workspace.server.connect()) as held, closing(workspace.server.connect()) as crashed:
        # The server cannot continue before all its processes have ended, and gives this one five seconds.
        os.kill(held.info.backend_pid, signal.SIGSTOP)
        os.kill(crashed.info.backend_pid, signal.SIGKILL)
        assert wait_until_refused(workspace)
        assert "running already" in workspace.run_well("headwater", "postgres", "start")
        assert workspace.query_postgres("select 17") == [(17,)]


def wait_until_refused(workspace: Workspace) -> bool:
    """Polls until the server is at its recovery; False when it has gone on answering."""
    for _ in range(1_000):
        try:
            workspace.server.connect().close()
        except HeadwaterError:
            return True
    return False


def test_a_copied_data_folder_has_a_server_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    workspace.run_well("headwater", "postgres", "start")
    execute(workspace, "create table kept as select 17 as number")
    # As a user copies it, while the server runs; sockets and the process's file come along.
    copy = {"HEADWATER_DATA": str(tmp_path / "copy")}
    workspace.run_program(["cp", "--recursive", str(workspace.settings.data), copy["HEADWATER_DATA"]])
    assert (tmp_path / "copy" / "postgres" / "postmaster.pid").exists()
    stopped = workspace.run("headwater", "postgres", "stop", extra=copy)
    assert "was not running" in stopped.output
    started = workspace.run("headwater", "postgres", "start", extra=copy)
    try:
        assert started.status == 0, started.output
        url = workspace.run("headwater", "postgres", "url", extra=copy).output.strip()
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("update kept set number = 18")
            connection.commit()
    finally:
        stopped = workspace.run("headwater", "postgres", "stop", extra=copy)
    assert "is stopped" in stopped.output
    assert workspace.query_postgres("select number from kept") == [(17,)]


def test_nobody_else_on_the_machine_can_connect(workspace: Workspace) -> None:
    workspace.run_well("headwater", "postgres", "start")
    assert workspace.query_postgres("show listen_addresses") == [("",)]
    assert (workspace.settings.postgres_socket / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_a_given_server_is_neither_started_nor_stopped(workspace: Workspace) -> None:
    for verb in ("start", "stop"):
        finished = workspace.run("headwater", "postgres", verb, extra={"PGHOST": "localhost"})
        assert finished.status == 1
        assert finished.output.startswith("Error: PGHOST names a server")
    assert not workspace.settings.postgres_data.exists()


def test_the_environment_names_a_given_server() -> None:
    server = find_server(
        read_settings({}), {"PGHOST": "db.example", "PGPORT": "5433", "PGUSER": "ada", "PGDATABASE": "d"}
    )
    assert server.url == "postgresql://ada@db.example:5433/d"
    assert not server.is_embedded


def test_a_port_without_a_host_is_reported_as_ignored(workspace: Workspace) -> None:
    finished = workspace.run("headwater", "postgres", "url", extra={"PGPORT": "5433", "PGDATABASE": "office"})
    assert "PGPORT, PGDATABASE are ignored without PGHOST: the embedded Postgres server is used." in finished.output
    assert describe_ignored({"PGHOST": "db.example", "PGPORT": "5433"}) is None


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    server = find_server(read_settings({}), {"PGHOST": "127.0.0.1", "PGPORT": str(port)})
    reason = (
        rf'connection to server at "127\.0\.0\.1", port {port} failed: Connection refused\. Check PGHOST and PGPORT\.'
    )
    with pytest.raises(HeadwaterError, match=rf"Postgres at 127\.0\.0\.1 port {port} cannot be used: {reason}$"):
        server.connect()
