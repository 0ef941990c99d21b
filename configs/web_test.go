package configs

import (
	"strings"
	"testing"
)

func TestWeb(t *testing.T) {
	for _, test := range []struct {
		text string
		web  Address
		url  string
		bad  string // in the problem
	}{
		{text: ``},
		{text: `web = ""`},
		{text: `web = "127.0.0.1:8109"`, web: Address{"tcp", "127.0.0.1:8109"}},
		{text: `web = "127.8.9.1:8109"`, web: Address{"tcp", "127.8.9.1:8109"}},
		{text: `web = "[::1]:8109"`, web: Address{"tcp", "[::1]:8109"}},
		{text: `web = "localhost:8109"`, web: Address{"tcp", "localhost:8109"}},
		{text: "web = \"unix:/run/awayd/web.sock\"\nweb_url = \"https://OOO.example.org/awayd\"",
			web: Address{"unix", "/run/awayd/web.sock"}, url: "https://ooo.example.org/awayd/"},
		{text: "web = \"127.0.0.1:1\"\nweb_url = \"http://localhost:1\"", web: Address{"tcp", "127.0.0.1:1"}, url: "http://localhost:1/"},

		{text: `web = ":8109"`, bad: "reverse proxy"},
		{text: `web = "0.0.0.0:8109"`, bad: "reverse proxy"},
		{text: `web = "[::]:8109"`, bad: "reverse proxy"},
		{text: `web = "192.0.2.7:8109"`, bad: "reverse proxy"},
		{text: `web = "ooo.example.org:8109"`, bad: "unix:/run/awayd/web.sock"},
		{text: `web = "localhost.example.org:8109"`, bad: "reverse proxy"},
		{text: `web = "127.0.0.1"`, bad: "no address"},
		{text: `web = "127.0.0.1:http"`, bad: "no port"},
		{text: `web = "127.0.0.1:0"`, bad: "no port"},
		{text: `web = "127.0.0.1:65536"`, bad: "no port"},
		{text: `web = "unix:web.sock"`, bad: "absolute"},
		{text: `web = "unix:/run/../etc/x"`, bad: "absolute"},
		{text: `web = "unix:/` + strings.Repeat("x", 107) + `"`, bad: "at most 107"},
		{text: `web = "unix:/run/awayd/web.sock"`, bad: "web_url"},
		{text: `web_url = "ooo.example.org"`, bad: "no address of a page"},
		{text: `web_url = "https:///x"`, bad: "no address of a page"},
		{text: `web_url = "https://ada@example.org/"`, bad: "no address of a page"},
		{text: `web_url = "https://example.org/?x"`, bad: "no address of a page"},
		{text: `web_url = "https://example.org/a/../b/"`, bad: "no address of a page"},
		{text: `web_url = "https://example.org/%2e/"`, bad: "no address of a page"},
		{text: `web_url = "https://example.org/a;b"`, bad: "no address of a page"},
		{text: `web_url = "http://example.org/"`, bad: "https"},
		{text: `web_url = "ftp://example.org/"`, bad: "no address of a page"},
	} {
		c, err := Parse("awayd.toml", []byte(test.text))
		if test.bad != "" {
			if err == nil || !strings.Contains(err.Error(), test.bad) {
				t.Errorf("%s: %v, want a problem with %q", test.text, err, test.bad)
			}
			continue
		}
		got := ""
		if c.WebURL != nil {
			got = c.WebURL.String()
		}
		if err != nil || c.Web != test.web || got != test.url {
			t.Errorf("%s: %+v %q %v", test.text, c.Web, got, err)
		}
	}
}
