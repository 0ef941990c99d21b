"""Reads a calendar and expands a window of it: FILE FROM TO (days).

Writes how many occurrences there are, and how long reading and expanding took,
in seconds: without the start of the interpreter and of the libraries.
"""
import datetime
import json
import sys
import time
import warnings

import icalendar
import recurring_ical_events

warnings.simplefilter("ignore")
with open(sys.argv[1], "rb") as f:
    text = f.read()
begin, end = (datetime.datetime.strptime(day, "%Y%m%d") for day in sys.argv[2:4])

start = time.perf_counter()
calendar = icalendar.Calendar.from_ical(text)
read = time.perf_counter()
found = recurring_ical_events.of(calendar).between(begin, end)
done = time.perf_counter()
json.dump({"found": len(found), "read": read - start, "expand": done - read}, sys.stdout)
