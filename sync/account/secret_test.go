package account

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestShortURL(t *testing.T) {
	for u, want := range map[string]string{
		"https://dav.example.org/cal/ada/":         "https://dav.example.org/…",
		"webcals://u:hush@example.org/hush?k=hush": "webcals://example.org/…",
		"file:///srv/calendars/ada.ics":            "file:///srv/calendars/ada.ics",
		"file:hush":                                hidden,
		"mailto:hush@example.org":                  hidden,
		"hush":                                     hidden,
		"https://%zz/hush":                         hidden,
		"":                                         hidden,
	} {
		if got := ShortURL(NewSecret(u)); got != want {
			t.Errorf("%s: %s", u, got)
		}
	}
}

func TestSecretIsNotShown(t *testing.T) {
	s := struct{ Password Secret }{NewSecret("hush")}
	text, err := json.Marshal(s)
	if err != nil || strings.Contains(fmt.Sprintf("%s %v %+v %#v %s", s, s, s, s, text), "hush") {
		t.Errorf("%s %v %#v %s", s, s, s, text)
	}
}
