//go:build !race

package caldav

import "time"

const hostileTime = 50 * time.Millisecond
