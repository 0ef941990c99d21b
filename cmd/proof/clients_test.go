package main

import "testing"

// Profanity shows Ada's message during her vacation, and not before or after.
func TestClientShowsTheMessageDuringTheVacationOnly(t *testing.T) {
	t.Parallel()
	page, err := proveClients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range page.notes {
		t.Log(n)
	}
}

// What is to be noticed on a screen is noticed.
func TestViewCheck(t *testing.T) {
	const away, offline = "ada is xa, \"On vacation. Anna\n", "ada is offline\n"
	for name, c := range map[string]struct {
		view view
		ok   bool
	}{
		"right":          {view{offline, away, offline}, true},
		"early":          {view{away, away, offline}, false},
		"not shown":      {view{offline, offline, offline}, false},
		"without a text": {view{offline, "ada is xa\n", offline}, false},
		"stale":          {view{offline, away, away}, false},
		"still away":     {view{offline, away, "ada is xa\n"}, false},
	} {
		if err := c.view.check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
