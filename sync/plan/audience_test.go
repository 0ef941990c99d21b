package plan

import (
	"strings"
	"testing"
)

func TestParseAudience(t *testing.T) {
	for s, good := range map[string]bool{
		"presence": true, "open": true, "group:Work": true, "group:My Friends & <co>": true, "group: x": true,
		"": false, "whitelist": false, "roster": false, "group": false, "group:": false, "group:  ": false,
		"group:a\nb": false, "group:\xff": false, "Presence": false, "group:" + strings.Repeat("x", 2000): false,
	} {
		m, err := ParseAudience(s)
		if (err == nil) != good || (good && string(m) != s) {
			t.Errorf("%q: %q, %v", s, m, err)
		}
	}
	if name, ok := AccessModel("group:My Friends").Group(); !ok || name != "My Friends" {
		t.Errorf("group is %q, %t", name, ok)
	}
}

func TestStatusKeepsToAudience(t *testing.T) {
	p := NewPayload(at(0), at(1), "secret")
	if s := Group("Work").Status(p); s != "" {
		t.Errorf("all contacts are told %q, which is for a group", s)
	}
	if s := Presence.Status(p); s != "secret" {
		t.Errorf("status is %q", s)
	}
}

func TestCircleWarning(t *testing.T) {
	if w := (Circle{Contacts: 1}).Warning(Group("Work")); w != "" {
		t.Errorf("warned of %s", w)
	}
	if w := (Circle{Others: []string{"Family"}}).Warning(Group("Work")); !strings.Contains(w, `"Work"`) || !strings.Contains(w, `"Family"`) {
		t.Errorf("warning is %s", w)
	}
}
