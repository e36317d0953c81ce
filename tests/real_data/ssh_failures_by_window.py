"""Failures per address and ten minutes of the clock; of each ten minutes the three worst with at least three."""
from events import report, sshd, time_text

events = sshd("Failed")
windows = {}
for time, event in events:
    start = time.replace(minute=time.minute // 10 * 10, second=0)
    windows.setdefault(start, {}).setdefault(event["ip"], []).append((time, event["user"]))

rows = []
for start in sorted(windows):
    worst = [(-len(failures), address) for address, failures in windows[start].items() if len(failures) >= 3]
    for count, address in sorted(worst)[:3]:
        failures = windows[start][address]
        rows.append({
            "START_TIME": time_text(start), "ip": address, "failures": -count, "users": len({user for _, user in failures}),
            "first": time_text(failures[0][0]), "last": time_text(failures[-1][0]),
        })
report("Worst", events, rows)
