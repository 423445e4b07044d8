"""The architecture, held against the files: who may include whom, and how long a file may be."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
LONGEST_FILE = 400
TABLES = {"src/tflite_graph/options.h"}  # of operators, a struct each: as long as their number
MOST_FILES = 60  # of a folder itself
MOST_FILES_WITH_ROOMS = 140  # of a library, with the folders in it: ops/ has a file a family


def declared_uses(keyword: str = "USES") -> dict[str, set[str]]:
    """folder -> the folders that src/CMakeLists.txt lets it (with "TEST_USES": its tests) use directly."""
    text = (SOURCE / "CMakeLists.txt").read_text()
    uses = {}
    for arguments in re.findall(r"^calib8_folder\(([^)]*)\)", text, re.MULTILINE):
        words = arguments.split()
        names = set()
        if keyword in words:
            for word in words[words.index(keyword) + 1 :]:
                if word.isupper():
                    break
                names.add(word)
        uses[words[0]] = names
    return uses


def reachable(uses: dict[str, set[str]], folder: str, path: tuple[str, ...] = ()) -> set[str]:
    assert folder not in path, f"a cycle of folders: {' -> '.join((*path, folder))}"
    found = set(uses[folder])
    for used in uses[folder]:
        found |= reachable(uses, used, (*path, folder))
    return found


def is_for_tests(file: pathlib.Path, includers: dict[str, set[str]]) -> bool:
    """A test, or a header that tests alone include."""
    by = includers.get(str(file.relative_to(SOURCE)), set())
    return file.name.endswith("_test.cpp") or (file.suffix == ".h" and bool(by) and all(n.endswith("_test.cpp") for n in by))


def test_folders_have_no_cycle_and_include_only_what_they_declare():
    uses = declared_uses()
    test_uses = declared_uses("TEST_USES")
    includers: dict[str, set[str]] = {}
    for file in SOURCE.rglob("*.[hc]*"):
        for included in re.findall(r'#include "([^"]+)"', file.read_text()):
            includers.setdefault(included, set()).add(file.name)
    assert len(uses) > 10
    violations = []
    for folder in uses:
        allowed = reachable(uses, folder) | {folder, "calib8"}
        for file in (SOURCE / folder).rglob("*"):
            if file.suffix not in {".h", ".cpp"}:
                continue
            for included in re.findall(r'#include "([^"/]+)/', file.read_text()):
                if included not in allowed | (test_uses[folder] if is_for_tests(file, includers) else set()):
                    violations.append(f"{file.relative_to(ROOT)} includes {included}/")
    assert not violations, "\n".join(violations)


def count_files(folder: pathlib.Path, deep: bool) -> int:
    return sum(file.is_file() for file in (folder.rglob("*") if deep else folder.glob("*")))


def test_folders_stay_small():
    """A room is what a person reads through in one go; a family of them is no bigger than is worth one library."""
    folders = [folder for folder in SOURCE.rglob("*") if folder.is_dir()]
    assert len(folders) > 15
    large = [f"{folder.relative_to(ROOT)}: {count_files(folder, deep=False)} files of its own"
             for folder in folders if count_files(folder, deep=False) > MOST_FILES]
    large += [f"{folder.relative_to(ROOT)}: {count_files(folder, deep=True)} files with its folders"
              for folder in folders if count_files(folder, deep=True) > MOST_FILES_WITH_ROOMS]
    assert not large, "\n".join(large)


def test_samples_need_no_image_library():
    """Who calibrates or verifies sees samples, and links no decoder for that."""
    uses = declared_uses()
    for folder in ("calibrate", "verify"):
        used = reachable(uses, folder)
        assert "samples" in used
        assert not used & {"image", "discover", "image_samples", "array_samples"}, folder


def test_public_headers_include_no_internal_one():
    for header in (ROOT / "include").rglob("*.h"):
        for included in re.findall(r'#include "([^"]+)"', header.read_text()):
            assert included.startswith("calib8/"), f"{header.name} includes {included}"


def test_files_stay_short():
    long = []
    for folder in ("src", "include", "python", "tests", "fuzz", "bench", "examples"):
        for file in (ROOT / folder).rglob("*"):
            name = str(file.relative_to(ROOT))
            if file.suffix in {".h", ".cpp", ".py"} and name not in TABLES and len(file.read_text().splitlines()) > LONGEST_FILE:
                long.append(name)
    assert not long, f"over {LONGEST_FILE} lines: {long}"
