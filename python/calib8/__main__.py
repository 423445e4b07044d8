"""`python -m calib8` is the program `calib8`: the same commands and flags."""

from calib8.program import become


def main() -> None:
    become()


if __name__ == "__main__":
    main()
