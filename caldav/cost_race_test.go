//go:build race

package caldav

import "time"

// The race detector makes everything some ten times slower.
const hostileTime = 500 * time.Millisecond
