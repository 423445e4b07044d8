"""`python -m calib8.export_models` takes the flags of `calib8 export` and becomes that program."""

import os
import pathlib
import sys
import sysconfig

from calib8.errors import Error, ErrorCode


def find_program() -> pathlib.Path:
    """The native program, installed beside this Python."""
    for folder in (sysconfig.get_path("scripts"), pathlib.Path(sys.executable).parent):
        program = pathlib.Path(folder) / "calib8"
        if program.is_file():
            return program
    raise Error(ErrorCode.INTERNAL, "the calib8 program is not beside this Python; install calib8 again")


def main() -> None:
    program = find_program()
    os.execv(program, [str(program), "export", *sys.argv[1:]])


if __name__ == "__main__":
    main()
