"""What a user may see: one line that says what is wrong and what to do."""


class HeadwaterError(Exception):
    """A failure that a user can mend. Its text is one line, without a secret; the exit status is 1."""
