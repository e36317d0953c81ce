"""Passwords that were accepted after at least three failures of the same address and user within ten minutes.

And, as the file has one accepted password and no such case, the same within an hour whatever the address and the user: every failure
that begins at least three failures before an accepted password.
"""
from datetime import timedelta

from events import lag_text, report, sshd, time_text

events = sshd("Failed", "Accepted")
rows = []
for at, (time, login) in enumerate(events):
    if login["type"] == "Accepted":
        before = [t for t, e in events[:at] if e["type"] == "Failed" and (e["ip"], e["user"]) == (login["ip"], login["user"])]
        before = [t for t in before if time - t <= timedelta(minutes=10)]
        if len(before) >= 3:
            rows.append({"ip": login["ip"], "user": login["user"], "failures": len(before), "took": lag_text(time - before[0]), "at": time_text(time)})
report("GuessedPassword", events, rows)

rows = []
for at, (time, login) in enumerate(events):
    if login["type"] == "Accepted":
        start = max([i for i in range(at) if events[i][1]["type"] == "Accepted"], default=-1) + 1
        for first in range(start, at):
            if time - events[first][0] <= timedelta(hours=1) and at - first >= 3:
                rows.append({"first_ip": events[first][1]["ip"], "failures": at - first, "user": login["user"], "at": time_text(time)})
report("FailedThenAccepted", events, rows)
