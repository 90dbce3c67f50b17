"""What a user may see: one line that says what is wrong and what to do."""


class HeadwaterError(Exception):
    """A failure that a user can fix. Its text is one line, without a secret; the exit status is 1."""


class StopLoadingError(HeadwaterError):
    """The source answers no further request in this run: no key, no budget, no requests left."""


def list_causes(error: BaseException) -> list[BaseException]:
    """The error, what caused it, and so on to the root."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    return causes
