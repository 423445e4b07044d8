"""The one exception of calib8."""

import enum


class ErrorCode(enum.IntEnum):
    """What kind of thing went wrong; the value is the command line's exit status."""

    INTERNAL = 1
    USAGE = 2
    MODEL = 3
    DATASET = 4
    GATE = 5
    RUNTIME = 6
    OUTPUT = 7
    INTERRUPTED = 130


class Error(Exception):
    """Raised for everything that can't be done, with what is wrong, where, and what to do.

    Attributes:
        code: an ErrorCode.
        message: one line: what is wrong and what to do.
        where: the file, the member of a file or the node; may be empty.
    """

    def __init__(self, code: int, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.code = ErrorCode(code)
        self.message = message
        self.where = where
