package explore

// Facts are the points on which servers differ.
type Facts struct {
	Name string
	// RetractTells: contacts are told of a retraction with notify.
	RetractTells bool
	// NeedsPresence: contacts are told only through an available resource of the
	// owner's, and only those whose presence has reached it.
	NeedsPresence bool
	// KeepsSubscribers: who subscribed explicitly is told and may fetch even
	// after the access model shut them out, for as long as the node lives.
	KeepsSubscribers bool
	// ManyItems: a node keeps more than one item.
	ManyItems bool
	// Roster: the server has the access model roster.
	Roster bool
	// OwnerReadsRoster: under that model the owner may read the items.
	OwnerReadsRoster bool
	// OwnerDeaf: nor is the owner told of them.
	OwnerDeaf bool
	// RosterDenied: the roster cannot be read.
	RosterDenied bool
	// MembersTold: the members of a whitelist are told; else they may only fetch.
	MembersTold bool
	// PublishOptions: a publish is refused if the node has another access model
	// than the publisher thinks (XEP-0060 §7.1.5).
	PublishOptions bool
	// IgnoresGuard: it has publish-options, and publishes all the same.
	IgnoresGuard bool
	// TellsDeletion: contacts are told of the deletion of a node, even of one
	// that was hidden, unless it is told not to; else of none.
	TellsDeletion bool
	// LosesWrites: a crash undoes the last acknowledged writes.
	LosesWrites bool
}

// The servers that awayd is known to meet. Those of Debian 12 are proven by the
// probes; the newer ones differ as their sources say.
var (
	Prosody012 = Facts{
		Name: "Prosody 0.12", RetractTells: true, MembersTold: true, PublishOptions: true, TellsDeletion: true, OwnerReadsRoster: true,
	}
	Ejabberd2301 = Facts{
		Name: "ejabberd 23.01", NeedsPresence: true, KeepsSubscribers: true, Roster: true, PublishOptions: true, LosesWrites: true,
	}
	Prosody13    = Prosody012.but("Prosody 13", func(f *Facts) { f.Roster = true })
	Ejabberd2412 = Ejabberd2301.but("ejabberd 24.12", func(f *Facts) { f.RetractTells = true })
)

func (f Facts) but(name string, change func(*Facts)) Facts {
	change(&f)
	f.Name = name
	return f
}

// Flipped returns both servers of Debian 12 with each switch flipped alone.
func Flipped() []Facts {
	switches := []struct {
		name string
		at   func(*Facts) *bool
	}{
		{"retractions told", func(f *Facts) *bool { return &f.RetractTells }},
		{"presence needed", func(f *Facts) *bool { return &f.NeedsPresence }},
		{"subscribers kept", func(f *Facts) *bool { return &f.KeepsSubscribers }},
		{"many items", func(f *Facts) *bool { return &f.ManyItems }},
		{"roster model", func(f *Facts) *bool { return &f.Roster }},
		{"members told", func(f *Facts) *bool { return &f.MembersTold }},
		{"publish-options", func(f *Facts) *bool { return &f.PublishOptions }},
		{"deletion told", func(f *Facts) *bool { return &f.TellsDeletion }},
		{"owner reads roster", func(f *Facts) *bool { return &f.OwnerReadsRoster }},
		{"writes lost", func(f *Facts) *bool { return &f.LosesWrites }},
	}
	var list []Facts
	for _, base := range []Facts{Prosody012, Ejabberd2301} {
		for _, s := range switches {
			how := " without "
			if !*s.at(&base) {
				how = " with "
			}
			list = append(list, base.but(base.Name+how+s.name, func(f *Facts) { *s.at(f) = !*s.at(f) }))
		}
	}
	return list
}
