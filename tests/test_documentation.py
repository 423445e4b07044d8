"""The README and the guide, run: every ```sh and ```python block, page by page, in a folder that has the digits example.

A page's blocks run in their order and share the folder, so that a later one may use what an earlier one wrote. `calib8
export` runs on fewer samples where a block names none, to be quick.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import DIGITS, ROOT, calib8_program

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

#: Blocks that aren't run: a line of them, and why.
NOT_RUN = {
    "make demo": "builds calib8; CI runs it by itself",
    "make test": "runs these tests",
    "import tensorflow as tf": "TensorFlow is no dependency; test_representative_data.py holds the generator to its convention",
}

IMAGES_PER_CLASS = 13
FEWER = ("--num-calib-samples", "16", "--verify-samples", "4")


def blocks(page: pathlib.Path) -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def reason_not_to_run(text: str) -> str | None:
    return next((reason for line, reason in NOT_RUN.items() if re.search(rf"^{re.escape(line)}", text, re.MULTILINE)), None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """model.pth, ml/data, data and copy/of/data as the pages name them, and calib8 on the path."""
    shutil.copy(DIGITS / "efficientnet_b0_digits.pth", tmp_path / "model.pth")
    for digit in range(10):
        kept = tmp_path / "digits" / "val" / str(digit)
        kept.mkdir(parents=True)
        for image in sorted((DIGITS / "data" / "val" / str(digit)).iterdir())[:IMAGES_PER_CLASS]:
            shutil.copy(image, kept)
    for data in ("ml/data", "data", "copy/of/data"):
        (tmp_path / data).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / data).symlink_to(tmp_path / "digits")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "calib8"
    program.write_text(
        "#!/bin/bash\n"
        f'if [ "$1" = export ] && [[ "$*" != *-samples* ]]; then set -- "$@" {" ".join(FEWER)}; fi\n'
        f'exec {calib8_program()} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # for the module that a page writes
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(page, folder):
    namespace = {"__name__": "__main__"}
    for language, text in blocks(page):
        if reason_not_to_run(text):
            continue
        if language == "sh":
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{page.name}:\n{text}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
        elif language == "python":
            exec(compile(text, f"{page.name}: {text.splitlines()[0]}", "exec"), namespace)  # noqa: S102
        else:
            assert language in ("json", "text"), f"{page.name}: a block of {language} is neither run nor data"


def test_no_command_escapes():
    """Commands and Python stand in fenced blocks with their language, never in indented ones."""
    found = []
    for page in PAGES:
        outside = re.sub(r"^```\w+\n.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert "```" not in outside, f"{page.name}: a fenced block without its language"
        found += re.findall(r"^ {4,}(?:\$ )?(?:calib8|python|make|cmake|pip|import|from) .*", outside, re.MULTILINE)
    assert not found, found


def test_what_is_not_run_is_there():
    texts = [text for page in PAGES for _, text in blocks(page)]
    for line in NOT_RUN:
        assert any(re.search(rf"^{re.escape(line)}", text, re.MULTILINE) for text in texts), f"no block has '{line}'"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        name, anchor = target
        linked = page.parent / name if name else page
        assert linked.exists(), f"{page.name}: {name}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name}: {name}#{anchor}"
