"""For each start of a process, the registry values that it sets within two seconds, private hives left aside.

A loop that could take more comes out when the two seconds are over: in the order of the starts.
"""
from datetime import timedelta

from events import lag_text, report, sysmon, time_text

events = sysmon(1, 13)
rows = []
for i, (started, start) in enumerate(events):
    if start["EventID"] != 1:
        continue
    values = []
    for time, entry in events[i + 1 :]:
        if time - started > timedelta(seconds=2):
            break
        if entry["EventID"] == 13 and entry["ProcessGuid"] == start["ProcessGuid"] and not entry["TargetObject"].startswith("\\REGISTRY\\A\\"):
            values.append((time, entry))
    if values:
        rows.append({
            "Hostname": start["Hostname"], "Image": start["Image"], "ParentImage": start["ParentImage"], "values": len(values),
            "first_key": values[0][1]["TargetObject"], "lag": lag_text(values[0][0] - started), "started": time_text(started),
        })
report("RegistryAfterStart", events, rows)
