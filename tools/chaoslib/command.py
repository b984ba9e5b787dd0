"""The command line of tools/chaos."""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import traceback

from . import ledger
from .faults import FAULTS
from .network import make_template
from .trial import Trial
from .world import Failure, Unavailable, clean, enter, new_directory

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPS = ROOT / "Specs/skips"
SHARDS = 4


def parse(text):
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME")
    parser.add_argument("--seed", type=int, help="of what is drawn; printed if not given")
    parser.add_argument("--cycles", type=int, help="of each fault")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--validators", type=int, default=4, help="4 or 7, or any other number")
    parser.add_argument("--tally", metavar="PATH", help="a program that is built already")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--keep", action="store_true", help="also what passed")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--clean", action="store_true")
    options = parser.parse_args()
    names = [fault.name for fault in FAULTS]
    unknown = set(options.fault) - set(names)
    if unknown:
        parser.error("no such fault: " + ", ".join(sorted(unknown)))
    if not 4 <= options.validators <= 31:
        parser.error("--validators takes 4 to 31")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1, 10**6)
    return options


def find_program(options):
    """What --tally or CHAOS_TALLY name; else it is built, in release mode as tools/bench does."""
    named = options.tally or os.environ.get("CHAOS_TALLY")
    if named:
        program = pathlib.Path(named).resolve()
    else:
        command = ["swift", "build", "--package-path", str(ROOT), "-c", "release"]
        if os.environ.get("BENCH_SCRATCH_PATH"):
            command += ["--scratch-path", os.environ["BENCH_SCRATCH_PATH"]]
        subprocess.run([*command, "--product", "tally"], check=True, stdout=sys.stderr)
        folder = subprocess.run(
            [*command, "--show-bin-path"], check=True, capture_output=True, text=True
        )
        program = pathlib.Path(folder.stdout.strip()) / "tally"
    if not program.is_file():
        raise Failure(f"there is no {program}")
    return program


def listed_skips():
    """Faults that need not run, with the reason: `name: reason` a line."""
    skips = {}
    lines = SKIPS.read_text(encoding="utf-8").splitlines() if SKIPS.is_file() else []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(":")
            if not reason.strip():
                raise Failure(f"Specs/skips gives no reason for {name}")
            skips[name.strip()] = reason.strip()
    return skips


class Row:
    def __init__(self, fault, options, trial, failure, skip, seconds):
        self.fault, self.failure, self.skip, self.seconds = fault, failure, skip, seconds
        self.seed, self.validators = options.seed, options.validators
        self.cycles = trial.cycles if trial else 0
        self.acknowledged = trial.load.count_acknowledged() if trial else 0
        self.looked_up = trial.checker.looked_up if trial else 0
        self.lost = trial.checker.lost if trial else 0
        self.notes = dict(trial.notes) if trial else {}

    @property
    def result(self):
        if self.failure:
            return "FAILED"
        return "skipped" if self.skip else "ok"

    def line(self):
        notes = ", ".join(f"{count} {what}" for what, count in self.notes.items())
        return (
            f"{self.fault.name:14} {self.cycles:6} {self.acknowledged:12} {self.looked_up:10} "
            f"{self.lost:5} {self.seconds:7.1f} s  {self.result:7} {self.skip or notes}"
        )

    def dictionary(self):
        return {
            "fault": self.fault.name, "seed": self.seed, "validators": self.validators,
            "cycles": self.cycles, "acknowledged": self.acknowledged,
            "lookedUp": self.looked_up, "lost": self.lost, "seconds": round(self.seconds, 1),
            "result": self.result, "notes": self.notes, "failure": self.failure,
            "skip": self.skip,
        }  # fmt: skip


HEAD = (
    f"{'fault':14} {'cycles':>6} {'acknowledged':>12} {'looked up':>10} {'lost':>5} "
    f"{'time':>9}  {'result':7}"
)


def run_fault(fault, options, program, template, directory, cycles, deadline):
    begun = time.monotonic()
    trial = None
    skip = failure = None
    try:
        fault.check_machine()
        trial = Trial(fault, options, program, template, directory)
        trial.run(cycles, deadline)
    except Unavailable as missing:
        skip = listed_skips().get(fault.name)
        if skip is None:
            failure = f"cannot be done here, and Specs/skips does not list it: {missing}"
    except Failure as broken:
        failure = str(broken)
    except Exception:  # pylint: disable=broad-except
        failure = traceback.format_exc()
    row = Row(fault, options, trial, failure, skip, time.monotonic() - begun)
    print(row.line(), flush=True)
    if failure:
        print(f"chaos: {fault.name}: {failure}", file=sys.stderr, flush=True)
    elif trial and not options.keep:
        shutil.rmtree(trial.directory, ignore_errors=True)
    return row


def run_all(faults, options, program, directory):
    rows = []
    template = directory / "template"
    make_template(program, template, options.validators, SHARDS)
    # Without --minutes each fault runs once; with it all of them, until the time is over.
    ends = time.monotonic() + 60 * options.minutes if options.minutes else None
    print(HEAD, flush=True)
    turn = 0
    while turn == 0 or (ends is not None and time.monotonic() < ends):
        for fault in faults:
            if turn and time.monotonic() >= ends:
                break
            cycles = options.cycles or (
                fault.quick_cycles if options.quick else fault.full_cycles
            )
            place = directory / f"turn-{turn}"
            place.mkdir(exist_ok=True)
            rows.append(run_fault(fault, options, program, template, place, cycles, ends))
            if rows[-1].failure:
                repeat(fault, options, directory)
                if ends is not None:
                    return rows
        turn += 1
        if ends is not None:
            options.seed += 1
    return rows


def repeat(fault, options, directory):
    words = ["tools/chaos", "--fault", fault.name, "--seed", str(options.seed)]
    words += ["--validators", str(options.validators)]
    if options.quick:
        words.append("--quick")
    if options.cycles:
        words += ["--cycles", str(options.cycles)]
    print(f"chaos: again by: {' '.join(words)}", file=sys.stderr)
    print(f"chaos: what the nodes said lies in {directory}", file=sys.stderr, flush=True)


def commit():
    done = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def main(text):
    options = parse(text)
    faults = [fault for fault in FAULTS if not options.fault or fault.name in options.fault]
    if options.list:
        for fault in faults:
            print(f"{fault.name:14} {fault.says}")
        return 0
    if options.clean:
        clean()
        return 0
    commit_name = commit()
    try:
        subprocess.run([str(ROOT / "tools/setup"), "--with", "chaos"], check=True)
        program = find_program(options)
    except (subprocess.CalledProcessError, Failure) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    directory = new_directory()
    print(f"chaos: seed {options.seed}, {options.validators} validators, {directory}", flush=True)
    result = directory / "result.json"

    def inside():
        rows = run_all(faults, options, program, directory)
        result.write_text(json.dumps([row.dictionary() for row in rows], indent=2) + "\n")
        return 1 if any(row.failure for row in rows) else 0

    try:
        code = enter(inside)
    except Unavailable as missing:
        print(f"chaos: {missing}", file=sys.stderr)
        code = 1
    # What a run got done before it was interrupted does not count.
    rows = json.loads(result.read_text()) if result.is_file() else []
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")
    if options.record and rows:
        ledger.append(ROOT / "Specs/chaos-ledger.md", rows, commit_name)
    summarize(rows)
    if code == 0 and not options.keep:
        shutil.rmtree(directory, ignore_errors=True)
    failed = sum(row["result"] == "FAILED" for row in rows) or (0 if code == 0 else 1)
    passed = sum(row["result"] == "ok" for row in rows)
    print(f"{passed} passed, {failed} failed")
    return code


def summarize(rows):
    cycles, acknowledged, lost = (
        sum(row[name] for row in rows) for name in ("cycles", "acknowledged", "lost")
    )
    seconds = sum(row["seconds"] for row in rows)
    print(
        f"chaos: {cycles} cycles, {acknowledged} transfers acknowledged, {lost} lost, "
        f"{seconds:.0f} s"
    )
