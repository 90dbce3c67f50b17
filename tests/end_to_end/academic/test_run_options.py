"""`dlt pipeline openalex run` and `headwater run`, and what may be asked of them, as a user types it."""

from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.roster import read_roster
from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace

UNLOADED = "0000-0002-1825-0097"


def _check_whole_run(workspace: Workspace, sample: Sample, server: OpenAlexServer) -> None:
    """The same options for `headwater run`, whose dry run asks nothing of any source."""
    run = ("headwater", "run", "--dry-run")
    asked = len(server.requests)
    enabled = {
        "SOURCES__SEMANTIC_SCHOLAR__ENABLED": "true",
        "SOURCES__SEMANTIC_SCHOLAR__BASE_URL": server.url,
        "HEADWATER_DOMAINS": "academic",
    }
    whole = workspace.run(*run, extra=enabled).output
    assert "A run of openalex would request" in whole
    assert "A run of semantic_scholar would request" in whole
    assert "all works of 8 members" in workspace.run_well(*run, "--full-refresh")

    known = next(each for each in read_roster(sample.roster) if each.orcid and not each.author_id)
    narrowed = workspace.run(*run, "--author", known.orcid or "", extra=enabled).output
    assert "which works changed, of 1 member" in narrowed
    assert "semantic_scholar" not in narrowed, "it does not take --author"

    # Someone who was put on the roster since, by an ORCID that no load has looked up.
    text = sample.roster.read_text()
    sample.roster.write_text(text + "," * text.partition("orcid")[0].count(",") + UNLOADED + "\n")
    try:
        for who in (UNLOADED, "A5123123123"):
            told = workspace.run_well(*run, "--author", who)
            assert "all works of 1 member looked up by ORCID" in told
            assert "which works changed" not in told
    finally:
        sample.roster.write_text(text)

    assert "Error: No such option" in workspace.run(*run, "--colour", "red").output
    assert len(server.requests) == asked


def test_a_run_is_estimated_done_and_narrowed(workspace: Workspace) -> None:
    run = ("dlt", "pipeline", "openalex", "run")
    sample = Sample(workspace)
    with serve_sample(workspace, sample) as server:
        told = workspace.run_well(*run, "--dry-run")
        assert "A run of openalex would request" in told
        assert "all works of" in told
        assert server.requests == []
        assert not workspace.settings.warehouse.exists()

        workspace.run_well(*run)
        asked = len(server.requests)
        assert "which works changed, of 8 members" in workspace.run_well(*run, "--dry-run")
        assert len(server.requests) == asked

        _check_whole_run(workspace, sample, server)

        stranger = workspace.run(*run, "--author", "A5123123123")
        assert stranger.status == 1
        assert "Error: openalex: --author: https://openalex.org/A5123123123 is not on the roster." in stranger.output

        member = next(entry for entry in sample.roster.read_text().splitlines()[1:] if entry.startswith("A"))
        asked = len(server.requests)
        workspace.run_well(*run, "--author", member.partition(",")[0], "--full-refresh")
        filters = [request.parameters["filter"] for request in server.requests[asked:] if request.path == "/works"]
        assert set(filters) == {f"author.id:https://openalex.org/{member.partition(',')[0]}"}
