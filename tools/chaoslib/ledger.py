"""The tables of all cycles so far, in Specs/chaos-ledger.md. CHAOS-24."""

import datetime
import pathlib

HEAD = """# Ledger of cycles

What `tools/chaos --record` did, in sum and run by run; the rules are in [chaos.md](chaos.md). The
tool writes this file. A failed run stays in it, as does what was acknowledged in it.

"""
TOTALS = "## By fault"
RUNS = "## Runs"
COLUMNS = ("date", "commit", "seed", "validators", "fault", "cycles", "acknowledged", "looked up",
           "lost", "result")  # fmt: skip
SUMMED = ("runs", "cycles", "acknowledged", "looked up", "lost", "failed")


def table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]


def recorded(path):
    """Rows of the second table."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    lines = text[text.index(RUNS) :].splitlines() if RUNS in text else []
    rows = [line for line in lines if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def append(path, rows, commit):
    """Adds a run, sums up anew, and replaces the file whole."""
    path = pathlib.Path(path)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    everything = recorded(path)
    for row in rows:
        everything.append(
            [today, commit, row["seed"], row["validators"], row["fault"], row["cycles"],
             row["acknowledged"], row["lookedUp"], row["lost"], row["result"]]
        )  # fmt: skip
    totals = {}
    for row in everything:
        sums = totals.setdefault(row[4], [0] * len(SUMMED))
        sums[0] += 1
        for place in range(1, 5):
            sums[place] += int(row[4 + place])
        sums[5] += row[9] == "FAILED"
    summed = [[name, *sums] for name, sums in totals.items()]
    summed.append(["all", *(sum(column) for column in zip(*totals.values()))])
    lines = [TOTALS, "", *table(("fault", *SUMMED), summed), "", RUNS, "",
             *table(COLUMNS, everything)]  # fmt: skip
    fresh = path.with_suffix(".new")
    fresh.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    fresh.replace(path)
