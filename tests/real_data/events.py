"""Reading the real files, and writing rows in the form in which the engine writes them. Only the standard library, nothing of the engine."""
import gzip
import hashlib
import json
import os
import sys
from datetime import datetime, timedelta

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")


def sshd(*types):
    """The sshd events of these types in the order of (time, line): (time, event)."""
    with open(os.path.join(DATA, "openssh.jsonl"), encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    found = [(datetime.strptime(e["at"], "%Y-%m-%dT%H:%M:%SZ"), e) for e in events if e["type"] in types]
    return sorted(found, key=lambda pair: pair[0])  # stable: ties stay in the order of the lines


def windows():
    """All Windows events in the order of the file."""
    with gzip.open(os.path.join(DATA, "windows-lateral-movement.jsonl.gz"), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def sysmon(*ids):
    """The Sysmon events of these ids in the order of (UtcTime, line): (time, event)."""
    found = []
    for event in windows():
        if event["EventID"] in ids and "Sysmon" in event["Channel"]:
            found.append((datetime.strptime(event["UtcTime"], "%Y-%m-%d %H:%M:%S.%f"), event))
    return sorted(found, key=lambda pair: pair[0])


def time_text(time):
    """RFC 3339 with as many digits as needed."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S")
    if time.microsecond:
        text += (".%06d" % time.microsecond).rstrip("0")
    return text + "Z"


def lag_text(lag):
    """A length of time under a day as the language writes it: `2m 3.5s`, `16ms`."""
    milliseconds = lag // timedelta(milliseconds=1)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    parts = ["%dh" % hours] if hours else []
    if minutes:
        parts.append("%dm" % minutes)
    if rest and rest < 1000 and not parts:
        parts.append("%dms" % rest)
    elif rest:
        parts.append(("%d.%03d" % divmod(rest, 1000)).rstrip("0").rstrip(".") + "s")
    return " ".join(parts) or "0s"


def report(stream, events, rows):
    """Prints how many events are of the streams, how many rows there are, and a hash over all rows; with `--rows`, the rows."""
    lines = [json.dumps({"stream": stream, **row}, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows]
    if "--rows" in sys.argv:
        sys.stdout.write("".join(lines))
        return
    print(stream, len(events), len(lines), hashlib.sha256("".join(lines).encode()).hexdigest())
