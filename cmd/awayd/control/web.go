package control

import (
	"context"
	"time"
)

// A WebLink is what `awayd web` prints: it opens the web page once.
type WebLink struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

func (s *Server) enter() (any, error) {
	if s.Enter == nil {
		return nil, &Error{Message: "no daemon is running, so there is no web page", Advice: "systemctl start awayd"}
	}
	return s.Enter()
}

// Enter asks for a link into the web page.
func (c *Client) Enter(ctx context.Context) (link WebLink, err error) {
	return link, c.post(ctx, "/web", struct{}{}, &link)
}
