package page

import "testing"

func TestPage(t *testing.T) {
	p := Page{Heading: "# Title\n\nIntro.\n"}
	p.Set("First", "One.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- a\n- list\n")
	p.Set("Second", "Two.\n")
	text := p.String()
	again := Read(text)
	if got := again.String(); got != text {
		t.Errorf("read and written it is %q, not %q", got, text)
	}
	again.Set("First", "Anew.\n")
	again.Set("Third", "Three.\n")
	want := "# Title\n\nIntro.\n\n## First\n\nAnew.\n\n## Second\n\nTwo.\n\n## Third\n\nThree.\n"
	if got := again.String(); got != want {
		t.Errorf("with a section set it is %q, not %q", got, want)
	}
}
