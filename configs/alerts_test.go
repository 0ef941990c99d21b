package configs

import (
	"os"
	"regexp"
	"testing"
)

// TestAlerts has promtool play what the alerts are for, and what they are not
// for.
func TestAlerts(t *testing.T) {
	t.Parallel()
	run(t, "promtool", "check", "rules", "awayd.rules.yml")
	run(t, "promtool", "test", "rules", "awayd.rules.test.yml")
}

// TestAlertsAreTried demands a test of every alert.
func TestAlertsAreTried(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("awayd.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("awayd.rules.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllSubmatch(rules, -1)
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	for _, a := range alerts {
		if !regexp.MustCompile(`alertname: ` + string(a[1]) + `\n +exp_alerts:`).Match(tests) {
			t.Errorf("%s is never tried", a[1])
		}
	}
}
