package caldav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// XML namespaces.
const (
	nsDAV    = "DAV:"
	nsCalDAV = "urn:ietf:params:xml:ns:caldav"
	nsCS     = "http://calendarserver.org/ns/"
)

// Bounds on a multistatus. One response of a listing is some 300 bytes, one
// with calendar data a few thousand.
const (
	maxResponses  = 100_000
	maxXMLDepth   = 32       // deeper elements are not kept
	maxXMLNesting = 1_000    // deeper documents are not read
	maxXMLNodes   = 2_000    // in one response
	maxXMLText    = 2 << 20  // between two tags: an object with its references
	maxAnswer     = 64 << 20 // whole body
	maxHrefLength = 4 << 10
)

var errNotMultistatus = errors.New("not a multistatus document")

// A node is one XML element of a response.
type node struct {
	name xml.Name
	attr []xml.Attr
	text []byte
	kids []*node
}

// child returns the first child of that name, or nil.
func (n *node) child(space, local string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name.Space == space && k.name.Local == local {
			return k
		}
	}
	return nil
}

// has reports whether there is such a child.
func (n *node) has(space, local string) bool { return n.child(space, local) != nil }

// value returns the element's text without surrounding blanks.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(string(n.text))
}

// hrefs returns the DAV:href children.
func (n *node) hrefs() []string {
	if n == nil {
		return nil
	}
	var all []string
	for _, k := range n.kids {
		if k.name.Space == nsDAV && k.name.Local == "href" && k.value() != "" {
			all = append(all, k.value())
		}
	}
	return all
}

// A response is what a multistatus says about one resource (RFC 4918 §14.24).
type response struct {
	href   string // as the server sent it
	status int    // of the resource; 200 when only its properties have one
	props  []*node
	broken string // why it cannot be used; the other responses can
}

// prop returns a property that the server gave, or nil.
func (r response) prop(space, local string) *node {
	for _, p := range r.props {
		if p.name.Space == space && p.name.Local == local {
			return p
		}
	}
	return nil
}

// readMultistatus calls each for every response and returns the sync-token
// (RFC 6578 §6.2) if there is one. A response that makes no sense is handed
// over as broken; a document that is cut off or is not XML is an error, after
// the responses before the fault.
func readMultistatus(r io.Reader, each func(response)) (token string, err error) {
	d := xml.NewDecoder(newXMLCleaner(r, maxXMLText))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "utf8", "us-ascii", "ascii":
			return in, nil
		}
		return nil, errors.New("not in UTF-8")
	}
	root, err := startElement(d)
	if err != nil {
		return "", err
	}
	if root.Name.Space != nsDAV || root.Name.Local != "multistatus" {
		return "", errNotMultistatus
	}
	for count := 0; ; {
		t, err := d.Token()
		if err != nil {
			return "", xmlError(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			return token, nil
		case xml.StartElement:
			n, overfull, err := readNode(d, t)
			if err != nil {
				return "", err
			}
			switch {
			case t.Name.Space != nsDAV:
			case t.Name.Local == "sync-token":
				token = n.value()
			case t.Name.Local == "response":
				if count++; count > maxResponses {
					return "", fmt.Errorf("more than %d responses", maxResponses)
				}
				for _, resp := range newResponses(n, overfull) {
					each(resp)
				}
			}
		}
	}
}

func startElement(d *xml.Decoder) (xml.StartElement, error) {
	for {
		t, err := d.Token()
		if err == io.EOF {
			return xml.StartElement{}, errNotMultistatus
		}
		if err != nil {
			return xml.StartElement{}, xmlError(err)
		}
		if s, ok := t.(xml.StartElement); ok {
			return s, nil
		}
	}
}

// readNode reads an element whose start tag has been read. Beyond the bounds
// it reads on but keeps nothing.
func readNode(d *xml.Decoder, start xml.StartElement) (root *node, overfull bool, err error) {
	root = &node{name: start.Name, attr: start.Attr}
	path := []*node{root}
	nodes, text, skipped := 1, 0, 0
	for len(path) > 0 {
		t, err := d.Token()
		if err != nil {
			return nil, false, xmlError(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if skipped > 0 || len(path) == maxXMLDepth || nodes == maxXMLNodes {
				overfull = true
				if skipped++; skipped > maxXMLNesting {
					return nil, false, errors.New("nested too deep")
				}
				continue
			}
			nodes++
			n := &node{name: t.Name, attr: t.Attr}
			top := path[len(path)-1]
			top.kids = append(top.kids, n)
			path = append(path, n)
		case xml.EndElement:
			if skipped > 0 {
				skipped--
				continue
			}
			path = path[:len(path)-1]
		case xml.CharData:
			if skipped > 0 {
				continue
			}
			if text += len(t); text > maxXMLText {
				overfull = true
				continue
			}
			top := path[len(path)-1]
			top.text = append(top.text, t...)
		}
	}
	return root, overfull, nil
}

// newResponses reads one response element; it may name several resources with
// one status.
func newResponses(n *node, overfull bool) []response {
	hrefs := n.hrefs()
	if len(hrefs) == 0 {
		return []response{{broken: "a response names no resource"}}
	}
	var all []response
	for _, href := range hrefs {
		r := response{href: href, status: 200}
		if len(href) > maxHrefLength {
			r.href, r.broken = "", "the name of a resource is too long"
		}
		if overfull {
			r.broken = "the response holds too much"
		}
		all = append(all, r)
	}
	first := &all[0]
	for _, k := range n.kids {
		if k.name.Space != nsDAV {
			continue
		}
		switch k.name.Local {
		case "status":
			// It stands for the whole resource: sabre/dav sends a propstat of
			// its own making beside it.
			code, ok := statusCode(k.value())
			for i := range all {
				all[i].status = code
				if !ok {
					all[i].broken = "a response has no readable status"
				}
			}
		case "propstat":
			if code, _ := statusCode(k.child(nsDAV, "status").value()); code/100 == 2 {
				if p := k.child(nsDAV, "prop"); p != nil {
					first.props = append(first.props, p.kids...)
				}
			}
		}
	}
	return all
}

// statusCode reads "HTTP/1.1 200 OK".
func statusCode(line string) (int, bool) {
	f := strings.Fields(line)
	if len(f) < 2 {
		return 0, false
	}
	code, err := strconv.Atoi(f[1])
	return code, err == nil && 100 <= code && code <= 999
}

// xmlError leaves out the text that encoding/xml may quote from the answer.
func xmlError(err error) error {
	if s, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return fmt.Errorf("malformed XML in line %d", s.Line)
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
