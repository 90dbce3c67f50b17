"""`dlt pipeline openalex run` and what may be asked of it, as a user types it."""

from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace


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

        stranger = workspace.run(*run, "--author", "A5123123123")
        assert stranger.status == 1
        assert "Error: openalex: --author: https://openalex.org/A5123123123 is not on the roster." in stranger.output

        member = next(entry for entry in sample.roster.read_text().splitlines()[1:] if entry.startswith("A"))
        asked = len(server.requests)
        workspace.run_well(*run, "--author", member.partition(",")[0], "--full-refresh")
        filters = [request.parameters["filter"] for request in server.requests[asked:] if request.path == "/works"]
        assert set(filters) == {f"author.id:https://openalex.org/{member.partition(',')[0]}"}
