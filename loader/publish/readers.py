"""Roles that read the marts and nothing else: `headwater_reader`, and those that a user names."""

from contextlib import closing

from psycopg2 import errors, sql

from loader.base.errors import HeadwaterError
from loader.publish.postgres import READER, Server

# As the publication makes headwater_reader (swap.sql).
_SETTINGS = (
    "alter role {name} set default_transaction_read_only = on",
    "alter role {name} set search_path = marts",
    "alter role {name} set idle_in_transaction_session_timeout = '5min'",
)
_RIGHTS = "grant usage on schema marts to {name}"
_READ = "grant select on marts.{mart} to {name}"
# A user who may create roles creates it with the next publication.
_IS_MISSING = """
    select to_regrole(%s) is null and to_regnamespace('marts') is not null and not (rolcreaterole or rolsuper)
    from pg_roles where rolname = current_user
"""


def describe_missing_reader(server: Server) -> str | None:
    """One line if nobody can read the marts as headwater_reader, because the publishing user may not create roles."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(_IS_MISSING, [READER])
        (is_missing,) = cursor.fetchone() or (False,)
    if not is_missing:
        return None
    return (
        f"The role {READER} is missing, and {server.user} may not create roles: nobody can read the marts as it."
        f" Have an administrator run `create role {READER} login`, then `headwater postgres grant {READER}`."
    )


def grant_marts(server: Server, name: str) -> bool:
    """Lets the role read all marts, those of later publications too; creates it if it is missing.

    Returns whether it was created. Raises HeadwaterError if there are no marts yet, or if the role cannot be created.
    """
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select to_regnamespace('marts') is not null, exists (select from pg_roles where rolname = %s)", [name]
        )
        has_marts, is_known = cursor.fetchone() or (False, False)
        if not has_marts:
            raise HeadwaterError("Nothing is published yet. Run `headwater run` first.")
        cursor.execute("select table_name from operations.published_marts order by 1")
        marts = [mart for (mart,) in cursor.fetchall()]
        role = sql.Identifier(name)
        try:
            for statement in (*(() if is_known else ("create role {name} login", *_SETTINGS)), _RIGHTS):
                cursor.execute(sql.SQL(statement).format(name=role))
            for mart in marts:
                cursor.execute(sql.SQL(_READ).format(mart=sql.Identifier(mart), name=role))
        except errors.InsufficientPrivilege as error:
            quoted = sql.Identifier(name).as_string(connection)
            raise HeadwaterError(
                f"{server.user} may not create roles. Have an administrator run `create role {quoted} login`, then try"
                " again."
            ) from error
        except (errors.ReservedName, errors.DuplicateObject) as error:
            raise HeadwaterError(f"{name!r} cannot name a role: {' '.join(str(error).split())}.") from error
        connection.commit()
    return not is_known
