package caldav

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"awayd/sync/absence"
)

// maxEntries bounds what is looked at in a folder, calendar files or not.
const maxEntries = 2 * maxMembers

// readFolder reads what changed in a vdir since. Each file of it is an object;
// one that cannot be read is an error about that object.
func (f *file) readFolder(ctx context.Context, was cursor) (absence.Delta, cursor, error) {
	now := was
	now.Text, now.Polls, now.Seen, now.Relist, now.Lost = "", was.Polls+1, seen{}, was.Lost, false
	due := was.Version == 0 || was.Polls >= relistAfter
	if due {
		now.Polls = 0
	}
	names, err := entries(f.path)
	if err != nil {
		return absence.Delta{}, was, f.fail(err)
	}
	d := absence.Delta{Listing: make([]string, 0, len(names))}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return absence.Delta{}, was, f.fail(err)
		}
		o, ok, err := f.member(name, was.Seen, due)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // gone since the folder was listed
		case err != nil: // in no version, so that it is tried again
			d.Changed = append(d.Changed, absence.Object{Href: name, Errors: []absence.ObjectError{{Reason: reasonOf(err)}}})
			now.Seen.put(name, "")
		case !ok:
			now.Seen[digestOf(name)] = was.Seen[digestOf(name)]
		default:
			d.Changed = append(d.Changed, o)
			now.Seen.put(name, o.ETag)
		}
		d.Listing = append(d.Listing, name)
	}
	for id := range was.Seen {
		if _, there := now.Seen[id]; !there {
			now.Relist = true
		}
	}
	now.Relist = now.Relist || len(d.Listing) == 0
	if len(d.Changed) == 0 && !now.Relist && !was.Relist && was.Version != 0 {
		return absence.Delta{Unchanged: true}, now, nil
	}
	d.Name = folderName(f.path)
	return d, now, nil
}

// member reads one file of the folder, unless its version was seen.
func (f *file) member(name string, was seen, due bool) (o absence.Object, ok bool, err error) {
	r, info, err := openFile(filepath.Join(f.path, name))
	if err != nil {
		return o, false, err
	}
	defer r.Close()
	o = absence.Object{Href: name, ETag: version(info)}
	if !due && was.holds(name, o.ETag) {
		return o, false, nil
	}
	data, err := readBounded(r, maxObject)
	if errors.Is(err, errTooLarge) {
		o.Errors = []absence.ObjectError{{Reason: errObjectTooLarge}}
		return o, true, nil
	}
	if err != nil {
		return o, false, err
	}
	read := readObject(data)
	read.Href, read.ETag = o.Href, o.ETag
	return read, true, nil
}

func reasonOf(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return cleanLine(err.Error())
}

// entries lists the calendar files of a folder: what ends in .ics and is not
// hidden, as the others are files that are being written.
func entries(path string) ([]string, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var names []string
	for looked := 0; ; {
		some, err := dir.Readdirnames(1_000)
		for _, name := range some {
			if strings.HasSuffix(name, ".ics") && !strings.HasPrefix(name, ".") {
				names = append(names, name)
			}
		}
		looked += len(some)
		switch {
		case looked > maxEntries, len(names) > maxMembers:
			return nil, errors.New("it holds too many files")
		case errors.Is(err, io.EOF):
			slices.Sort(names)
			return names, nil
		case err != nil:
			return nil, err
		}
	}
}

// folderName reads the name that a vdir gives itself, or returns "".
func folderName(path string) string {
	r, _, err := openFile(filepath.Join(path, "displayname"))
	if err != nil {
		return ""
	}
	defer r.Close()
	data, err := readBounded(r, maxName)
	if err != nil {
		return ""
	}
	return cleanLine(strings.ToValidUTF8(string(data), ""))
}
