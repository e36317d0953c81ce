"""How many Windows events are behind the watermark if only a minute is waited for: in the order of the file, more than a minute before the
latest so far. And the events that are left, per minute, channel and id, as in `windows_event_counts.py`."""
from datetime import datetime, timedelta

from events import report, time_text, windows

latest = None
in_time = []
for event in windows():
    time = datetime.strptime(event["EventTime"], "%Y-%m-%d %H:%M:%S")
    if latest is None or time >= latest - timedelta(minutes=1):
        in_time.append((time, event))
    latest = time if latest is None else max(latest, time)

minutes = {}
for time, event in sorted(in_time, key=lambda pair: pair[0]):  # stable: ties stay in the order of the lines
    groups = minutes.setdefault(time.replace(second=0), {})
    group = groups.setdefault((event["Channel"], event["EventID"]), [0, set()])
    group[0] += 1
    group[1].add(event["Hostname"])

rows = []
for minute, groups in minutes.items():
    for (channel, number), (count, hosts) in groups.items():
        rows.append({"START_TIME": time_text(minute), "Channel": channel, "EventID": number, "events": count, "hosts": len(hosts)})
report("EventCounts", in_time, rows)
