//go:build race

package caldav

import "time"

// The race detector makes everything five to twenty times slower (its manual),
// so that here only hangs are found; what is promised is held without it.
const hostileTime = time.Second
