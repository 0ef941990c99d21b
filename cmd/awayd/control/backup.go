package control

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// backup streams a consistent copy of the state. It is made beside the state,
// where this process may write, and not kept.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	copied, err := s.copyState(r.Context())
	if err != nil {
		reply(w, nil, err)
		return
	}
	defer copied.Close()
	w.Header().Set("Content-Type", "application/vnd.sqlite3")
	if info, err := copied.Stat(); err == nil {
		w.Header().Set("Content-Length", fmt.Sprint(info.Size())) // a copy cut short is noticed
	}
	_, _ = io.Copy(w, copied) // the client is gone: nobody to tell
}

func (s *Server) copyState(ctx context.Context) (*os.File, error) {
	dir, err := os.MkdirTemp(s.Dir, ".backup-")
	if err != nil {
		return nil, fmt.Errorf("back the state up: %w", err)
	}
	defer os.RemoveAll(dir) // the open file stays readable
	file := filepath.Join(dir, "copy")
	if err := s.Backup(ctx, file); err != nil {
		return nil, err
	}
	return os.Open(file)
}

// Backup writes a consistent copy of the state to w.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	body, err := c.do(ctx, http.MethodGet, "/backup", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("receive the backup: %w", err)
	}
	return nil
}
