package xmppout

import (
	"context"
	"strconv"
	"strings"

	"awayd/sync/finding"
)

// What is known of servers by their name and version (XEP-0092), because it can
// neither be asked for nor tried without contacts noticing. awayd does what is
// right on both kinds of server; this is for people who wonder.

// A trait is what a kind of server does: yes, no, or not known.
type trait string

const (
	yes     trait = "yes"
	no      trait = "no"
	unknown trait = "unknown"
)

// Kinds of server that awayd can give advice for.
const (
	prosody  = "prosody"
	ejabberd = "ejabberd"
)

func (v softwareVersion) kind() string {
	switch name := strings.ToLower(v.Name); name {
	case prosody, ejabberd:
		return name
	}
	return ""
}

// traits returns whether the server tells contacts of retractions, and whether
// it tells them anything only through an available resource of the person's.
func (v softwareVersion) traits() (retracts, needsPresence trait) {
	switch v.kind() {
	case prosody:
		return yes, no
	case ejabberd:
		year, month, ok := release(v.Version)
		switch {
		case !ok:
			return unknown, yes
		case year < 24 || year == 24 && month < 12:
			return no, yes
		}
		return yes, yes
	}
	return unknown, unknown
}

// release reads a version such as 24.12 or 24.12-2~bpo12+1 as a year and a
// month.
func release(version string) (year, month int, ok bool) {
	first, rest, found := strings.Cut(version, ".")
	second := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		second = rest[:i]
	}
	year, err := strconv.Atoi(first)
	month, err2 := strconv.Atoi(second)
	return year, month, found && err == nil && err2 == nil && year >= 0
}

// habits tells what is assumed of the server.
func (x *examination) habits(context.Context) error {
	retracts, needs := x.server.traits()
	x.note(finding.Good("retractions", "%s", map[trait]string{
		yes:     "assumed from name and version: contacts are told when the message is removed",
		no:      "assumed from name and version: contacts are not told when the message is removed, so awayd publishes its end first",
		unknown: "nothing is assumed of this server: awayd publishes the end of a message, then removes it",
	}[retracts]))
	x.note(finding.Good("own presence", "%s", map[trait]string{
		yes:     "assumed from name and version: contacts are told only while the person is available, which awayd sees to",
		no:      "assumed from name and version: contacts are told whether or not the person is available",
		unknown: "nothing is assumed of this server: awayd makes the person available while contacts are to be told",
	}[needs]))
	return nil
}

// Advice for those who run the server.

func (v softwareVersion) enablePEP() string {
	switch v.kind() {
	case prosody:
		return `add "pep" to modules_enabled of the virtual host (and take it out of modules_disabled) in prosody.cfg.lua, then restart Prosody`
	case ejabberd:
		return "have mod_pubsub with plugins: [flat, pep], and mod_caps, among the modules in ejabberd.yml, then restart ejabberd"
	}
	return "ask the server's administrator to enable PEP (XEP-0163)"
}

func (v softwareVersion) enablePublishOptions() string {
	switch v.kind() {
	case prosody:
		return "upgrade Prosody to 0.11 or later, whose own mod_pep has publish-options"
	case ejabberd:
		return "upgrade ejabberd to 18.01 or later, whose mod_pubsub has publish-options"
	}
	return "ask the server's administrator for publish-options (XEP-0060 §7.1.5)"
}

func (v softwareVersion) unpinAccess() string {
	if v.kind() == ejabberd {
		return "take access_model out of what force_node_config of mod_pubsub in ejabberd.yml says of " + nodeName
	}
	return "ask the server's administrator to let accounts choose the access model of " + nodeName + " (XEP-0060 §8.2)"
}
