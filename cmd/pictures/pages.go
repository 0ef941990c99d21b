package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// An excerpt in a page is a block of text behind a comment that names it. What
// stands in the block is what was seen when this program ran last.
var excerpt = regexp.MustCompile("(?m)^<!-- seen: ([a-z-]+) -->\n```[a-z]*\n((?s:.*?)\n)??```$")

// fill puts what was seen into the pages.
func fill(root string, seen map[string]string) error {
	for _, page := range pages {
		file := filepath.Join(root, page)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		page, err := fillPage(string(text), seen)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func fillPage(page string, seen map[string]string) (string, error) {
	var missing []error
	page = excerpt.ReplaceAllStringFunc(page, func(block string) string {
		name := excerpt.FindStringSubmatch(block)[1]
		text, ok := seen[name]
		if !ok {
			missing = append(missing, fmt.Errorf("nobody has seen %q", name))
			return block
		}
		return "<!-- seen: " + name + " -->\n```\n" + strings.TrimRight(text, "\n") + "\n```"
	})
	return page, errors.Join(missing...)
}
