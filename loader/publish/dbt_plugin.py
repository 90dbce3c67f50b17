"""Gives dbt's DuckDB connection what handoff and pseudonyms need, and the user one line if that fails."""

from pathlib import Path
from typing import Any, ClassVar

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb.func import PythonUDFType
from duckdb.sqltypes import BOOLEAN, DATE, VARCHAR

from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.publish.fingerprints import fingerprint_code, fingerprint_privacy
from loader.publish.postgres import ensure_server, find_duckdb_extension, may_have_marts, wait_for_readers
from loader.publish.privacy import Pseudonymiser, read_pseudonymiser
from loader.raw.warehouse import open_warehouse


class Plugin(BasePlugin):
    """Named in profiles.yml; dbt-duckdb calls its methods around the opening of the warehouse."""

    _was_refused: ClassVar[bool] = False

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Waits for the warehouse, and reports who holds it; DuckDB's own error would end dbt with a traceback."""
        # dbt asks again after a refusal, up to three times: the wait is over then.
        wait_seconds = 0 if self._was_refused else read_settings().lock_wait_seconds
        try:
            read_pseudonymiser(read_settings())
            with open_warehouse(Path(creds.path), wait_seconds=wait_seconds):
                pass
        except HeadwaterError as error:
            Plugin._was_refused = True
            raise DbtRuntimeError(str(error)) from error

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Registers the SQL functions of the macros, which do nothing until they are called.

        If pseudonyms are published, two more functions make them: the key is in this process only, never in SQL.
        """
        settings = read_settings()
        server = duckdb.struct_type({"extension_path": VARCHAR, "connection_string": VARCHAR, "error": VARCHAR})
        conn.create_function("find_postgres", _find_postgres, [], server, side_effects=True)
        conn.create_function("has_published", lambda: may_have_marts(settings), [], BOOLEAN, side_effects=True)
        conn.create_function("code_fingerprint", lambda domain: fingerprint_code(domain, settings), [VARCHAR], VARCHAR)
        conn.create_function("privacy_fingerprint", lambda: fingerprint_privacy(settings), [], VARCHAR)
        if pseudonymiser := read_pseudonymiser(read_settings()):
            _register_pseudonyms(conn, pseudonymiser)


def _register_pseudonyms(conn: duckdb.DuckDBPyConnection, pseudonymiser: Pseudonymiser) -> None:
    """As functions of Arrow columns: DuckDB takes ten times as long to call Python row by row."""
    import pyarrow as pa

    def pseudonymise(kinds: pa.ChunkedArray, texts: pa.ChunkedArray) -> pa.Array:
        return pa.array(map(pseudonymiser.pseudonymise, kinds.to_pylist(), texts.to_pylist()), pa.string())

    def move_dates(texts: pa.ChunkedArray, true_dates: pa.ChunkedArray) -> pa.Array:
        moved = map(pseudonymiser.move_dates, texts.to_pylist(), true_dates.to_pylist())
        return pa.array(moved, pa.list_(pa.date32()))

    dates = duckdb.list_type(DATE)
    conn.create_function("pseudonymise", pseudonymise, [VARCHAR, VARCHAR], VARCHAR, type=PythonUDFType.ARROW)
    conn.create_function("move_dates", move_dates, [duckdb.list_type(VARCHAR), dates], dates, type=PythonUDFType.ARROW)


def _find_postgres() -> dict[str, str | None]:
    """The address of Postgres, started and with nobody reading `transform`; or why it cannot be used.

    The error is a value: raised, it would reach the user with a traceback.
    """
    extension = str(find_duckdb_extension())
    try:
        server = ensure_server()
        wait_for_readers(server, "transform", read_settings().lock_wait_seconds)
    except HeadwaterError as error:
        return {"extension_path": extension, "connection_string": None, "error": str(error)}
    return {"extension_path": extension, "connection_string": server.connection_string, "error": None}
