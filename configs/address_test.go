package configs

import (
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	for s, want := range map[string]Address{
		"":                                  {},
		"127.0.0.1:9119":                    {"tcp", "127.0.0.1:9119"},
		"[::1]:9119":                        {"tcp", "[::1]:9119"},
		":9119":                             {"tcp", ":9119"},
		"metrics.example.org:9119":          {"tcp", "metrics.example.org:9119"},
		"unix:/run/awayd/metrics.sock":      {"unix", "/run/awayd/metrics.sock"},
		"unix:/" + strings.Repeat("a", 106): {"unix", "/" + strings.Repeat("a", 106)},
	} {
		if got, err := parseAddress(s, "127.0.0.1:9119", "unix:/run/awayd/metrics.sock"); err != nil || got != want {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
	for s, want := range map[string]string{
		"9119":                              "write one like 127.0.0.1:9119",
		"127.0.0.1":                         "write one like 127.0.0.1:9119",
		"http://127.0.0.1:9119":             "write one like 127.0.0.1:9119",
		"127.0.0.1:0":                       "is no port",
		"127.0.0.1:http":                    "is no port",
		"127.0.0.1:65536":                   "is no port",
		"unix:metrics.sock":                 "no absolute path of a socket: write one like unix:/run/awayd/metrics.sock",
		"unix:/run/../m.sock":               "no absolute path",
		"unix:":                             "no absolute path",
		"unix:/run/\x00m":                   "no absolute path",
		"unix:/" + strings.Repeat("a", 107): "at most 107 bytes",
	} {
		if got, err := parseAddress(s, "127.0.0.1:9119", "unix:/run/awayd/metrics.sock"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}
