"""`python -m calib8` is the program `calib8`: the same commands and flags."""

import os
import sys

from calib8.program import find_program


def main() -> None:
    program = find_program()
    os.execv(program, [str(program), *sys.argv[1:]])


if __name__ == "__main__":
    main()
