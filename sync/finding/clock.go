package finding

import (
	"context"
	"fmt"
	"time"
)

const (
	// maxSkew is how far this machine's clock and an XMPP server's may be
	// apart: servers tell whole seconds, and an answer takes its time.
	maxSkew   = 10 * time.Second
	skewLimit = 3 * time.Second
)

// A Skew is by how much this machine's clock is ahead of the XMPP server's.
// Which of the two is right it does not say.
type Skew time.Duration

// Off reports whether they are too far apart.
func (s Skew) Off() bool { return time.Duration(s).Abs() > maxSkew }

// String says which clock is where.
func (s Skew) String() string {
	by, where := time.Duration(s).Round(time.Second), "ahead of"
	if by < 0 {
		by, where = -by, "behind"
	}
	return fmt.Sprintf("the clock of this machine is %s %s that of the XMPP server", by, where)
}

// CompareClocks asks a server for its time (XEP-0202), taking the
// answer to have been made half way. It is false if the server does not tell.
func CompareClocks(ctx context.Context, server interface {
	Time(context.Context) (time.Time, error)
}, now func() time.Time) (Skew, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, skewLimit)
	defer cancel()
	asked := now()
	at, err := server.Time(ctx)
	if err != nil || at.IsZero() {
		return 0, false, err
	}
	took := now().Sub(asked)
	return Skew(asked.Add(took / 2).Round(0).Sub(at)), true, nil
}

// Finding judges it.
func (s Skew) Finding() Finding {
	const topic = "clock"
	if s.Off() {
		return Doubt(topic, "keep both in step with NTP: timedatectl", "%s", s)
	}
	return Good(topic, "agrees with that of the server")
}
