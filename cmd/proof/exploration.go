package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"awayd/cmd/proof/explore"
)

// explorationLimit bounds one exploration. With two disturbances it takes some ten
// minutes.
const explorationLimit = 30 * time.Minute

// exploration explores every server and every flipped switch.
func exploration(ctx context.Context) (table, error) {
	t := table{
		intro: `awayd's own decisions and steps, run over a model of a server, a store and a clock, through everything that can happen
with so many disturbances on one path: the calendar is edited in ten ways, awayd is killed between any two steps or between turns, a
step fails, an answer is lost, the disk is full, the connection breaks, time passes or the clock is set back, the server restarts, loses
its last writes or all its data, a contact comes and goes, and the person's other client publishes, removes, hides, opens, deletes, or
admits a stranger. What contacts can fetch or are told is judged after each of them. A contact subscribes to the node whenever they may.`,
		head: []string{"server", "audience", "moments", "disturbances", "states", "turns of awayd", "steps", "longest path", "early", "stale", "other", "all explored"},
		notes: []string{
			"Other: shown outside the audience, the person's own item removed, the person's decision not respected, not in step with the calendar after a turn that went through, or something done twice.",
			limits,
		},
	}
	runs := explore.Deep()
	results := make([]explore.Result, len(runs))
	err := sideBySide(ctx, len(runs), explorers, func(ctx context.Context, i int) error {
		ctx, cancel := context.WithTimeout(ctx, explorationLimit)
		defer cancel()
		results[i] = explore.Explore(ctx, runs[i].Setting, runs[i].Disturbances)
		return nil
	})
	if err != nil {
		return t, err
	}
	var broken []error
	races := 0
	for _, r := range results {
		t.rows = append(t.rows, explorationRow(r))
		races += r.Races
		if r.Violation != nil {
			broken = append(broken, fmt.Errorf("%s, %s: %w\n%s", r.Name, r.Audience, r.Violation, strings.Join(r.Trace, "\n")))
		}
	}
	t.notes = append(t.notes, fmt.Sprintf("The races that nobody can win came %d times.", races))
	return t, errors.Join(broken...)
}

// limits are what the judge of the exploration excuses.
const limits = `What is excused, because no client of a server could do better:

- A race: what the person's other client publishes, whom it lets in, and who leaves the group, after awayd read it and before its
  next step, is overwritten or seen (counted below).
- A message that the person's own client makes visible early, or before awayd does and then the clock is set back, cannot be taken
  back from contacts of a server that tells no retraction; whom that client lets in and shuts out again between two looks stays subscribed on ejabberd.
- Contacts whom the person shuts out, by hiding, removing or deleting, or whom a server of the roster model does once they leave the group, learn of a changed end from nobody, and have the end that they were told.
- On a server that tells contacts only through the person's connections, who comes online while awayd's is down sees the status text and
  is not told the message again.
- A server that crashes and brings back a node without its message looks like a person who removed it, and one that brings back a node
  as it was before the audience was changed like a person who opened it.
- A server that does not show a node to its owner (ejabberd, to a group) hides what the person does there from awayd, too; where a group
  is let in as members (Prosody), a node that the person hid looks like one whose group is empty.
- What the person removed or hid may be shown again once its event is edited, the clock is set back, or they deleted the node: then
  another period, or a server that lost the node, looks the same.
- One turn may fail on a node that somebody else left behind in the middle; the next one is right.`

func explorationRow(r explore.Result) []string {
	early, stale, other := 0, 0, 0
	if v := r.Violation; v != nil {
		switch v.Kind {
		case "early", "leak":
			early++
		case "stale":
			stale++
		default:
			other++
		}
	}
	whole := "yes"
	if !r.Whole {
		whole = fmt.Sprintf("stopped after %s", explorationLimit)
	}
	return []string{
		r.Name, string(r.Audience), fmt.Sprint(len(r.Hours)), fmt.Sprint(r.Disturbances), fmt.Sprint(r.States), fmt.Sprint(r.Turns),
		fmt.Sprint(r.Steps), fmt.Sprint(r.Depth), fmt.Sprint(early), fmt.Sprint(stale), fmt.Sprint(other), whole,
	}
}
