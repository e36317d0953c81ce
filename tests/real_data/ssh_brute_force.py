"""Five failures of an address within a minute; a failure counts once. Overlapping runs of five are cut by time and by the last alert."""
from datetime import timedelta

from events import report, sshd, time_text

events = sshd("Failed")
by_address = {}
for time, event in events:
    by_address.setdefault(event["ip"], []).append((time, event))

alerts = []
for address, failures in by_address.items():
    i = 0
    while i + 4 < len(failures):
        five = failures[i : i + 5]
        if five[4][0] - five[0][0] <= timedelta(minutes=1):
            alerts.append((five[4][0], five[4][1]["seq"], address, five))
            i += 5
        else:
            i += 1

rows = []
for _, _, address, five in sorted(alerts, key=lambda alert: alert[:2]):
    users = [event.get("user") for _, event in five]
    rows.append({
        "ip": address, "users": len(set(users)), "last_user": users[-1],
        "START_TIME": time_text(five[0][0]), "END_TIME": time_text(five[4][0]),
    })
report("BruteForce", events, rows)
