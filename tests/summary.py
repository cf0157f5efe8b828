#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts test cases in meson's test log, shows what the failed tests printed and names the slowest.

A TAP program counts by its `ok` lines, GStreamer check programs by their `Checks:` line, a script by a last line
`N passed, N failed, N skipped`, anything else as one case. A program that fails without a failed case counts as one.
"""
import json
import re
import sys

TAP = re.compile(r"^(not )?ok\b(.*)$", re.M)
CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
LINE = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def count(entry):
    """Returns [passed, failed, skipped] of one test program."""
    text = entry.get("stdout") or ""
    line = LINE.findall(text)
    check = CHECK.findall(text)
    tap = TAP.findall(text)
    if line:
        counts = [int(n or 0) for n in line[-1]]
    elif check:
        bad = sum(int(c[1]) + int(c[2]) for c in check)
        counts = [sum(int(c[0]) for c in check) - bad, bad, 0]
    elif tap:
        skipped = sum(1 for bad, rest in tap if "# SKIP" in rest.upper())
        failed = sum(1 for bad, rest in tap if bad)
        counts = [len(tap) - skipped - failed, failed, skipped]
    else:
        result = entry["result"]
        counts = [int(result in ("OK", "EXPECTEDFAIL")), 0, int(result == "SKIP")]
    if entry["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not counts[1]:
        counts[1] = 1
    return counts


def failed_cases(lines):
    """The `not ok` lines of a TAP program, each with the comments before it, which say what was wrong."""
    said, wanted = [], []
    for line in lines:
        if line.startswith("not ok"):
            wanted += said[-4:] + [line]
        said = said + [line] if line.startswith("#") else []
    return wanted[:80]


def show(entry):
    """Prints what a failed test said: its failed cases, and its end."""
    print(f"\n==== {entry['name']}: {entry['result']} (exit {entry.get('returncode')})")
    print("     " + " ".join(entry.get("command", [])))
    for stream in ("stdout", "stderr"):
        lines = (entry.get(stream) or "").rstrip().split("\n")
        if len(lines) > 60:
            print("\n".join([*failed_cases(lines[:-60]), "..."]))
        print("\n".join(lines[-60:]))


def main():
    try:
        with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
            entries = [json.loads(line) for line in log]
    except OSError as error:
        print(f"no test ran: {error}")
        entries = []
    total = [0, 0, 0]
    for entry in entries:
        counts = count(entry)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            show(entry)
    if not entries:
        total[1] = 1
    slow = sorted((e for e in entries if e.get("duration", 0) >= 20), key=lambda e: -e["duration"])
    if slow:
        print("slowest: " + ", ".join(f"{e['name'].split(' / ')[-1]} {e['duration']:.0f} s" for e in slow[:12]))
    sys.stderr.flush()
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
