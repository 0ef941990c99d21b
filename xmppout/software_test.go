package xmppout

import (
	"strings"
	"testing"
)

func TestTraits(t *testing.T) {
	for _, test := range []struct {
		name, version   string
		retracts, needs trait
	}{
		{"Prosody", "0.12.3", yes, no},
		{"Prosody", "13.0.1", yes, no},
		{"Prosody", "trunk nightly build 1900", yes, no},
		{"prosody", "", yes, no},
		{"ejabberd", "23.01-1", no, yes},
		{"ejabberd", "18.06", no, yes},
		{"ejabberd", "24.10", no, yes},
		{"ejabberd", "24.12", yes, yes},
		{"ejabberd", "24.12-2~bpo12+1", yes, yes},
		{"ejabberd", "25.03.0", yes, yes},
		{"ejabberd", "", unknown, yes},
		{"ejabberd", "unknown", unknown, yes},
		{"ejabberd", "24.", unknown, yes},
		{"ejabberd", "-1.5", unknown, yes},
		{"Openfire", "4.8.0", unknown, unknown},
		{"Prosody-like", "0.12", unknown, unknown},
		{"", "", unknown, unknown},
	} {
		v := softwareVersion{Name: test.name, Version: test.version}
		if retracts, needs := v.traits(); retracts != test.retracts || needs != test.needs {
			t.Errorf("%s: retracts %s, needs presence %s; want %s, %s", v, retracts, needs, test.retracts, test.needs)
		}
	}
}

// Advice names what an administrator of that server can search for.
func TestAdvice(t *testing.T) {
	for name, wants := range map[string][3]string{
		"Prosody":  {"modules_enabled", "0.11", nodeName},
		"ejabberd": {"plugins: [flat, pep]", "18.01", "force_node_config"},
		"Openfire": {"XEP-0163", "publish-options", "XEP-0060 §8.2"},
	} {
		v := softwareVersion{Name: name}
		for i, advice := range []string{v.enablePEP(), v.enablePublishOptions(), v.unpinAccess()} {
			if !strings.Contains(advice, wants[i]) {
				t.Errorf("%s: %q is not in %q", name, wants[i], advice)
			}
		}
	}
}
