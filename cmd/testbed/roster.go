package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Acquaint makes one person and many others contacts of each other, where
// [Befriend] would log each of them in. It is for Prosody alone, whose rosters are
// files that it reads at a login, and for people who have not logged in yet. What
// was in their rosters is lost.
func (x *XMPP) Acquaint(one Person, others []Person) error {
	if x.Kind != Prosody {
		return fmt.Errorf("write rosters: %s keeps them where only it can write: %w", x.Kind, errors.ErrUnsupported)
	}
	dir := filepath.Join(x.dir, "data", prosodyFileName(x.Domain), "roster")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder of rosters: %w", err)
	}
	write := func(of Person, list []Person) error {
		var b strings.Builder
		b.WriteString("return {\n\t[false] = { [\"version\"] = 1; [\"pending\"] = {}; };\n")
		for _, p := range list {
			fmt.Fprintf(&b, "\t[%q] = { [\"subscription\"] = \"both\"; [\"groups\"] = {}; };\n", p.JID)
		}
		b.WriteString("};\n")
		if err := os.WriteFile(filepath.Join(dir, prosodyFileName(of.User)+".dat"), []byte(b.String()), 0o600); err != nil {
			return fmt.Errorf("write roster of %s: %w", of.User, err)
		}
		return nil
	}
	for _, p := range others {
		if err := write(p, []Person{one}); err != nil {
			return err
		}
	}
	return write(one, others)
}
