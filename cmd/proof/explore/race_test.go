//go:build race

package explore

// An exploration has one goroutine, so that the race detector, which makes it six
// times as slow, learns from some settings what it would from all.
const every = 8
