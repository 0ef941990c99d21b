package caldav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"awayd/sync/absence"
)

// A file is a calendar on this machine: an iCalendar file, or a folder with one
// such file for each event, as vdirsyncer and others keep them (a vdir). What
// the path is, file or folder, is asked at each poll.
type file struct {
	path string
}

const fileHint = "give an absolute path, as in file:///srv/calendars/ada.ics"

// newFile reads a file URL (RFC 8089).
func newFile(address string) (*file, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil:
		return nil, &Error{what: "the file URL cannot be read", hint: fileHint}
	case u.Host != "" && !strings.EqualFold(u.Host, "localhost"):
		return nil, &Error{what: "the file URL names another machine", hint: fileHint}
	case u.Opaque != "" || !filepath.IsAbs(u.Path) || strings.ContainsRune(u.Path, 0):
		return nil, &Error{what: "the file URL holds no absolute path", hint: fileHint}
	}
	return &file{filepath.Clean(u.Path)}, nil
}

// url is how the file is kept.
func (f *file) url() string { return (&url.URL{Scheme: "file", Path: f.path}).String() }

// name is what to call a calendar that does not say.
func (f *file) name() string {
	return shorten(cleanLine(strings.TrimSuffix(filepath.Base(f.path), ".ics")), maxName)
}

func (f *file) read(ctx context.Context, was cursor) (absence.Delta, cursor, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return absence.Delta{}, was, f.fail(err)
	}
	if info.IsDir() {
		return f.readFolder(ctx, was)
	}
	return f.readFile(was)
}

// readFile reads a file that changed since.
func (f *file) readFile(was cursor) (absence.Delta, cursor, error) {
	now := was
	now.Polls++
	// One that was written twice within a tick of the clock may look the same,
	// so it is read now and then in any case.
	due := was.Version == 0 || was.Relist || was.Polls >= relistAfter
	if due {
		now.Polls = 0
	}
	r, info, err := openFile(f.path)
	if err != nil {
		return absence.Delta{}, was, f.fail(err)
	}
	defer r.Close()
	if now.Text = version(info); !due && now.Text == was.Text {
		return absence.Delta{Unchanged: true}, now, nil
	}
	data, err := readBounded(r, maxFeed)
	if err != nil {
		return absence.Delta{}, was, f.fail(err)
	}
	w, err := readWhole(data)
	if err != nil {
		return absence.Delta{}, was, f.fail(err)
	}
	d, now := w.since(now)
	return d, now, nil
}

// fail describes a path that cannot be read. Unlike the URL of a feed it is no
// secret, and without it nobody could tell what to mend.
func (f *file) fail(err error) *Error {
	e := &Error{kind: temporary, err: err, hint: "check that the file is a whole iCalendar file"}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		e.err = p.Err
	}
	e.what = cleanLine(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.kind = gone
		e.hint = "check the path as the daemon sees it: as a service it sees nothing below /home, /root, /run/user and /tmp"
	case errors.Is(err, fs.ErrPermission):
		e.hint = "let the daemon's user (awayd) read it; as a service it sees nothing below /home, /root, /run/user and /tmp"
	}
	return e
}

var errNoFile = errors.New("it is neither a file nor a folder")

// openFile opens a regular file and nothing else, without waiting for a writer
// where a pipe is in its place.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := r.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		return nil, nil, errors.Join(err, r.Close())
	}
	return r, info, nil
}

// readBounded reads all of r, which is at most limit bytes.
func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}

// version stands for the content of a file without reading it.
func version(info fs.FileInfo) string {
	v := fmt.Sprintf("%d %d", info.ModTime().UnixNano(), info.Size())
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		v += fmt.Sprintf(" %d %d", s.Dev, s.Ino)
	}
	return v
}
