package explore

import "awayd/sync/plan"

// A Run is one exploration to make.
type Run struct {
	Setting
	Disturbances int
}

// Bounded are the explorations that tests make, and that mutants are held
// against, undisturbed and with one disturbance: the servers of Debian 12, and the switches that change what awayd
// does most.
func Bounded() []Run {
	var list []Run
	for _, f := range []Facts{
		Prosody012, Ejabberd2301, Ejabberd2412,
		Prosody012.but("Prosody 0.12 with presence needed", func(f *Facts) { f.NeedsPresence = true }),
		Prosody012.but("Prosody 0.12 with many items", func(f *Facts) { f.ManyItems = true }),
		Prosody012.but("Prosody 0.12 without publish-options", func(f *Facts) { f.PublishOptions = false }),
		Ejabberd2301.but("ejabberd 23.01 with many items", func(f *Facts) { f.ManyItems = true }),
	} {
		list = append(list, Run{Setting{f, plan.Presence, Short, Plan{}}, 0})
	}
	list = append(list,
		Run{Setting{Prosody012, Friends, Short, Plan{}}, 0},
		Run{Setting{Ejabberd2301, Friends, Short, Plan{}}, 0},
		Run{Setting{Prosody012, plan.Open, Short, Plan{}}, 0},
		Run{Setting{Prosody012, plan.Presence, Short, Cancelled}, 0},
		Run{Setting{Ejabberd2301, plan.Presence, Short, Cancelled}, 0},
		Run{Setting{Ejabberd2301, plan.Presence, Short, Extended}, 0},
		Run{Setting{Prosody012, plan.Presence, Short, BackToBack}, 0},
	)
	for _, run := range list {
		list = append(list, Run{run.Setting, 1})
	}
	return list
}

// Deep are all explorations.
func Deep() []Run {
	var list []Run
	for _, f := range []Facts{Prosody012, Ejabberd2301} {
		list = append(list, Run{Setting{f, plan.Presence, Short, Plan{}}, 2})
	}
	for _, f := range []Facts{Prosody012, Ejabberd2301, Prosody13, Ejabberd2412} {
		for _, a := range []plan.AccessModel{plan.Presence, plan.Open, Friends} {
			list = append(list, Run{Setting{f, a, Long, Plan{}}, 1})
		}
	}
	for _, f := range Flipped() {
		list = append(list, Run{Setting{f, plan.Presence, Long, Plan{}}, 1})
	}
	return list
}

func (s Setting) String() string {
	name := s.Name + ", " + string(s.Audience)
	if s.Plan.Name != "" {
		name += ", " + s.Plan.Name
	}
	return name
}
