"""Hangups of addresses that neither failed nor succeeded with a password in the five minutes before."""
from datetime import timedelta

from events import report, sshd, time_text

events = sshd("Failed", "Accepted", "Disconnected", "Closed")
last_password = {}
rows = []
for time, event in events:
    address = event["ip"]
    if event["type"] in ("Failed", "Accepted"):
        last_password[address] = time
    elif address not in last_password or time - last_password[address] > timedelta(minutes=5):
        rows.append({"ip": address, "how": event["type"].lower(), "at": time_text(time)})
report("NoLogin", events, rows)
