"""Sheets of a workbook (XLSX): text stays text, whatever it begins with."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

# Below the header.
MAX_SHEET_ROWS = 1_048_575
_MAX_CELL_CHARACTERS = 32_767
_MAX_NAME_CHARACTERS = 31


class Workbook:
    """A workbook that is written row by row, and closed at the end of the block."""

    def __init__(self, path: Path) -> None:
        import xlsxwriter

        self.book: Any = xlsxwriter.Workbook(str(path), {"constant_memory": True, "remove_timezone": True})
        self.bold: Any = self.book.add_format({"bold": True})
        self._formats: dict[type, Any] = {
            date: self.book.add_format({"num_format": "yyyy-mm-dd"}),
            datetime: self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }

    def __enter__(self) -> "Workbook":
        return self

    def __exit__(self, *_: object) -> None:
        self.book.close()

    def add_sheet(self, name: str) -> Any:
        """A sheet of this name, cut where it is too long for a sheet; its first row stays visible."""
        sheet = self.book.add_worksheet(name[:_MAX_NAME_CHARACTERS])
        sheet.freeze_panes(1, 0)
        return sheet

    def write_table(self, sheet: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """The columns' names in the first row, then the rows."""
        for place, name in enumerate(columns):
            sheet.write_string(0, place, name, self.bold)
        for number, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                self.write_value(sheet, number, place, value)

    def write_value(self, sheet: Any, row: int, column: int, value: Any) -> None:
        """One cell, of the value's type. Text that is longer than a cell may be is cut and ends with `…`."""
        if isinstance(value, str):
            too_long = len(value) > _MAX_CELL_CHARACTERS
            sheet.write_string(row, column, value[: _MAX_CELL_CHARACTERS - 1] + "…" if too_long else value)
        elif isinstance(value, date):  # a datetime is one, too
            if value.year < 1900:  # before the first day of a sheet's calendar
                sheet.write_string(row, column, value.isoformat())
            else:
                shown = value.astimezone(UTC) if isinstance(value, datetime) else value
                sheet.write_datetime(row, column, shown, self._formats[type(value)])
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(value, int | float | Decimal) and math.isfinite(value):
            sheet.write_number(row, column, value)
        elif value is not None:  # a sheet has no such number, or no such type
            sheet.write_string(row, column, str(value))
