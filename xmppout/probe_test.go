package xmppout

import (
	"errors"
	"testing"
	"testing/synctest"
)

// What a server refuses for the moment is asked for again, a few times; a
// refusal that stands and a broken connection are not.
func TestInsist(t *testing.T) {
	busy := &StanzaError{Type: "wait", Condition: "internal-server-error"}
	never := &StanzaError{Type: "cancel", Condition: "not-allowed"}
	broken := errors.New("connection reset")
	type answer struct {
		refused *StanzaError
		err     error
	}
	for name, test := range map[string]struct {
		answers []answer
		want    answer
	}{
		"granted":            {[]answer{{}}, answer{}},
		"refused":            {[]answer{{refused: never}}, answer{refused: never}},
		"broken":             {[]answer{{err: broken}}, answer{err: broken}},
		"granted in the end": {[]answer{{refused: busy}, {refused: busy}, {}}, answer{}},
		"refused in the end": {[]answer{{refused: busy}, {refused: never}}, answer{refused: never}},
		"broken in the end":  {[]answer{{refused: busy}, {err: broken}}, answer{err: broken}},
		"busy all the time":  {[]answer{{refused: busy}, {refused: busy}, {refused: busy}}, answer{refused: busy}},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			refused, err := insist(func() (*StanzaError, error) {
				a := test.answers[asked]
				asked++
				return a.refused, a.err
			})
			if refused != test.want.refused || !errors.Is(err, test.want.err) || asked != len(test.answers) {
				t.Errorf("%s: %v and %v after %d requests, want %v", name, refused, err, asked, test.want)
			}
		})
	}
}
