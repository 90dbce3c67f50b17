"""What `headwater init` asks about OpenAlex: whom to follow, and the key."""

from pathlib import Path

from loader.base.settings import ROOT
from loader.sources.openalex.members import read_institution
from loader.sources.openalex.roster import read_roster_file
from loader.sources.openalex.settings import OpenAlexSettings
from loader.sources.questions import Answer, Question, ask_key


def show_researchers(settings: OpenAlexSettings) -> str | None:
    """The institution, or else the roster."""
    return settings.institution or settings.roster


def parse_researchers(text: str) -> Answer:
    """An institution's id, or a roster, which is read: relative to the working directory, or to the repository."""
    try:
        read_institution(text)
    except ValueError:
        path = Path(text).expanduser().absolute()
        path = path if path.exists() or not (ROOT / text).exists() else ROOT / text
        roster = read_roster_file(path)
        people, lines = len(roster.entries), sum(len(entry.memberships) for entry in roster.entries)
        notes = [f"members in the file: {people:,}{f' on {lines:,} lines' if lines > people else ''}.", *roster.notes]
        kept = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        return Answer({"roster": str(kept), "institution": ""}, " ".join(notes))
    return Answer({"institution": text, "roster": ""}, "everyone who works there when a run asks")


QUESTIONS = (
    Question(
        "researchers",
        "Whom to follow: a CSV file with their OpenAlex ids or ORCIDs, or the OpenAlex or ROR id of an institution",
        "FILE|ID",
        show_researchers,
        parse_researchers,
    ),
    ask_key("API key, free at openalex.org"),
)
