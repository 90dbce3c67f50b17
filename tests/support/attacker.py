"""One who reads all of Postgres as superuser and holds the true records: what Postgres shows, and what is true."""

import hashlib
import re
from dataclasses import dataclass

import duckdb

from tests.support.workspace import Workspace

PSEUDONYM = re.compile(r"\b(group|paper|doi|title|load|record|field)-[0-9a-f]{32}\b")
# What must not be found: everything that names a person, a record or a thing that few have in common.
_TRUTHS = """
    select unnest([work_id, doi, title, record_hash, load_id, abstract, landing_page_url, pdf_url, oa_url])
    from transform.int_works
    union select unnest([abstract, tldr]) from transform.int_papers_enriched
    union select unnest([author_id, orcid, author_name, group_url]) from transform.int_authors
    union select unnest([institution_id, ror, homepage_url]) from transform.int_institutions
    union select unnest([author_name, orcid]) from staging.stg_openalex__authorships
    union select topic_id from transform.int_topics
"""
_TEXT_TYPES = ("text", "character varying", "name", "jsonb", "json")


@dataclass(frozen=True)
class Column:
    """A column of a table or a view of Postgres that is not the server's own."""

    table: str
    name: str
    type: str


def list_columns(workspace: Workspace) -> list[Column]:
    """The columns of everything that can be read, in any schema."""
    return [
        Column(f'"{schema}"."{table}"', f'"{name}"', str(kind))
        for schema, table, name, kind in workspace.query_postgres(
            "select table_schema, table_name, column_name, data_type from information_schema.columns"
            " where table_schema not in ('pg_catalog', 'information_schema')"
        )
    ]


def read_texts(workspace: Workspace) -> set[str]:
    """Every text that Postgres shows: of tables, of comments, and of the statistics that it keeps of columns."""
    queries = [
        f"select distinct {column.name}::text from {column.table}"
        for column in list_columns(workspace)
        if column.type in _TEXT_TYPES
    ]
    queries += [
        "select description from pg_description where objoid >= 16384",
        "select unnest(array[most_common_vals::text, histogram_bounds::text]) from pg_stats"
        " where schemaname not in ('pg_catalog', 'information_schema')",
        "select relname from pg_class where oid >= 16384",
    ]
    return {str(text) for query in queries for (text,) in workspace.query_postgres(query) if text is not None}


def list_truths(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The true texts, and the short forms in which ids, ORCIDs and DOIs are written, too."""
    texts = {str(text) for (text,) in connection.execute(_TRUTHS).fetchall() if text}
    short = {re.sub(r"^https?://[^/]+/", "", text) for text in texts if text.startswith("http")}
    return {text for text in texts | short if len(text) > 4}


def hash_openly(truths: set[str]) -> set[str]:
    """What a dictionary of hashes without a key would find: the first 32 digits of each."""
    return {
        hashlib.new(name, text.encode()).hexdigest()[:32]
        for text in truths
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b")
    }
