package main

import (
	"os"
	"strings"
	"time"
)

// systemZone returns the machine's time zone under its IANA name, which Go
// does not tell: time.Local only calls itself Local.
func systemZone() *time.Location {
	if name := os.Getenv("TZ"); name != "" {
		if loc, err := time.LoadLocation(strings.TrimPrefix(name, ":")); err == nil {
			return loc
		}
	}
	for _, read := range []func() (string, error){
		func() (string, error) { return os.Readlink("/etc/localtime") },
		func() (string, error) { b, err := os.ReadFile("/etc/timezone"); return string(b), err },
	} {
		text, err := read()
		if err != nil {
			continue
		}
		if _, after, ok := strings.Cut(text, "zoneinfo/"); ok {
			text = after
		}
		if loc, err := time.LoadLocation(strings.TrimSpace(text)); err == nil {
			return loc
		}
	}
	return time.Local
}
