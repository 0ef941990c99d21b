package main

import (
	"flag"
	"os"
	"testing"
)

// The tests wait for clocks and servers most of the time, so many fit side by
// side on few cores.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
