package socket

import (
	"errors"
	"net"
	"os"
)

// A Move is to another address, which is open already: what can fail is done,
// and nothing has changed yet. So several servers can move together or not at
// all. The zero Move changes nothing.
type Move struct {
	to     net.Listener // nil: nowhere
	commit func(to net.Listener)
}

// NewMove returns a move that commit carries out; it must not fail.
func NewMove(to net.Listener, commit func(to net.Listener)) Move { return Move{to, commit} }

// Commit makes the new address hold.
func (m Move) Commit() {
	if m.commit != nil {
		m.commit(m.to)
	}
}

// Drop gives the new address up.
func (m Move) Drop() {
	if m.to != nil {
		_ = m.to.Close() // nobody was served there
	}
}

// Now carries a move out that nothing else has to wait for, if it could be
// prepared.
func Now(m Move, err error) error {
	if err == nil {
		m.Commit()
	}
	return err
}

// errHandOver is about listeners that are not of this package.
var errHandOver = errors.New("this listener cannot be handed over")

// Again opens the address of l once more, for a server that takes over from the
// one at l: it stays taken in between. HandOver comes before l is closed.
func Again(l net.Listener) (net.Listener, error) {
	kept, ok := l.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errHandOver
	}
	f, err := kept.File()
	if err != nil {
		return nil, err
	}
	defer f.Close() // a copy of it is what FileListener keeps
	return net.FileListener(f)
}

// HandOver has the file of a unix socket live as long as to, no longer as from.
func HandOver(from, to net.Listener) {
	if u, ok := from.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	if u, ok := to.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(true)
	}
}
