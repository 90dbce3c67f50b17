"""The people of the roster whom OpenAlex does not know: noted by each load, for `headwater status`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dlt

from loader.raw.arrow import build_table
from loader.raw.merge import mark_rows
from loader.raw.warehouse import RawSchema
from loader.sources.contract import NotFound
from loader.sources.openalex.bookkeeping import UNKNOWN_PEOPLE_HINTS, UNKNOWN_PEOPLE_SCHEMA
from loader.sources.openalex.roster import RosterEntry

_TABLE = "unknown_people"
_UNKNOWN = f"""
    select identifier, display_name, department, checked_at
    from {{raw}}.{_TABLE}
    where is_unknown
    order by identifier
"""


def read_unknown_people(raw: RawSchema) -> list[NotFound]:
    """The people whom OpenAlex did not know when a load last looked for them."""
    if not raw.has_table(_TABLE):
        return []
    return [NotFound(identifier, name, at) for identifier, name, _, at in raw.query(_UNKNOWN)]


def describe_unknown_people(raw: RawSchema, unknown: Mapping[str, RosterEntry | None], cleared: Sequence[str]) -> Any:
    """The rows of a load (UNKNOWN_PEOPLE_SCHEMA), with their table; called within the load.

    `unknown` are the lines of the roster by the identifier that OpenAlex does not know. `cleared` are identifiers that
    it knows, or that nobody asks for any more: those noted earlier are marked.
    """
    load_id = str(dlt.current.load_package_state()["load_id"])
    now = datetime.now(UTC)
    rows = [
        (
            identifier,
            entry.display_name if entry else None,
            entry.memberships[0].department if entry else None,
            True,
            now,
            load_id,
        )
        for identifier, entry in unknown.items()
    ]
    noted = {row[0]: row for row in raw.query(_UNKNOWN)} if raw.has_table(_TABLE) else {}
    rows += [(*noted[each][:3], False, now, load_id) for each in cleared if each in noted]
    return mark_rows(build_table(rows, UNKNOWN_PEOPLE_SCHEMA), UNKNOWN_PEOPLE_HINTS)


def list_cleared(raw: RawSchema, wanted: set[str], unknown: Mapping[str, RosterEntry]) -> list[str]:
    """Who was noted as unknown and is not any more: off the roster, or an ORCID that is found by now.

    `wanted` are the identifiers of the roster; its author ids are left to those who request their records.
    """
    noted = [person.identifier for person in read_unknown_people(raw)]
    return [each for each in noted if each not in unknown and (each not in wanted or "orcid.org" in each)]
