"""What a run of OpenAlex may be narrowed to."""

from loader.sources.contract import Option

AUTHOR = Option("author", "ID", "Bring only the works of this author of the roster up to date (A5023888391)")
