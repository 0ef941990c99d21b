package caldav

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"awayd/sync/absence"
)

// A holder is a calendar that is no collection: what it holds by name and
// version, and how it can fail.
type holder struct {
	source  *Source
	write   func(objects map[string]int)
	faults  map[string]func() // each makes the next poll an error
	restore func()
}

func textOf(objects map[string]int) string {
	text := feedOf(stamp, slices.Sorted(maps.Keys(objects))...)
	for name, v := range objects {
		text = strings.Replace(text, "SUMMARY:"+name+"\r", fmt.Sprintf("SUMMARY:%d\r", v), 1)
	}
	return text
}

// holders makes one of each kind of source that is no collection.
func holders(t *testing.T) map[string]*holder {
	p := newPage(t, "")
	p.promises = true
	feed := &holder{
		source: p.source(t),
		write:  func(o map[string]int) { p.text = textOf(o) },
		faults: map[string]func(){
			"500":     func() { p.status, p.promises = 500, false },
			"404":     func() { p.status, p.promises = 404, false },
			"html":    func() { p.promises, p.text = false, "<html>"+p.text },
			"nothing": func() { p.promises, p.text = false, "" },
			"half":    func() { p.promises, p.text = false, p.text[:len(p.text)*2/3] },
			"broken":  func() { p.promises, p.broken = false, true },
		},
		restore: func() { p.status, p.promises, p.broken = 0, true, false },
	}

	d := newDisk(t)
	file := &holder{
		source: d.source("x.ics"),
		write:  func(o map[string]int) { d.write("x.ics", textOf(o)) },
		faults: map[string]func(){
			"missing": func() { d.remove("x.ics") },
			"nothing": func() { d.write("x.ics", "") },
			"half":    func() { d.write("x.ics", textOf(map[string]int{"a": 1, "b": 2})[:300]) },
		},
		restore: func() {},
	}

	v := newDisk(t)
	folder := &holder{
		source: v.source("dir"),
		faults: map[string]func(){"missing": func() { v.remove("dir") }},
	}
	folder.write = func(o map[string]int) {
		made, err := filepath.Glob(filepath.Join(v.path, "dir", "*.ics"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range made {
			if _, ok := o[strings.TrimSuffix(filepath.Base(path), ".ics")]; !ok {
				v.remove(filepath.Join("dir", filepath.Base(path)))
			}
		}
		v.folder("dir")
		for name, version := range o {
			v.write(filepath.Join("dir", name+".ics"), event(name, fmt.Sprint(version)))
		}
	}
	folder.restore = func() {}
	return map[string]*holder{"feed": feed, "file": file, "folder": folder}
}

// Whatever happens to a feed, a file or a folder, what is in it is never lost,
// and three good polls later what was believed is what it holds. An emptied one
// is never just believed.
func TestWholeCalendarsConverge(t *testing.T) {
	all := holders(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := all[rapid.SampledFrom(slices.Sorted(maps.Keys(all))).Draw(rt, "kind")]
		objects := map[string]int{}
		version := 0
		c := mirror{objects: map[string]string{}}
		names := []string{"a", "b", "c"}
		h.restore()
		h.write(objects)

		good := func() {
			before := maps.Clone(c.objects)
			d, next, err := h.source.Poll(t.Context(), c.cursor)
			if err != nil {
				rt.Fatal(err)
			}
			c.cursor = next
			if d.Listing != nil && len(d.Listing) == 0 {
				// As the engine does: nothing is gone, but everything is missing.
				c.missing = map[string]bool{}
				for href := range c.objects {
					c.missing[href] = true
				}
				return
			}
			c.apply(d)
			for href := range before {
				name := strings.TrimSuffix(strings.TrimPrefix(href, "#"), ".ics")
				if _, there := objects[name]; there && c.objects[href] == "" {
					rt.Fatalf("lost %s, which is there", href)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				version++
				objects[rapid.SampledFrom(names).Draw(rt, "name")] = version
				h.write(objects)
			},
			"delete": func(rt *rapid.T) {
				delete(objects, rapid.SampledFrom(names).Draw(rt, "name"))
				h.write(objects)
			},
			"poll": func(*rapid.T) { good() },
			"fail": func(rt *rapid.T) {
				h.faults[rapid.SampledFrom(slices.Sorted(maps.Keys(h.faults))).Draw(rt, "fault")]()
				d, next, err := h.source.Poll(t.Context(), c.cursor)
				if err == nil || next != c.cursor || !cmp.Equal(d, absence.Delta{}) {
					rt.Fatalf("%+v, %v", d, err)
				}
				h.restore()
				h.write(objects)
			},
		})
		version++
		objects["a"] = version
		h.write(objects)
		for range 3 {
			good()
		}
		want := map[string]string{}
		for name, v := range objects {
			want[map[bool]string{true: name + ".ics", false: "#" + name}[h == all["folder"]]] = fmt.Sprint(v)
		}
		if d := cmp.Diff(want, c.objects); d != "" {
			rt.Fatal(d)
		}
	})
}
