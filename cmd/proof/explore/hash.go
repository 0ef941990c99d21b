package explore

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"awayd/sync/plan"
)

var seed = maphash.MakeSeed()

// hash identifies a state: two with the same hash have the same future. What
// awayd has in memory follows from the journal and from what it saw last. Two
// in ten million states share a hash of 64 bits with a chance of one in a
// hundred thousand.
func (s *state) hash() uint64 {
	var e encoder
	e.buffer = e.room[:0]
	e.number(s.hour, int(s.cal.first), int(s.cal.second), int(s.reached), int(s.online), int(s.missed), s.looked, int(s.lived), int(s.friends), int(s.former))
	e.text(string(s.reach))
	e.flags(s.connected, s.available, s.phone, s.settled, s.running, s.doubt, s.due, s.retry, s.acted, s.turn == s.widened)
	e.number(int(s.theirs.Unix()), int(s.forgone.Unix()), s.failed)
	e.text(s.status)
	e.node(s.node)
	e.number(len(s.recent))
	for _, n := range s.recent {
		e.node(n)
	}
	for _, h := range s.held {
		e.text(h.id)
		if h.id != "" {
			e.payload(h.p)
			e.flags(h.bared, h.lost, h.own, h.over)
		}
	}
	e.payload(s.taken)
	e.journal(s.journal)
	e.flags(s.tried.Equal(s.journal))
	if !s.tried.Equal(s.journal) {
		e.journal(s.tried)
	}
	e.flags(s.hears)
	for _, i := range s.heard {
		e.text(i.ID)
		e.payload(i.Payload)
	}
	e.flags(s.observed.Exists, s.observed.Guests, s.observed.Unread, s.observed.Openly)
	e.text(string(s.observed.Access))
	if c := s.observed.Circle; c != nil {
		e.text(c.Digest)
		e.flags(c.Missing, c.Strangers)
	}
	for _, i := range s.observed.Items {
		e.text(i.ID)
		e.payload(i.Payload)
	}
	return maphash.Bytes(seed, e.buffer)
}

// An encoder writes values one after another, each in its own length.
type encoder struct {
	room   [1024]byte
	buffer []byte
}

func (e *encoder) number(list ...int) {
	for _, n := range list {
		e.buffer = binary.AppendVarint(e.buffer, int64(n))
	}
}

func (e *encoder) flags(list ...bool) {
	for _, b := range list {
		if b {
			e.buffer = append(e.buffer, 1)
		} else {
			e.buffer = append(e.buffer, 0)
		}
	}
}

func (e *encoder) text(s string) {
	e.number(len(s))
	e.buffer = append(e.buffer, s...)
}

func (e *encoder) payload(p plan.Payload) {
	e.number(int(p.Start.Unix()), int(p.End.Unix()))
	e.text(p.Message)
}

func (e *encoder) node(n node) {
	e.flags(n.exists, n.silent, n.theirs, n.touched, n.known, n.own)
	e.text(string(n.access))
	e.number(int(n.subscribers), int(n.members), len(n.items))
	for _, i := range n.items {
		e.text(i.ID)
		e.payload(i.Payload)
		e.flags(i.own, i.bared, i.unseen, i.own && i.noted, i.revived)
	}
}

func (e *encoder) journal(j plan.Journal) {
	e.flags(j.Clean, j.Begun != nil, j.Seen != nil, j.Override != nil)
	e.text(string(j.Audience))
	e.text(j.Circle)
	if b := j.Begun; b != nil {
		e.text(string(b.Kind))
		e.payload(b.Payload)
		e.flags(b.Quiet, b.Fresh, b.Spare)
	}
	if j.Seen != nil {
		e.text(j.Seen.ID)
		e.payload(j.Seen.Payload)
	}
	if o := j.Override; o != nil {
		e.number(int(o.Until.Unix()), len(o.Absences))
		for _, a := range o.Absences {
			e.text(a)
		}
	}
	var sent [32]string
	keys := sent[:0]
	for k := range j.Sent {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	e.number(len(keys))
	for _, k := range keys {
		e.text(k)
	}
}
