package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"awayd/caldav"
	"awayd/sync/absence"
)

// expandedEvents is how many events the calendar of the rows has.
const expandedEvents = 10_000

// expansion measures how the events of a calendar become a timeline.
func expansion(ctx context.Context, r *report) error {
	r.title = "From events to a timeline"
	r.intro = fmt.Sprintf(expansionIntro, expandedEvents, expandedEvents/seriesAmong)
	dir, err := os.MkdirTemp("", "awayd-bench-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return errors.Join(measureExpansion(ctx, r, dir), os.RemoveAll(dir))
}

const expansionIntro = `The year 2026 out of a calendar of five years with %d events, %d of them series. awayd reads the text, expands it, judges each
occurrence by all its rules, and merges and words the absences, in its own process. python3-recurring-ical-events reads and
expands in a process of its own, which measures itself: neither its start nor its imports count. It must find as many occurrences.`

func measureExpansion(ctx context.Context, r *report, dir string) error {
	text := []byte(calendarOf(expandedEvents))
	file := filepath.Join(dir, "calendar.ics")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("write calendar: %w", err)
	}
	settings, err := berliner()
	if err != nil {
		return err
	}
	var objects []absence.Object
	var result absence.Result
	var theirs pythonRun
	var read, expanded series
	var theirRead, theirExpanded series
	rounds := r.enough(8)
	_, err = interleave(ctx, rounds,
		contender{name: "awayd", run: func(context.Context) (time.Duration, error) {
			began := time.Now()
			if objects, err = caldav.ReadICS(bytes.NewReader(text), "calendar"); err != nil {
				return 0, err
			}
			middle := time.Now()
			result = timeline(objects, settings)
			read, expanded = append(read, middle.Sub(began).Seconds()), append(expanded, time.Since(middle).Seconds())
			return time.Since(began), nil
		}},
		contender{name: "python3-recurring-ical-events", run: func(ctx context.Context) (time.Duration, error) {
			if theirs, err = runPython(ctx, file); err != nil {
				return 0, err
			}
			theirRead, theirExpanded = append(theirRead, theirs.Read), append(theirExpanded, theirs.Expand)
			return 0, nil
		}})
	if err != nil {
		return err
	}
	if n := len(result.Absences) + len(result.Ignored); n != theirs.Found {
		return fmt.Errorf("awayd finds %d occurrences, the other engine %d", n, theirs.Found)
	}
	// The first round is not counted.
	read, expanded, theirRead, theirExpanded = read[1:], expanded[1:], theirRead[1:], theirExpanded[1:]
	const peer, alone, to = "python3-recurring-ical-events", "none", 50
	r.compare(comparison{work: "text to timeline", peer: peer, ours: read.plus(expanded), them: theirRead.plus(theirExpanded), target: target{faster: to}, connection: alone})
	r.compare(comparison{work: "objects, as cached, to timeline", peer: peer, ours: expanded, them: theirExpanded, target: target{faster: to}, connection: alone})
	r.fact("occurrences in the window", fmt.Sprint(theirs.Found), "", true)
	r.fact("allocations per event, text to objects", allocations(func() {
		objects, err = caldav.ReadICS(bytes.NewReader(text), "calendar")
	}), "", true)
	r.fact("allocations per event, objects to timeline", allocations(func() { timeline(objects, settings) }), "", true)
	return err
}

// berliner are the rules of somebody in Berlin.
func berliner() (absence.Settings, error) {
	s := absence.Defaults()
	var err error
	s.Zone, err = time.LoadLocation("Europe/Berlin")
	return s, err
}

func timeline(objects []absence.Object, s absence.Settings) absence.Result {
	return absence.Build([]absence.Calendar{{Name: "Calendar", Objects: objects}}, s, windowStart, windowEnd)
}

// allocations counts those of f for each event.
func allocations(f func()) string {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return fmt.Sprintf("%.1f (%.0f bytes)", float64(after.Mallocs-before.Mallocs)/expandedEvents, float64(after.TotalAlloc-before.TotalAlloc)/expandedEvents)
}

//go:embed expand.py
var expandProgram string

// A pythonRun is what expand.py writes.
type pythonRun struct {
	Found        int
	Read, Expand float64 // seconds
}

func runPython(ctx context.Context, file string) (pythonRun, error) {
	const day = "20060102"
	// Debian's own: another one may come first in the path.
	out, err := command(ctx, "/usr/bin/python3", "-c", expandProgram, file, windowStart.Format(day), windowEnd.Format(day))
	if err != nil {
		return pythonRun{}, err
	}
	var p pythonRun
	return p, json.Unmarshal(out, &p)
}
