"""What the tests share: the program under test, real photos, and torchvision's models with or without its binary."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIGITS = ROOT / "examples" / "digits"


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every architecture, not one a family")


def is_left_out(item, everything: bool) -> bool:
    if item.get_closest_marker("slow") and not everything:
        return True
    needs = item.get_closest_marker("needs")
    return bool(needs) and not all(importlib.util.find_spec(package) for package in needs.args)


def pytest_collection_modifyitems(config, items):
    """Without --all the slow tests are left out, and with or without it those of trainers' packages that aren't
    installed (deselected, not skipped: a skipped test fails the run)."""
    left_out = [item for item in items if is_left_out(item, config.getoption("--all"))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: runs with --all only")
    config.addinivalue_line("markers", "needs(packages): runs where they are installed (tests/trainer-requirements.txt)")


def pytest_terminal_summary(terminalreporter):
    if terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("a skipped test fails the run: what it needs must be installed")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = 1


def calib8_program() -> str:
    return os.environ.get("CALIB8_BINARY", str(pathlib.Path(sys.executable).parent / "calib8"))


def run_calib8(*arguments, check: bool = False, timeout: float = 300, **options) -> subprocess.CompletedProcess:
    """Runs the command line; with `check` a failure shows what it said."""
    command = [calib8_program(), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    if check:
        assert done.returncode == 0, f"{' '.join(command)}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def export_report(*arguments) -> dict:
    """The report of a successful `calib8 export`."""
    return json.loads(run_calib8("export", *arguments, "--json", "--quiet", check=True).stdout)


@pytest.fixture(scope="session")
def digits_checkpoint() -> pathlib.Path:
    return DIGITS / "efficientnet_b0_digits.pth"


@pytest.fixture(scope="session")
def digits_data() -> pathlib.Path:
    return DIGITS / "data"


@pytest.fixture(scope="session")
def digits_export(tmp_path_factory, digits_checkpoint, digits_data):
    """The main job, once: its folder and its report."""
    folder = tmp_path_factory.mktemp("digits")
    report = export_report("--checkpoint", digits_checkpoint, "--dataset-dir", digits_data, "--output-dir", folder)
    return folder, report
