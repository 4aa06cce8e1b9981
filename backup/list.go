package backup

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Found is a file that is, or claims to be, a backup.
type Found struct {
	Path     string
	Bytes    int64 // on disk
	Metadata Metadata
	Err      error // why it is none; nothing is known of it then
}

// List gives the archives in a folder, the newest first, and behind them those
// that can't be read. Of each it reads the end only.
func List(dir string) ([]Found, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list the backups: %w", err)
	}
	var all []Found
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), Extension) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		f := Found{Path: filepath.Join(dir, e.Name())}
		if info, err := e.Info(); err == nil {
			f.Bytes = info.Size()
		}
		f.Metadata, f.Err = Read(f.Path)
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b Found) int {
		return cmp.Or(compareBool(a.Err != nil, b.Err != nil), b.Metadata.Time.Compare(a.Metadata.Time), strings.Compare(a.Path, b.Path))
	})
	return all, nil
}

// Newest is the newest backup of a cluster in a folder, and false without any.
func Newest(all []Found, cluster string) (Found, bool) {
	i := slices.IndexFunc(all, func(f Found) bool { return f.Err == nil && f.Metadata.Cluster == cluster })
	if i < 0 {
		return Found{}, false
	}
	return all[i], true
}

// Prunable gives those that no rule keeps, of each cluster by itself. What can't
// be read is never one of them: somebody may want to save what there is of it.
func Prunable(all []Found, keep Keep, cluster string) []Found {
	var gone []Found
	for _, name := range clusters(all) {
		if cluster != "" && name != cluster {
			continue
		}
		var of []Found
		var times []time.Time
		for _, f := range all {
			if f.Err == nil && f.Metadata.Cluster == name {
				of, times = append(of, f), append(times, f.Metadata.Time)
			}
		}
		for i, stays := range keep.Choose(times) {
			if !stays {
				gone = append(gone, of[i])
			}
		}
	}
	return gone
}

func clusters(all []Found) []string {
	var names []string
	for _, f := range all {
		if f.Err == nil && !slices.Contains(names, f.Metadata.Cluster) {
			names = append(names, f.Metadata.Cluster)
		}
	}
	return names
}

// Delete deletes archives. One that is gone already is no error.
func Delete(gone []Found) error {
	var errs []error
	for _, f := range gone {
		if err := os.Remove(f.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
