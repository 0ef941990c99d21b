package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// heading writes what the numbers are of.
func heading(ctx context.Context) (string, error) {
	versions, err := versions(ctx)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf(intro, runtime.NumCPU(), strings.TrimPrefix(runtime.Version(), "go"), versions)
	if load, ok := busy(); ok {
		text += fmt.Sprintf("\nThe machine was not quiet when this run began: its load average was %.1f. Times are longer than they need be.\n", load)
	}
	return text, nil
}

// busy reports whether the machine has other work than ours, and how much.
func busy() (load float64, ok bool) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false // then nobody knows
	}
	if _, err := fmt.Sscan(string(text), &load); err != nil {
		return 0, false
	}
	return load, load > float64(runtime.NumCPU())/2
}

const intro = `# How fast, beside others

This page is written by ` + "`make bench`" + `, which starts real servers on loopback and lets awayd and other programs do the same
work in the same run, in turn. %d cores, Go %s, and as Debian packages them: %s.

Times are medians, with the smallest and the largest in brackets. A ratio is the median of the ratios within one round. The noise is
where that median lies with a confidence of 95 %% (by order statistics, as benchstat has it); behind it stands how far two runs of the
same thing, one after the other, are apart, in the median and for whichever of the two is noisier. A target is *met* or *missed* if
all of that interval is on one side of it, and the test of Mann and Whitney excludes chance (p < 0.05); else it is *unproven*.
`

// packages are the Debian packages of which the page names the versions.
var packages = []string{"radicale", "vdirsyncer", "curl", "python3-recurring-ical-events", "python3-icalendar"}

func versions(ctx context.Context) (string, error) {
	args := append([]string{"-W", "-f", "${Package} ${Version}\n"}, packages...)
	out, err := exec.CommandContext(ctx, "dpkg-query", args...).Output()
	if err != nil {
		return "", fmt.Errorf("ask for versions: %w: is everything installed (make bench)?", err)
	}
	return string(bytes.ReplaceAll(bytes.TrimSpace(out), []byte("\n"), []byte(", "))), nil
}
