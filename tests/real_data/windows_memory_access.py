"""For each access with rights to memory, the first image that the same process loads afterwards, within ten seconds."""
from datetime import timedelta

from events import lag_text, report, sysmon, time_text

RIGHTS = {"0x1fffff", "0x1478", "0x1410", "0x1010"}
events = sysmon(10, 7)
found = []
for i, (opened, access) in enumerate(events):
    if access["EventID"] != 10 or access["GrantedAccess"] not in RIGHTS:
        continue
    if access["TargetImage"].lower() == access["SourceImage"].lower():
        continue
    for j in range(i + 1, len(events)):
        loaded, load = events[j]
        if loaded - opened > timedelta(seconds=10):
            break
        if load["EventID"] == 7 and load["ProcessGuid"] == access["SourceProcessGUID"]:
            found.append((j, i))
            break

rows = []
for j, i in sorted(found):
    opened, access = events[i]
    loaded, load = events[j]
    rows.append({
        "Hostname": access["Hostname"], "SourceImage": access["SourceImage"], "TargetImage": access["TargetImage"],
        "GrantedAccess": access["GrantedAccess"], "ImageLoaded": load["ImageLoaded"],
        "opened": time_text(opened), "lag": lag_text(loaded - opened),
    })
report("MemoryAccess", events, rows)
