package absence

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestBuiltinMessages holds the words of every language, in a golden file.
func TestBuiltinMessages(t *testing.T) {
	var b strings.Builder
	for _, lang := range Languages() {
		b.WriteString(lang + "\n")
		for _, c := range []struct{ event, delegate string }{
			{"20250707 20250719", ""},
			{"20250707 20250719", "anna@example.org"},
			{"20250704 20250705", ""},
			{"20251222 20260107", ""},
			{"20250718T090000 20250718T180000", ""},
			{"20250718T090000 20250721T150000", ""},
		} {
			s := Defaults()
			s.Zone, s.Lang, s.Delegate = in("Europe/Berlin"), lang, c.delegate
			r := Build([]Calendar{every(c.event + " Secret")}, s, at("20250101").Wall, at("20260201").Wall)
			if len(r.Errors) > 0 {
				t.Fatal(lang, r.Errors)
			}
			b.WriteString("  " + r.Timeline.Periods[0].Texts[0].Message + "\n")
		}
		if err := CheckMessage("", lang); err != nil {
			t.Error(err)
		}
		l, _ := findLanguage(lang)
		if err := CheckMessage(l.text, lang); err != nil {
			t.Error(err)
		}
	}
	golden := filepath.Join("testdata", "messages.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if strings.Contains(b.String(), "Secret") {
		t.Error("a built-in message tells the title")
	}
}

// TestMoments holds how a period's ends are said.
func TestMoments(t *testing.T) {
	const b = "Europe/Berlin:"
	for _, c := range []struct{ name, event, want string }{
		{"all day, over a weekend", "20250707 20250719", "Monday, 7 July|Friday, 18 July|Monday, 21 July|Saturday, 19 July, 00:00"},
		{"exclusive end on a working day", "20250718 20250721", "Friday, 18 July|Sunday, 20 July|Monday, 21 July|Monday, 21 July, 00:00"},
		{"one day", "20250715 20250716", "Tuesday, 15 July|Tuesday, 15 July|Wednesday, 16 July|Wednesday, 16 July, 00:00"},
		{"hours of a day", b + "20250715T090000 " + b + "20250715T150000", "Tuesday, 15 July, 09:00|Tuesday, 15 July, 15:00|Tuesday, 15 July, 15:00|Tuesday, 15 July, 15:00"},
		{"hours until work ends", b + "20250715T090000 " + b + "20250715T180000", "Tuesday, 15 July, 09:00|Tuesday, 15 July, 18:00|Wednesday, 16 July|Tuesday, 15 July, 18:00"},
		{"ends in an afternoon", b + "20250714T080000 " + b + "20250716T150000", "Monday, 14 July|Wednesday, 16 July, 15:00|Wednesday, 16 July, 15:00|Wednesday, 16 July, 15:00"},
		{"ends as work ends", b + "20250714T120000 " + b + "20250716T180000", "Monday, 14 July, 12:00|Wednesday, 16 July|Thursday, 17 July|Wednesday, 16 July, 18:00"},
		{"ends before midnight", b + "20250714T000000 " + b + "20250718T235900", "Monday, 14 July|Friday, 18 July|Monday, 21 July|Friday, 18 July, 23:59"},
		{"ends before work begins", b + "20250717T180000 " + b + "20250721T070000", "Thursday, 17 July, 18:00|Sunday, 20 July|Monday, 21 July|Monday, 21 July, 07:00"},
		{"ends as work begins", b + "20250717T180000 " + b + "20250721T080000", "Thursday, 17 July, 18:00|Sunday, 20 July|Monday, 21 July|Monday, 21 July, 08:00"},
		{"midnights that are times", b + "20250707T000000 " + b + "20250719T000000", "Monday, 7 July|Friday, 18 July|Monday, 21 July|Saturday, 19 July, 00:00"},
		{"two years", "20251222 20260107", "Monday, 22 December 2025|Tuesday, 6 January 2026|Wednesday, 7 January 2026|Wednesday, 7 January 2026, 00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Defaults()
			s.Zone, s.Message = in("Europe/Berlin"), "{{.Start}}|{{.Until}}|{{.Return}}|{{.End}}"
			r := Build([]Calendar{every(c.event)}, s, at("20250101").Wall, at("20260201").Wall)
			if got := r.Timeline.Periods[0].Texts[0].Message; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	s := Defaults()
	s.WorkDays, s.Message = [7]bool{}, "{{.Until}}|{{.Return}}"
	r := Build([]Calendar{every("20250707T080000Z 20250708T150000Z")}, s, at("20250101").Wall, at("20260201").Wall)
	if got, want := r.Timeline.Periods[0].Texts[0].Message, "Tuesday, 8 July, 15:00|Tuesday, 8 July, 15:00"; got != want {
		t.Errorf("without working days: %s, want %s", got, want)
	}
}

// The text is that of the absence that holds; through a gap it stays.
func TestTextsOfAMergedPeriod(t *testing.T) {
	c := every("20250707 20250712 Vacation", "20250709 20250710 Wedding", "20250714 20250715 Course", "20250714 20250719 Retreat", "20250719 20250721 Retreat")
	hidden := every("20250721 20250722 Doctor")
	hidden.Objects[0].Events[0].Private = true
	s := Defaults()
	s.Message = "{{.Summary}} until {{.Until}}"
	r := Build([]Calendar{c, hidden}, s, at("20250701").Wall, at("20250801").Wall)
	if len(r.Timeline.Periods) != 1 {
		t.Fatal(periodsOf(r))
	}
	var got []string
	for _, x := range r.Timeline.Periods[0].Texts {
		got = append(got, x.From.Format("02 ")+x.Message)
	}
	want := []string{
		"07 Vacation until Monday, 21 July", "09 Wedding until Monday, 21 July", "10 Vacation until Monday, 21 July",
		"14 Course until Monday, 21 July", "15 Retreat until Monday, 21 July", "21 until Monday, 21 July",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestCheckMessage(t *testing.T) {
	for _, c := range []struct{ tmpl, lang, fault string }{
		{"", "", ""},
		{"Back on {{.Return}}.", "de", ""},
		{"Back on {{.Return}}.", "de-CH", ""},
		{"{{with .Delegate}}Ask {{.}} until {{$.Return}}.{{else}}Away.{{end}}", "pt_BR.UTF-8", ""},
		{"{{if and .Summary (ne .Until .Return)}}{{.Summary}}{{else if .Delegate}}x{{end}}", "no", ""},
		{"{{- /* a note */ -}} away", "", ""},
		{"x", "xx", "unknown language \"xx\"; there are cs,"},
		{"{{.Retrun}}", "", "unknown field .Retrun; there are .Start, .End"},
		{"{{.Start.Year}}", "", "unknown field .Start.Year"},
		{"{{$.Nothing}}", "", "unknown field .Nothing"},
		{"{{.}}", "", "alone"},
		{"{{with .Delegate}}{{.Start}}{{end}}", "", "$.Start"},
		{"{{", "", "unclosed action"},
		{"{{if .Start}}", "", "unexpected EOF"},
		{"{{frob}}", "", "frob"},
		{"{{range 1000000000}}{{end}}", "", "not supported"},
		{"{{printf \"%1000000000d\" 1}}", "", "function printf is not supported"},
		{"{{len .Start}}", "", "function len"},
		{"{{$x := .Start}}{{$x}}", "", "variables"},
		{"{{define \"x\"}}{{end}}x", "", "define"},
		{"{{template \"x\"}}", "", "template"},
		{"{{block \"x\" .}}{{end}}", "", "define"},
		{"{{eq .Start 1}}", "", "incompatible types"},
		{"{{eq}}", "", "eq"},
		{"{{(.Start).Year}}", "", "not supported"},
		{" \n", "", "says nothing"},
		{"{{/* nothing */}}", "", "says nothing"},
		{"{{if not .Start}}x{{end}}", "", "says nothing"},
		{strings.Repeat("x", 5000), "", "longer than"},
	} {
		err := CheckMessage(c.tmpl, c.lang)
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%.60q: got %v, want something about %q", c.tmpl, err, c.fault)
		}
	}
}

func TestMessageIsBounded(t *testing.T) {
	c := every("20250707 20250712 x")
	c.Objects[0].Events[0].Description = strings.Repeat("ü", 10_000)
	s := Defaults()
	s.Message = strings.Repeat("{{.Description}}", 100)
	got := Build([]Calendar{c}, s, at("20250701").Wall, at("20250801").Wall).Timeline.Periods[0].Texts[0].Message
	if len(got) > maxMessage+len("…") || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-10:])
	}
}

func TestMessageIsFitForXML(t *testing.T) {
	c := every("20250707 20250712 x")
	c.Objects[0].Events[0].Summary = "a\x00b\x1b[31m\xff\uFFFE\nc\u0085"
	s := Defaults()
	s.Message = " {{.Summary}} "
	got := Build([]Calendar{c}, s, at("20250701").Wall, at("20250801").Wall).Timeline.Periods[0].Texts[0].Message
	if want := "ab[31m\uFFFD\nc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A template that fails or says nothing leaves the person with the built-in
// message, not without one.
func TestMessageFallsBack(t *testing.T) {
	for _, c := range []struct {
		message, lang string
		errors        int
	}{{"{{.Nope}}", "", 1}, {"{{if eq .Summary \"x\"}}{{eq .Start 1}}{{end}}", "", 1}, {"{{.Description}}", "", 0}, {"", "xx", 1}} {
		s := Defaults()
		s.Message, s.Lang = c.message, c.lang
		r := Build([]Calendar{every("20250707 20250709 x")}, s, at("20250701").Wall, at("20250801").Wall)
		if got, want := r.Timeline.Periods[0].Texts[0].Message, "I am away until Tuesday, 8 July and back on Wednesday, 9 July."; got != want {
			t.Errorf("%q: got %q", c.message, got)
		}
		if len(r.Errors) != c.errors {
			t.Errorf("%q: errors %v", c.message, r.Errors)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"Back {{.Return}}", "{{with .Delegate}}{{.}}{{else}}{{.Until}}{{end}}", "{{range 9}}{{end}}", "{{((((1))))}}", "{{if and .Start .End}}x{{end}}"} {
		f.Add(s, "Holiday")
	}
	f.Fuzz(func(t *testing.T, tmpl, summary string) {
		s := Defaults()
		s.Message = tmpl
		began := time.Now()
		r := Build([]Calendar{every("20250707 20250709 " + strings.ReplaceAll(summary, " ", ""))}, s, at("20250701").Wall, at("20250801").Wall)
		got := r.Timeline.Periods[0].Texts[0].Message
		if got == "" || len(got) > maxMessage+len("…") || !utf8.ValidString(got) {
			t.Errorf("%q", got)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
		if CheckMessage(tmpl, "") == nil && len(r.Errors) > 1 {
			t.Error(r.Errors)
		}
	})
}
