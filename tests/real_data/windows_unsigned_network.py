"""For each image without a signature, the first network connection of the same process afterwards, within five minutes."""
from datetime import timedelta

from events import report, sysmon, time_text

events = sysmon(7, 3)
found = []
for i, (loaded, load) in enumerate(events):
    if load["EventID"] != 7 or load["Signed"] != "false":
        continue
    for j in range(i + 1, len(events)):
        connected, connect = events[j]
        if connected - loaded > timedelta(minutes=5):
            break
        if connect["EventID"] == 3 and connect["ProcessGuid"] == load["ProcessGuid"]:
            found.append((j, i))
            break

rows = []
for j, i in sorted(found):
    loaded, load = events[i]
    connected, connect = events[j]
    rows.append({
        "Hostname": load["Hostname"], "Image": load["Image"], "ImageLoaded": load["ImageLoaded"], "DestinationIp": connect["DestinationIp"],
        "port": int(connect["DestinationPort"]), "loaded": time_text(loaded), "connected": time_text(connected),
    })
report("UnsignedNetwork", events, rows)
