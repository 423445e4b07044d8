"""The native program, for the modules that take its flags."""

import os
import pathlib
import sys
import sysconfig
from typing import NoReturn

from calib8.errors import Error, ErrorCode


def find_program() -> pathlib.Path:
    """The native program, installed beside this Python."""
    for folder in (sysconfig.get_path("scripts"), pathlib.Path(sys.executable).parent):
        program = pathlib.Path(folder) / "calib8"
        if program.is_file():
            return program
    raise Error(ErrorCode.INTERNAL, "the calib8 program is not beside this Python; install calib8 again")


def become(*command: str) -> NoReturn:
    """This process becomes `calib8 COMMAND`, or `calib8` itself, with the arguments that Python was given."""
    program = find_program()
    os.execv(program, [str(program), *command, *sys.argv[1:]])
