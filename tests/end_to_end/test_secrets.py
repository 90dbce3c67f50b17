"""A planted key and a planted password are searched for in everything that runs leave behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.base.settings import ROOT
from loader.samples.faults import Request, answer_status
from loader.samples.openalex.server import OpenAlexServer
from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace

_KEY = "planted-key-7f3a9c"
_PASSWORD = "planted-password-51d0e2"
_PLANTED = (_KEY, _PASSWORD)


@pytest.fixture(scope="module")
def server(published: Workspace) -> Iterator[OpenAlexServer]:
    del published.environment["DBT_LOG_LEVEL_FILE"]
    published.environment |= {"SOURCES__OPENALEX__API_KEY": _KEY, "PGPASSWORD": _PASSWORD}
    with serve_sample(published, Sample(published)) as made:
        yield made


def test_no_secret_is_left_by_runs_that_fail_at_every_step(published: Workspace, server: OpenAlexServer) -> None:
    outputs: list[str] = []

    def run(*command: str, **extra: str) -> int:
        finished = published.run(*command, extra=extra)
        outputs.append(finished.output)
        return finished.status

    debug = {"DBT_DEBUG": "true", "RUNTIME__LOG_LEVEL": "DEBUG"}
    nowhere = {"PGHOST": "127.0.0.1", "PGPORT": "9", "PGUSER": "office"}
    # A server that says the key back, in a refusal and in an error that may pass.
    refused = answer_status(401, {"error": "Unauthorized", "message": f"Bearer {_KEY} is not valid"})
    server.fail_next(refused, refused)
    assert run("headwater", "run") == 1
    assert [_find_key(request) for request in server.requests] == ["header", "query"]
    said_back = {"message": f"cannot look up {_KEY}"}
    server.fail_next(answer_status(500, said_back), answer_status(500, said_back, headers={"Retry-After": "86400"}))
    assert run("dlt", "pipeline", "openalex", "run", **debug) == 1
    assert run("headwater", "run", **debug, **nowhere) == 1
    server.requests.clear()
    server.fail_next(refused)
    assert run("dlt", "pipeline", "run", **debug) == 0
    assert [_find_key(request) for request in server.requests[:2]] == ["header", "query"]
    assert {_find_key(request) for request in server.requests[1:]} == {"query"}
    assert run("headwater", "docs") == 0
    text = Path(outputs[-1].strip().splitlines()[-1]).read_text()
    for mart in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql"):
        assert f"model.headwater.{mart.stem}" in text, "the docs are one page with every mart"
    assert run("dbt", "run-operation", "handoff", **debug) == 0
    assert run("dbt", "build", "--target", "postgres", **debug) == 0
    assert run("dbt", "run-operation", "handoff", **debug, **nowhere) != 0
    assert run("dbt", "build", "--target", "postgres", **debug, **nowhere) != 0
    assert run("dlt", "pipeline", "openalex", "trace") == 0

    for number, output in enumerate(outputs):
        assert not any(secret in output for secret in _PLANTED), f"printed by command {number}"
    assert "model.headwater.fct_papers" in (published.settings.state / "dbt" / "logs" / "dbt.log").read_text()
    leaks = [
        path
        for path in published.folder.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in _PLANTED)
    ]
    assert leaks == []
    assert list(find_in_tables(published)) == []


def _find_key(request: Request) -> str:
    """Where the request has the key: in one place alone."""
    places = {"header": request.headers.get("authorization"), "query": request.parameters.get("api_key")}
    ((place, key),) = [(place, text) for place, text in places.items() if text]
    assert key.removeprefix("Bearer ") == _KEY
    return place


def find_in_tables(workspace: Workspace) -> Iterator[str]:
    """The tables of both engines that hold a planted secret; their files are compressed."""
    with workspace.open_both() as connection:
        tables = connection.execute(
            "select database_name, schema_name, table_name from duckdb_tables() where not internal order by all"
        ).fetchall()
        assert {"warehouse", "postgres_server"} <= {database for database, _, _ in tables}
        for table in tables:
            name = ".".join(f'"{part}"' for part in table)
            condition = " or ".join(f"contains(found::varchar, '{secret}')" for secret in _PLANTED)
            if connection.execute(f"select 1 from {name} as found where {condition} limit 1").fetchone():
                yield name
