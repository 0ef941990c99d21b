package absence

import "strings"

// eventMarker begins the message that a description carries.
const eventMarker = "ooo:"

// eventMessage returns the message that the person wrote into the description of
// an event: what follows "OOO:" at the beginning of a line, up to the next empty
// line. It is a text and no template, whatever it holds; empty if there is none.
func eventMessage(description string) string {
	for rest := description; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "\n")
		first = strings.TrimSpace(first)
		if len(first) < len(eventMarker) || !strings.EqualFold(first[:len(eventMarker)], eventMarker) {
			continue
		}
		lines := []string{first[len(eventMarker):]}
		for next := range strings.SplitSeq(rest, "\n") {
			if next = strings.TrimSpace(next); next == "" {
				break
			}
			lines = append(lines, next)
		}
		return clean(strings.Join(lines, "\n"))
	}
	return ""
}
