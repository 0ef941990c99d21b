package configs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a tool and returns what it printed on each side.
func run(t *testing.T, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing. Try: make servers", name)
	}
	cmd := exec.Command(name, args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), complaints.String())
	}
	return out.String(), complaints.String()
}

// TestUnitVerifies checks a copy of the unit whose program is there.
func TestUnitVerifies(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("awayd.service")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A drop-in that the manual names must not break either.
	text := strings.Replace(string(unit), "ExecStart=/usr/bin/awayd ", "ExecStart="+program+" ", 1)
	text = strings.ReplaceAll(text, "#LoadCredential", "LoadCredential")
	if !strings.Contains(text, program) || strings.Contains(text, "#LoadCredential") {
		t.Fatal("the unit has no ExecStart or no LoadCredential to replace")
	}
	file := filepath.Join(t.TempDir(), "awayd.service")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	// It exits 0 on a directive it does not know, and only warns.
	if _, complaints := run(t, "systemd-analyze", "verify", file); complaints != "" {
		t.Errorf("systemd-analyze verify: %s", complaints)
	}
}

func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	run(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", "awayd.service")
}

// TestUnitRestarts holds the unit to the exit codes of the command line.
func TestUnitRestarts(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("awayd.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"Type=notify", "WatchdogSec=1min", "Restart=on-failure", "RestartPreventExitStatus=2",
		"User=awayd", "Group=awayd", "StateDirectory=awayd", "StateDirectoryMode=0750",
	} {
		if !strings.Contains(string(unit), "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
}

// TestSysusers makes the user in an empty root.
func TestSysusers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs("awayd.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	run(t, "systemd-sysusers", "--root="+root, file)
	passwd, err := os.ReadFile(filepath.Join(root, "etc", "passwd"))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(strings.TrimSpace(string(passwd)), ":")
	if len(fields) != 7 || fields[0] != "awayd" || fields[5] != "/var/lib/awayd" || fields[6] != "/usr/sbin/nologin" {
		t.Errorf("passwd: %s", passwd)
	}
	group, err := os.ReadFile(filepath.Join(root, "etc", "group"))
	if err != nil || !strings.HasPrefix(string(group), "awayd:") {
		t.Errorf("group: %s, %v", group, err)
	}
}
