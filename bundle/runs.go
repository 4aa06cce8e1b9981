package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	slash "path"
	"strings"
)

// This file tells what of an archive a member is started by.

const (
	composeFile   = "docker-compose.yml"
	systemdFolder = "systemd/"
)

// Runs is what of the archive the member is started by, by Docker Compose and by systemd. What
// is packed besides may be another without it being started anew: certificates, which etcd
// reads at each handshake, and what is told to people, in comments of these files, too.
func (b Machine) Runs(ctx context.Context) ([]byte, error) {
	files, err := b.started(ctx)
	if err != nil {
		return nil, err
	}
	return runsOf(b.Name(), files)
}

// RunsIn is Runs of what an archive holds that was packed before.
func RunsIn(archive []byte) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("cannot read the archive: %w", err)
	}
	folder, files := "", []file(nil)
	for all := tar.NewReader(zip); ; {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			return runsOf(folder, files)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the archive: %w", err)
		}
		top, name, _ := strings.Cut(slash.Clean(h.Name), "/")
		folder = top
		if name != composeFile && !strings.HasPrefix(name, systemdFolder) {
			continue
		}
		data, err := io.ReadAll(all)
		if err != nil {
			return nil, fmt.Errorf("cannot read the archive: %w", err)
		}
		files = append(files, file{name, data, h.FileInfo().Mode().Perm()})
	}
}

func runsOf(folder string, files []file) ([]byte, error) {
	for i := range files {
		files[i].data = withoutComments(files[i].data)
	}
	return pack(folder, files)
}

// withoutComments leaves out the lines that are nothing else, in YAML and for systemd.
func withoutComments(data []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			out.Write(line)
		}
	}
	return out.Bytes()
}
