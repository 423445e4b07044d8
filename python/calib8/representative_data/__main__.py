"""`python -m calib8.representative_data` takes the flags of `calib8 dataset` and becomes that program."""

from calib8.program import become

if __name__ == "__main__":
    become("dataset")
