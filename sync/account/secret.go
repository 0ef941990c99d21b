package account

import "net/url"

// A Secret is a string that never shows itself: fmt, slog and encoding/json
// print a placeholder. Call Reveal where the value itself is needed.
type Secret struct{ value string }

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value.
func (s Secret) Reveal() string { return s.value }

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.value == "" }

const hidden = "[hidden]"

// String implements fmt.Stringer and never shows the value.
func (s Secret) String() string { return hidden }

// GoString implements fmt.GoStringer and never shows the value.
func (s Secret) GoString() string { return hidden }

// MarshalText makes encoders print the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// ShortURL returns what of a calendar's URL may be shown: path and query of a
// private feed are its password, so only scheme and host remain. A file on this
// machine is no secret.
func ShortURL(s Secret) string {
	u, err := url.Parse(s.value)
	if err == nil && u.Scheme == "file" && u.Opaque == "" {
		return u.String()
	}
	if err != nil || u.Host == "" {
		return hidden
	}
	return u.Scheme + "://" + u.Host + "/…"
}
