package crowd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Start is what TestStart found.
type Start struct {
	Accounts, Live int
	Flips          []time.Duration // from opening the state to the first overdue flip
	All            []time.Duration // until every account was looked after
	Each           []float64       // bytes on heap and stacks for each account, then
	Stacks         []float64       // of these, stacks
	Settled        float64         // the same after each was polled and looked at; 0: not measured
}

// Year is what TestYear found.
type Year struct {
	People, Days                int
	Poll                        string
	Took                        time.Duration // of real time
	Polls, Logins, Flips        int
	Early                       int
	Late                        time.Duration
	LogMiddle, LogEnd           int64 // entries, in the middle and at the end
	DatabaseMiddle, DatabaseEnd int64 // bytes
}

// mark leads the line that has the figures.
const mark = "figures: "

// tell writes figures for those who run the tests, however quiet these are.
func tell(figures any) error {
	text, err := json.Marshal(figures)
	if err != nil {
		return fmt.Errorf("tell figures: %w", err)
	}
	_, err = fmt.Printf("%s%s\n", mark, text)
	return err
}

// Read finds the figures in what a test has printed.
func Read(output []byte, figures any) error {
	for line := range bytes.Lines(output) {
		if text, ok := bytes.CutPrefix(line, []byte(mark)); ok {
			if err := json.Unmarshal(text, figures); err != nil {
				return fmt.Errorf("read figures: %w", err)
			}
			return nil
		}
	}
	return errors.New("read figures: the test printed none")
}
