package absence

import (
	"encoding/json"
	"testing"
	"time"
)

// TestZonesAreShared keeps thousands of objects from holding a zone each.
func TestZonesAreShared(t *testing.T) {
	var a, b DateTime
	for text, d := range map[string]*DateTime{`"Europe/Berlin:20250101T090000"`: &a, `"Europe/Berlin:20250202T090000"`: &b} {
		if err := json.Unmarshal([]byte(text), d); err != nil {
			t.Fatal(err)
		}
	}
	if a.Zone != b.Zone || a.Zone.String() != "Europe/Berlin" {
		t.Errorf("two times of one zone have %p %v and %p %v", a.Zone, a.Zone, b.Zone, b.Zone)
	}
}

func TestLoadZone(t *testing.T) {
	for _, name := range []string{"Local", "Europe/Nowhere", "../etc/passwd"} {
		if loc, err := LoadZone(name); err == nil {
			t.Errorf("LoadZone(%q) = %v", name, loc)
		}
	}
	if loc, err := LoadZone("UTC"); err != nil || loc != time.UTC {
		t.Errorf("LoadZone(UTC) = %v, %v", loc, err)
	}
	// What a stranger can make up names for is not kept.
	if _, err := LoadZone("Europe//Berlin"); err != nil {
		t.Fatal(err)
	}
	if _, kept := known.Load("Europe//Berlin"); kept {
		t.Error("Europe//Berlin is kept")
	}
}
