"""Pairs of a process start and a network connection of the same process, up to two minutes later."""
from datetime import timedelta

from events import lag_text, report, sysmon, time_text

events = sysmon(1, 3)
found = []
for i, (started, start) in enumerate(events):
    for j, (connected, connect) in enumerate(events):
        if start["EventID"] == 1 and connect["EventID"] == 3 and start["ProcessGuid"] == connect["ProcessGuid"]:
            if timedelta(0) <= connected - started <= timedelta(minutes=2):
                found.append((max(i, j), i, j))

rows = []
for _, i, j in sorted(found):
    started, start = events[i]
    connected, connect = events[j]
    rows.append({
        "Image": start["Image"], "User": start["User"], "DestinationIp": connect["DestinationIp"],
        "DestinationPort": connect["DestinationPort"], "connected": time_text(connected), "age": lag_text(connected - started),
    })
report("ProcessNetwork", events, rows)
