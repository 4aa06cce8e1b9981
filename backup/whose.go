package backup

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"strings"

	"github.com/etcdctr/etcdctr/internal/tarfolder"
	"github.com/etcdctr/etcdctr/runtime"
)

// clusterOf tells whose the data of a server is that does not run, by its log alone:
// zero where it has none that can be read. No two restorations make the same cluster.
func clusterOf(ctx context.Context, r Runtime, name, server string) string {
	files, err := r.Files(ctx, name, server)
	if err != nil {
		return ""
	}
	defer files.Close()
	dir, err := os.MkdirTemp("", "etcdctr-undo-")
	if err != nil {
		return ""
	}
	defer os.RemoveAll(dir)
	out, in := io.Pipe()
	defer out.Close()
	go func() { in.CloseWithError(onlyLogs(in, files)) }()
	if err := tarfolder.Unpack(ctx, dir, out); err != nil {
		return ""
	}
	log, err := readLog(dir)
	if err != nil {
		return ""
	}
	return log.Cluster.String()
}

// onlyLogs leaves the database out of a data folder, which is what is large.
func onlyLogs(to io.Writer, from io.Reader) error {
	kept, all := tar.NewWriter(to), tar.NewReader(from)
	for {
		head, err := all.Next()
		switch {
		case errors.Is(err, io.EOF):
			return kept.Close()
		case err != nil:
			return err
		case !strings.HasPrefix(path.Clean(head.Name)+"/", "member/wal/"):
			continue
		}
		if err := kept.WriteHeader(head); err != nil {
			return err
		}
		if _, err := io.Copy(kept, all); err != nil {
			return err
		}
	}
}

// untouched are the members that a restoration which was killed had not come to: they
// have the data yet that is to come back. One of those that it had come to is brought
// back on the way, since that tells which they are, and is among them. None of one that
// came to its end, whose members are all of one cluster.
func untouched(ctx context.Context, r Runtime, name string, members []runtime.Server, last map[string]string) (map[string]bool, error) {
	of := map[string]string{}
	for _, m := range members {
		of[m.Name] = clusterOf(ctx, r, name, m.Name)
	}
	for _, m := range members {
		if last[m.Name] == "" || !another(of, of[m.Name]) {
			continue
		}
		if err := r.BringBack(ctx, name, m.Name, last[m.Name]); err != nil {
			return nil, err
		}
		former := clusterOf(ctx, r, name, m.Name)
		still := map[string]bool{}
		for other, id := range of {
			if id != "" && id == former {
				still[other], still[m.Name] = true, true
			}
		}
		if len(still) > 0 {
			maps.DeleteFunc(last, func(other, _ string) bool { return other != m.Name && still[other] })
			return still, nil
		}
		if err := exchangeAgain(ctx, r, name, m.Name, last); err != nil { // it was of an earlier restoration
			return nil, err
		}
	}
	return nil, nil
}

// exchangeAgain takes back that something was brought back, which gets another name by
// that.
func exchangeAgain(ctx context.Context, r Runtime, name, server string, last map[string]string) error {
	all, err := r.Aside(ctx, name, server)
	if err != nil || len(all) == 0 { // it had no data to set aside
		return err
	}
	if err := r.BringBack(ctx, name, server, all[0]); err != nil {
		return err
	}
	if all, err = r.Aside(ctx, name, server); err == nil {
		last[server] = all[0]
	}
	return err
}

// another reports whether some data is known to be of another cluster than one is.
func another(of map[string]string, one string) bool {
	for _, id := range of {
		if id != "" && id != one {
			return true
		}
	}
	return false
}
