"""`python -m calib8.export_models` takes the flags of `calib8 export` and becomes that program."""

from calib8.program import become


def main() -> None:
    become("export")


if __name__ == "__main__":
    main()
