package notice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"awayd/sync/account"
)

var tuesday = time.Date(2026, 11, 24, 14, 5, 0, 0, time.UTC)

// A play is one account's troubles over time, and what was said.
type play struct {
	told []account.Notice
	said []string // "hours:minutes recipient: lines"
}

// turn is what the engine does in each of its turns.
func (p *play) turn(at time.Time, subjects []Subject) time.Time {
	p.told = Update(p.told, subjects, at)
	list, again := Due(p.told, subjects, at, time.UTC)
	for _, m := range list {
		to := map[Recipient]string{Person: "person", Keeper: "keeper"}[m.To]
		p.said = append(p.said, fmt.Sprintf("%s %s: %s", at.Sub(tuesday), to, strings.Join(m.Lines, " | ")))
		p.told = m.Delivered(p.told, at)
	}
	return again
}

func calendar(causes ...Cause) Subject {
	return Subject{Name: "calendar 1", Causes: causes, Well: "It is read again"}
}

var (
	login   = Cause{Kind: "login", What: "It has refused the login", Rest: "Link it again."}
	failing = Cause{Kind: "failing", What: "It fails", Patience: time.Hour}
)

func TestPlays(t *testing.T) {
	second := Subject{Name: "calendar 2", Causes: []Cause{failing}, Well: "The second is read again"}
	late := Subject{Name: "login", Late: true, Well: "It is logged in again", After: "See the log.", Causes: []Cause{{Kind: "refused", What: "never said"}}}
	upstairs := Subject{Name: "login upstairs", To: Keeper, Well: "Back", Causes: []Cause{{Kind: "refused", What: "The login is refused"}}}
	type scene struct {
		after    time.Duration
		subjects []Subject
	}
	at := func(after time.Duration, s ...Subject) scene { return scene{after, s} }
	well := func(s Subject) Subject { s.Causes = nil; return s }
	for name, test := range map[string]struct {
		scenes []scene
		want   []string
	}{
		"nothing": {[]scene{at(0, calendar()), at(time.Hour, calendar())}, nil},
		"at once, once, and its end": {
			[]scene{at(0, calendar(login)), at(time.Minute, calendar(login)), at(99*time.Hour, calendar(login)), at(100*time.Hour, calendar()), at(101*time.Hour, calendar())},
			[]string{"0s person: It has refused the login since Tue 24 Nov 14:05. Link it again.", "100h0m0s person: It is read again; the trouble began on Tue 24 Nov 14:05."},
		},
		"a hiccup": {[]scene{at(0, calendar(failing)), at(59*time.Minute, calendar(failing)), at(time.Hour, calendar())}, nil},
		"after an hour": {
			[]scene{at(0, calendar(failing)), at(59*time.Minute, calendar(failing)), at(time.Hour, calendar(failing))},
			[]string{"1h0m0s person: It fails since Tue 24 Nov 14:05."},
		},
		"again within the hour": {
			[]scene{at(0, calendar(failing)), at(50*time.Minute, calendar()), at(time.Hour, calendar(failing)), at(110*time.Minute, calendar(failing)), at(2*time.Hour, calendar(failing))},
			[]string{"2h0m0s person: It fails since Tue 24 Nov 15:05."},
		},
		"back within a day": {
			[]scene{at(0, calendar(login)), at(time.Hour, calendar()), at(2*time.Hour, calendar(login)), at(3*time.Hour, calendar()), at(4*time.Hour, calendar(login)), at(24*time.Hour, calendar(login)), at(25*time.Hour, calendar(login))},
			[]string{"0s person: It has refused the login since Tue 24 Nov 14:05. Link it again.", "1h0m0s person: It is read again; the trouble began on Tue 24 Nov 14:05.", "25h0m0s person: It has refused the login since Tue 24 Nov 18:05. Link it again."},
		},
		"one reason after another has one end": {
			[]scene{at(0, calendar(failing)), at(time.Hour, calendar(failing)), at(2*time.Hour, calendar(login)), at(3*time.Hour, calendar())},
			[]string{"1h0m0s person: It fails since Tue 24 Nov 14:05.", "2h0m0s person: It has refused the login since Tue 24 Nov 16:05. Link it again.", "3h0m0s person: It is read again; the trouble began on Tue 24 Nov 14:05."},
		},
		"two at once are one message": {
			[]scene{at(0, calendar(failing), well(second)), at(5*time.Minute, calendar(failing), second), at(time.Hour, calendar(failing), second), at(2*time.Hour, calendar(), well(second))},
			[]string{"1h0m0s person: It fails since Tue 24 Nov 14:05. | It fails since Tue 24 Nov 14:10.", "2h0m0s person: It is read again; the trouble began on Tue 24 Nov 14:05. | The second is read again; the trouble began on Tue 24 Nov 14:10."},
		},
		"what has only begun joins nothing": {
			[]scene{at(0, calendar(failing), well(second)), at(55*time.Minute, calendar(failing), second), at(time.Hour, calendar(failing), second)},
			[]string{"1h0m0s person: It fails since Tue 24 Nov 14:05."},
		},
		"unknown after a restart": {
			[]scene{at(0, calendar(login)), at(time.Hour, Subject{Name: "calendar 1", Unknown: true}), at(2*time.Hour, calendar(login)), at(3*time.Hour, Subject{Name: "calendar 1", Unknown: true}), at(4*time.Hour, calendar())},
			[]string{"0s person: It has refused the login since Tue 24 Nov 14:05. Link it again.", "4h0m0s person: It is read again; the trouble began on Tue 24 Nov 14:05."},
		},
		"the hour goes on through a restart": {
			[]scene{at(0, calendar(failing)), at(30*time.Minute, Subject{Name: "calendar 1", Unknown: true}), at(time.Hour, calendar(failing))},
			[]string{"1h0m0s person: It fails since Tue 24 Nov 14:05."},
		},
		"no longer linked": {
			[]scene{at(0, calendar(login)), at(time.Hour), at(2*time.Hour, calendar())},
			[]string{"0s person: It has refused the login since Tue 24 Nov 14:05. Link it again."},
		},
		"late, and upstairs meanwhile": {
			[]scene{at(0, late, upstairs), at(time.Hour, late, upstairs), at(2*time.Hour, well(late), well(upstairs)), at(3*time.Hour, well(late), well(upstairs))},
			[]string{"0s keeper: The login is refused since Tue 24 Nov 14:05.", "2h0m0s person: It is logged in again; the trouble began on Tue 24 Nov 14:05. See the log.", "2h0m0s keeper: Back; the trouble began on Tue 24 Nov 14:05."},
		},
		"another year": {
			[]scene{at(0, calendar(failing)), at(50*24*time.Hour, calendar(failing))},
			[]string{"1200h0m0s person: It fails since Tue 24 Nov 2026 14:05."},
		},
		"the clock had been years ahead": {
			[]scene{at(20000*time.Hour, calendar(login)), at(0, calendar(login)), at(time.Hour, calendar()), at(2*time.Hour, calendar(login)), at(25*time.Hour, calendar(login))},
			[]string{"20000h0m0s person: It has refused the login since Tue 6 Mar 22:05. Link it again.", "1h0m0s person: It is read again; the trouble began on Tue 24 Nov 14:05.", "25h0m0s person: It has refused the login since Tue 24 Nov 16:05. Link it again."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p play
			for _, s := range test.scenes {
				p.turn(tuesday.Add(s.after), s.subjects)
			}
			if diff := cmp.Diff(test.want, p.said); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is at stake soon is told sooner, but not what has only just begun.
func TestHurry(t *testing.T) {
	for _, test := range []struct{ by, want time.Duration }{
		{-time.Hour, Early}, {0, Early}, {20 * time.Minute, 20 * time.Minute}, {2 * time.Hour, time.Hour},
	} {
		c := failing
		c.By = tuesday.Add(test.by)
		var p play
		again := p.turn(tuesday, []Subject{calendar(c)})
		if got := again.Sub(tuesday); got != test.want {
			t.Errorf("by %s: told after %s, want %s", test.by, got, test.want)
		}
		p.turn(again.Add(-time.Second), []Subject{calendar(c)})
		if len(p.said) > 0 {
			t.Errorf("by %s: told before: %v", test.by, p.said)
		}
		if p.turn(again, []Subject{calendar(c)}); len(p.said) != 1 {
			t.Errorf("by %s: not told", test.by)
		}
	}
}

// A message that is on its way while things change is not forgotten.
func TestDeliveredLate(t *testing.T) {
	ill, well := []Subject{calendar(login)}, []Subject{calendar()}
	told := Update(nil, ill, tuesday)
	list, _ := Due(told, ill, tuesday, time.UTC)
	told = Update(told, well, tuesday.Add(time.Second))
	told = list[0].Delivered(told, tuesday.Add(time.Second))
	list, _ = Due(Update(told, well, tuesday.Add(time.Minute)), well, tuesday.Add(time.Minute), time.UTC)
	if len(list) != 1 || list[0].Text() != "awayd: It is read again; the trouble began on Tue 24 Nov 14:05." {
		t.Errorf("said %+v", list)
	}
}

func TestDay(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for at, want := range map[time.Time]string{
		time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC): "Mon 30 Nov",
		time.Date(2026, 11, 30, 8, 30, 0, 0, time.UTC): "Mon 30 Nov 09:30",
		time.Date(2027, 1, 3, 23, 0, 0, 0, time.UTC):   "Mon 4 Jan 2027",
	} {
		if got := Day(at, tuesday, berlin); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
}

// Whatever comes and goes: few messages, none for what was not there, an end for
// what was told, and no silence about what lasts.
func TestNeverTooMuchNeverSilent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p play
		var sent []time.Time
		since := map[string]time.Time{}
		said := map[string]time.Time{} // that it began or ended
		open := map[string]bool{}
		now := tuesday
		for range rapid.IntRange(1, 60).Draw(t, "turns") {
			now = now.Add(rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Minute, time.Hour, 7 * time.Hour, 30 * time.Hour}).Draw(t, "pause"))
			var subjects []Subject
			for n := range 5 {
				s := Subject{Name: fmt.Sprint("s", n), Well: fmt.Sprint("well ", n)}
				for _, kind := range []string{"a", "b"} {
					key := s.Name + "/" + kind
					if rapid.IntRange(0, 2).Draw(t, key) > 0 {
						s.Causes = append(s.Causes, Cause{Kind: kind, What: "ill " + key, Patience: rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "patience of "+key)})
						if since[key].IsZero() {
							since[key] = now
						}
					} else {
						delete(since, key)
					}
				}
				subjects = append(subjects, s)
			}
			p.said = nil
			again := p.turn(now, subjects)
			if len(p.said) > 1 {
				t.Fatalf("%d messages in one turn", len(p.said))
			}
			for _, text := range p.said {
				sent = append(sent, now)
				for line := range strings.SplitSeq(strings.SplitN(text, ": ", 2)[1], " | ") {
					var key string
					if _, err := fmt.Sscanf(line, "ill %s", &key); err == nil {
						if since[key].IsZero() || open[key] || (!said[key].IsZero() && now.Sub(said[key]) < Quiet-Early) {
							t.Fatalf("%s said at %s: holds since %s, said %s, open %t", key, now, since[key], said[key], open[key])
						}
						said[key], open[key] = now, true
						continue
					}
					var n int
					if _, err := fmt.Sscanf(line, "well %d", &n); err != nil {
						t.Fatal(line)
					}
					a, b := fmt.Sprintf("s%d/a", n), fmt.Sprintf("s%d/b", n)
					if (!open[a] && !open[b]) || len(subjects[n].Causes) > 0 {
						t.Fatalf("the end of nothing: %s", line)
					}
					for _, key := range []string{a, b} {
						if open[key] {
							open[key], said[key] = false, now
						}
					}
				}
			}
			day := slices.DeleteFunc(slices.Clone(sent), func(at time.Time) bool { return now.Sub(at) >= Quiet })
			if len(day) > MaxDaily {
				t.Fatalf("%d messages within a day", len(day))
			}
			if !again.IsZero() && !again.After(now) {
				t.Fatalf("again at %s, which is not later than %s", again, now)
			}
			// Nothing that lasts goes unsaid, unless too much was said already.
			for key, begin := range since {
				if now.Sub(begin) > 2*time.Hour && !open[key] && len(day) < MaxDaily && now.Sub(said[key]) >= Quiet {
					t.Fatalf("%s holds since %s and was not told", key, begin)
				}
			}
		}
	})
}
