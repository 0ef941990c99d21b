package explore

import (
	"strings"

	"awayd/sync/plan"
)

// A Run is one exploration to make.
type Run struct {
	Setting
	Disturbances int
}

// Bounded are the explorations that tests make, and that mutants are held
// against, undisturbed and with one disturbance: the servers of Debian 12, and
// the switches that change what awayd does most.
func Bounded() []Run {
	var list []Run
	for _, f := range []Facts{
		Prosody012, Ejabberd2301, Ejabberd2412,
		Prosody012.but("Prosody 0.12 with presence needed", func(f *Facts) { f.NeedsPresence = true }),
		Prosody012.but("Prosody 0.12 with many items", func(f *Facts) { f.ManyItems = true }),
		Prosody012.but("Prosody 0.12 without publish-options", func(f *Facts) { f.PublishOptions = false }),
		Ejabberd2301.but("ejabberd 23.01 with many items", func(f *Facts) { f.ManyItems = true }),
	} {
		list = append(list, Run{setting(f, plan.Presence), 0})
	}
	quiet := setting(Ejabberd2301, plan.Presence)
	quiet.NoPresence = true
	list = append(list,
		Run{setting(Prosody012, Friends), 0},
		Run{setting(Prosody012.but("Prosody 0.12 without members told", func(f *Facts) { f.MembersTold = false }), Friends), 0},
		Run{setting(Ejabberd2301, Friends), 0},
		Run{setting(Ejabberd2301.but("ejabberd 23.01 that tells the owner nothing", func(f *Facts) { f.OwnerDeaf = true }), Friends), 0},
		Run{setting(Prosody012, plan.Open), 0},
		Run{quiet, 0},
		Run{setting(Prosody012, plan.Presence).then(Cancelled), 0},
		Run{setting(Ejabberd2301, plan.Presence).then(Cancelled), 0},
		Run{setting(Ejabberd2301, plan.Presence).then(Extended), 0},
		Run{setting(Prosody012, plan.Presence).then(BackToBack), 0},
		Run{setting(Prosody012, plan.Open).then(Narrowed), 0},
		Run{setting(Ejabberd2301, plan.Open).then(ToFriends), 0},
		Run{setting(Prosody012, Friends).then(ToAll), 0},
	)
	for _, run := range list {
		list = append(list, Run{run.Setting, 1})
	}
	denied := Ejabberd2301.but("ejabberd 23.01 that denies the roster", func(f *Facts) { f.RosterDenied = true })
	list = append(list, Run{setting(denied, Friends), 0})
	return append(list, duels()...)
}

// duels are explorations with more disturbances, of few kinds: what takes two
// to come to light.
func duels() []Run {
	careless := Ejabberd2301.but("ejabberd 23.01 that ignores publish-options", func(f *Facts) { f.IgnoresGuard = true })
	bare := Ejabberd2301.but("ejabberd 23.01 without publish-options", func(f *Facts) { f.PublishOptions = false })
	roomy := Ejabberd2301.but("ejabberd 23.01 with many items", func(f *Facts) { f.ManyItems = true })
	return []Run{
		{setting(Ejabberd2301, plan.Presence).among(publishesOwn, removesOwn, hides, opens), 2},
		{setting(Ejabberd2301, plan.Presence).among(opens, hides).then(Renamed), 2},
		{setting(Ejabberd2301, plan.Presence).among(hides, setsBack), 2},
		{setting(Ejabberd2301, plan.Presence).among(forgets, setsBack), 2},
		{setting(Ejabberd2301, plan.Presence).among(restarts, setsBack), 2},
		{setting(Ejabberd2301, plan.Presence).among(hides, forgetsAll), 2},
		{setting(Ejabberd2301, plan.Presence).among(shares, opens, setsBack), 2},
		{setting(Ejabberd2301, plan.Presence).among(shares, restarts).at(Short), 2}, // while the text changes
		{setting(Prosody012, plan.Presence).among(kills, fails), 2},
		{setting(Prosody012, plan.Presence).among(kills, removesOwn), 2},
		{setting(careless, plan.Presence).among(opens, hides).then(Renamed), 1},
		{setting(bare, plan.Presence).among(hides), 1},
		{setting(Prosody012, plan.Presence).among(admits).then(Renamed), 1},
		{setting(Ejabberd2301, plan.Presence).among(kills, publishesOwn, shares), 2},
		{setting(Ejabberd2301, Friends).among(deletes, arrives), 2},
		{setting(Prosody012, plan.Presence).among(kills, arrives), 2},
		{setting(roomy, plan.Presence).among(opens, publishesOwn), 2},
	}
}

// among has nothing happen but what is named, at few hours.
func (s Setting) among(names ...string) Setting {
	s.Only, s.Hours = names, Brief
	return s
}

// at has it happen at other hours.
func (s Setting) at(hours []int) Setting {
	s.Hours = hours
	return s
}

func setting(f Facts, audience plan.AccessModel) Setting {
	return Setting{Facts: f, Audience: audience, Hours: Short}
}

func (s Setting) then(p Plan) Setting {
	s.Plan = p
	return s
}

// Deep are all explorations.
func Deep() []Run {
	var list []Run
	for _, f := range []Facts{Prosody012, Ejabberd2301} {
		list = append(list, Run{setting(f, plan.Presence), 2})
	}
	for _, f := range []Facts{Prosody012, Ejabberd2301, Prosody13, Ejabberd2412} {
		for _, a := range []plan.AccessModel{plan.Presence, plan.Open, Friends} {
			list = append(list, Run{Setting{Facts: f, Audience: a, Hours: Long}, 1})
		}
	}
	for _, f := range Flipped() {
		list = append(list, Run{Setting{Facts: f, Audience: plan.Presence, Hours: Long}, 1})
	}
	return list
}

func (s Setting) String() string {
	name := s.Name + ", " + string(s.Audience)
	if s.NoPresence {
		name += ", not shown as away"
	}
	if s.Only != nil {
		name += ", only: " + strings.Join(s.Only, "; ")
	}
	if s.Plan.Name != "" {
		name += ", " + s.Plan.Name
	}
	return name
}
