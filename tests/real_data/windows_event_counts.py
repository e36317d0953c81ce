"""Events per minute of EventTime, channel and id. Within a minute the groups stand in the order of their first event."""
from datetime import datetime

from events import report, time_text, windows

events = [(datetime.strptime(event["EventTime"], "%Y-%m-%d %H:%M:%S"), event) for event in windows()]
minutes = {}
for time, event in sorted(events, key=lambda pair: pair[0]):  # stable: ties stay in the order of the lines
    groups = minutes.setdefault(time.replace(second=0), {})
    group = groups.setdefault((event["Channel"], event["EventID"]), [0, set()])
    group[0] += 1
    group[1].add(event["Hostname"])

rows = []
for minute, groups in minutes.items():
    for (channel, number), (count, hosts) in groups.items():
        rows.append({"START_TIME": time_text(minute), "Channel": channel, "EventID": number, "events": count, "hosts": len(hosts)})
report("EventCounts", events, rows)
