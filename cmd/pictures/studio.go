package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"awayd/cmd/testbed"
)

// A studio is a daemon with the people whose pictures are taken.
type studio struct {
	bed    *testbed.Bed
	xmpp   *testbed.XMPP
	dav    *testbed.DAV
	daemon *testbed.Daemon
}

// close ends what was started.
func (s *studio) close() error {
	var err error
	if s.daemon != nil {
		s.daemon.Close()
	}
	if s.dav != nil {
		err = s.dav.Stop()
	}
	if s.xmpp != nil {
		err = errors.Join(err, s.xmpp.Stop())
	}
	return err
}

// An event is whole days, counted from today, or a weekly meeting.
type event struct {
	title      string
	first, end int // days; end is the first one after it
	weekly     bool
}

// A sitter is who is seen, with what is in their calendar.
type sitter struct {
	name, calendar string
	events         []event
}

var people = []sitter{
	{"ada", "Personal", []event{
		{"Vacation in Rome", -4, 10, false}, {"Urlaub", 44, 55, false}, {"Vacation over a long weekend", 130, 134, false}, {"Summer vacation", 236, 257, false},
		{"Team meeting", 3, 0, true}, {"Mum's birthday", 75, 76, false}, {"Urlaub Peter", 96, 103, false}, {"Vacation planning", 60, 61, false},
	}},
	{"ben", "Work", []event{
		{"Vacation", 19, 33, false}, {"Parental leave", 150, 210, false}, {"Release party", 82, 83, false}, {"Stand-up", 1, 0, true}, {"Urlaub Peter", 96, 103, false},
	}},
	{"chen", "Calendar", []event{{"Holiday", 27, 41, false}, {"Vacation", 200, 214, false}}},
	{"dora", "Family", []event{{"Vacation", 61, 75, false}, {"School play", 24, 25, false}}},
}

const password = "only for this picture"

func (s *studio) furnish(ctx context.Context) (err error) {
	users := make(map[string]string)
	for _, p := range people {
		users[p.name] = password
	}
	if s.xmpp, err = testbed.StartProsody(ctx, filepath.Join(s.bed.Dir, "prosody"), s.bed.CA, testbed.XMPPOptions{Domain: "example.org"}); err != nil {
		return err
	}
	if s.dav, err = testbed.StartRadicale(ctx, filepath.Join(s.bed.Dir, "radicale"), testbed.RadicaleOptions{Users: users}); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	for _, p := range people {
		if err := s.link(ctx, p); err != nil {
			return err
		}
	}
	// The calendar of one of them comes back empty, without the server saying
	// what is gone.
	calendar := s.dav.Home("chen") + "Calendar/"
	if err := s.dav.Delete(ctx, calendar); err != nil {
		return err
	}
	if _, err := s.dav.MakeCalendar(ctx, "chen", "Calendar"); err != nil {
		return err
	}
	if _, err := s.daemon.Run(ctx, "sync"); err != nil {
		return err
	}
	_, err = s.daemon.Run(ctx, "pause", "dora@example.org")
	return err
}

func (s *studio) link(ctx context.Context, p sitter) error {
	calendar, err := s.dav.MakeCalendar(ctx, p.name, p.calendar)
	if err != nil {
		return err
	}
	for i, e := range p.events {
		if err := s.dav.Put(ctx, fmt.Sprintf("%s%d.ics", calendar, i), e.ics(fmt.Sprintf("%s-%d", p.name, i))); err != nil {
			return err
		}
	}
	if err := s.xmpp.Register(ctx, p.name, password); err != nil {
		return err
	}
	secret, err := testbed.SecretFile(s.bed.Dir, "password", password)
	if err != nil {
		return err
	}
	_, err = s.daemon.Run(ctx, "link", "--yes", "--jid", p.name+"@example.org", "--jid-password-file", secret,
		"--xmpp-address", s.xmpp.Addr, "--tls-ca", s.bed.CA.File, "--zone", "Europe/Berlin",
		"--calendar-url", s.dav.URL, "--calendar-user", p.name, "--calendar-password-file", secret)
	return err
}

// start runs a daemon with a page.
func (s *studio) start(ctx context.Context) error {
	binary, err := testbed.Build(ctx, s.bed.Dir)
	if err != nil {
		return err
	}
	if s.daemon, err = testbed.NewDaemon(binary, s.bed.Dir); err != nil {
		return err
	}
	port, err := testbed.FreePort()
	if err != nil {
		return err
	}
	s.daemon.Config = filepath.Join(s.bed.Dir, "awayd.toml")
	if err := os.WriteFile(s.daemon.Config, fmt.Appendf(nil, "web = \"127.0.0.1:%d\"\n", port), 0o600); err != nil {
		return err
	}
	if err := s.daemon.Start(ctx); err != nil {
		return errors.Join(err, errors.New(s.daemon.Said()))
	}
	return nil
}

// ics is the event as a calendar holds it.
func (e event) ics(uid string) string {
	today := time.Now()
	lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//awayd//pictures//EN", "BEGIN:VEVENT", "UID:" + uid,
		"DTSTAMP:" + today.UTC().Format("20060102T150405Z"), "SUMMARY:" + e.title}
	first := today.AddDate(0, 0, e.first)
	if e.weekly {
		lines = append(lines, "DTSTART:"+first.Format("20060102")+"T100000", "DTEND:"+first.Format("20060102")+"T110000", "RRULE:FREQ=WEEKLY")
	} else {
		lines = append(lines, "DTSTART;VALUE=DATE:"+first.Format("20060102"), "DTEND;VALUE=DATE:"+today.AddDate(0, 0, e.end).Format("20060102"))
	}
	return strings.Join(append(lines, "END:VEVENT", "END:VCALENDAR", ""), "\r\n")
}
