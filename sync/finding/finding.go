// Package finding holds what an examination says of one thing that it looked
// at: whether it is well and, if not, what to do. Every part of awayd that can
// be examined tells of itself in these values.
//
// Everything here is a pure value or a pure function.
package finding

import (
	"errors"
	"fmt"
)

// A Severity says how bad a finding is.
type Severity string

// The severities, as `awayd check --json` promises them.
const (
	OK      Severity = "ok"
	Warning Severity = "warning" // works, but not as well as it could, or not for long
	Error   Severity = "error"   // must be mended
)

// A Finding is one thing that was examined.
type Finding struct {
	Topic    string // what was examined, in a word or two
	Severity Severity
	Detail   string // what was found
	Hint     string // what to do about it; empty where there is nothing to do
}

// Good finds that all is well.
func Good(topic, format string, args ...any) Finding {
	return Finding{Topic: topic, Severity: OK, Detail: fmt.Sprintf(format, args...)}
}

// Doubt finds something to be improved, as hint says.
func Doubt(topic, hint, format string, args ...any) Finding {
	return Finding{Topic: topic, Severity: Warning, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

// Bad finds something that must be mended, as hint says.
func Bad(topic, hint, format string, args ...any) Finding {
	return Finding{Topic: topic, Severity: Error, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

// Failed finds that err must be mended, with the advice that it carries.
func Failed(topic string, err error) Finding {
	return Bad(topic, Hint(err), "%v", err)
}

// Hint returns the advice that travels with err, or "".
func Hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// Worst returns the worst of severities.
func Worst(list ...Severity) Severity {
	worst := OK
	for _, s := range list {
		if s == Error || s == Warning && worst == OK {
			worst = s
		}
	}
	return worst
}
