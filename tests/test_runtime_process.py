"""LiteRT's own process, from outside: what kills it, who ends it, and how Python's callers share it."""

import contextlib
import importlib.util
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
from conftest import DIGITS, calib8_program, run_calib8

EXPORT = (
    "export", DIGITS / "efficientnet_b0_digits.pth", "--dataset-dir", DIGITS / "data", "--num-calib-samples", 40,
    "--verify-samples", 4, "--min-agreement", 0, "--quiet", "--output-dir",
)  # fmt: skip
SEED = 1
OUTPUTS = ("model.onnx", "model.tflite", "model.tflite.quantization_metadata")


def children(process: int) -> list[int]:
    found = []
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:
            pass
    return found


def start_export(folder) -> tuple[subprocess.Popen, int]:
    """The command, and LiteRT's process as soon as there is one."""
    process = subprocess.Popen(list(map(str, (calib8_program(), *EXPORT, folder))), stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        try:
            if found := children(process.pid):
                return process, found[0]
        except OSError:
            pass
    raise AssertionError(f"no process for LiteRT: {process.communicate()[1]}")


def is_gone(process: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def seconds_of_export(tmp_path_factory):
    process, worker = start_export(tmp_path_factory.mktemp("timed"))
    start = time.monotonic()
    assert process.wait() == 0
    assert is_gone(worker)
    return time.monotonic() - start


@pytest.mark.parametrize(("moments", "seed"), [(6, SEED), pytest.param(20, None, marks=pytest.mark.slow, id="20-anew")])
def test_killed_worker_is_one_line_and_outputs_stay_whole(moments, seed, tmp_path, seconds_of_export):
    """`kill -9` of LiteRT's process at random moments, which are new ones where there is no seed."""
    run_calib8(*EXPORT, tmp_path, check=True)
    before = {name: (tmp_path / name).read_bytes() for name in OUTPUTS[:2]}
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    print("seed", seed)
    generator = random.Random(seed)
    ended = 0
    for _ in range(moments):
        process, worker = start_export(tmp_path)
        time.sleep(generator.uniform(0, 0.9 * seconds_of_export))
        with contextlib.suppress(ProcessLookupError):  # it was done already
            os.kill(worker, signal.SIGKILL)
        error = process.communicate(timeout=60)[1]
        if process.returncode == 0:
            continue  # it was done already
        ended += 1
        assert process.returncode == 6, error
        assert len(error.splitlines()) == 1 and "SIGKILL" in error and "efficientnet_b0_digits.pth" in error, error
        assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert ended > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_export_leaves_no_process(tmp_path, number):
    process, worker = start_export(tmp_path)
    time.sleep(0.1)
    process.send_signal(number)
    process.wait(60)
    assert is_gone(worker)


def test_a_worker_that_hangs_is_ended(tmp_path):
    process, worker = start_export(tmp_path)
    process.kill()
    process.wait()
    environment = os.environ | {"CALIB8_RUNTIME_TIMEOUT": "1"}
    command = list(map(str, (calib8_program(), *EXPORT, tmp_path)))
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    while not (found := children(process.pid)):
        pass
    time.sleep(0.2)
    os.kill(found[0], signal.SIGSTOP)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 6 and "gave no answer for" in error and len(error.splitlines()) == 1, error
    assert is_gone(found[0])


def test_inspect_starts_no_process(tmp_path):
    trace = tmp_path / "calib8-runtime-was-started"
    program = tmp_path / "calib8"
    program.write_bytes(pathlib.Path(calib8_program()).read_bytes())
    program.chmod(0o755)
    runtime = tmp_path / "calib8-runtime"
    runtime.write_text(f"#!/bin/sh\ntouch {trace}\n")
    runtime.chmod(0o755)
    litert = pathlib.Path(importlib.util.find_spec("ai_edge_litert").submodule_search_locations[0]) / "libLiteRt.so"
    how = {"capture_output": True, "text": True, "env": {**os.environ, "CALIB8_LITERT": str(litert)}}
    done = subprocess.run([program, "inspect", DIGITS / "efficientnet_b0_digits.pth"], **how)
    assert done.returncode == 0 and not trace.exists(), done.stderr
    done = subprocess.run(list(map(str, (program, *EXPORT, tmp_path / "out"))), **how)
    assert done.returncode == 6 and trace.exists(), "the trap works"


def test_without_its_program_an_export_says_so(tmp_path):
    program = tmp_path / "calib8"
    program.write_bytes(pathlib.Path(calib8_program()).read_bytes())
    program.chmod(0o755)
    done = subprocess.run(
        list(map(str, (program, *EXPORT, tmp_path / "out"))), capture_output=True, text=True,
        env=os.environ | {"VIRTUAL_ENV": str(pathlib.Path(sys.prefix))},
    )  # fmt: skip
    assert done.returncode == 6 and "calib8-runtime: is missing" in done.stderr, done.stderr


PYTHON_EXPORT = f"""
import sys, calib8
def export(folder, progress=None):
    return calib8.export({str(DIGITS / "efficientnet_b0_digits.pth")!r}, dataset_dir={str(DIGITS / "data")!r},
        num_calib_samples=20, verify_samples=2, min_agreement=0, output_dir=folder)
"""


def run_python(code: str, *arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", PYTHON_EXPORT + code, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def test_python_notices_ctrl_c_without_a_callback(tmp_path):
    code = """
import os, signal, threading, time
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    while True: export(sys.argv[1])
except KeyboardInterrupt:
    print("stopped after", time.monotonic() - start)
"""
    done = run_python(code, tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("stopped after"), done.stderr
    assert float(done.stdout.split()[-1]) < 3


def test_python_threads_export_at_the_same_time(tmp_path):
    code = """
import concurrent.futures, pathlib
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    list(pool.map(export, [f"{sys.argv[1]}/{i}" for i in range(3)]))
assert len({pathlib.Path(sys.argv[1], str(i), "model.tflite").read_bytes() for i in range(3)}) == 1
"""
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_python_processes_export(tmp_path, method):
    """Processes that were forked in the middle of an export of their parent's, or started anew."""
    script = tmp_path / "script.py"
    script.write_text(PYTHON_EXPORT + f"""
import multiprocessing, threading
if __name__ == "__main__":
    own = threading.Thread(target=export, args=(sys.argv[1] + "/own",))
    own.start()
    context = multiprocessing.get_context({method!r})
    others = [context.Process(target=export, args=(f"{{sys.argv[1]}}/{{i}}",)) for i in range(2)]
    for other in others: other.start()
    for other in others: other.join()
    own.join()
    sys.exit(max(other.exitcode for other in others))
""")  # fmt: skip
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len({(tmp_path / name / "model.tflite").read_bytes() for name in ("own", "0", "1")}) == 1
