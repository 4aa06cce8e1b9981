package images

import (
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/etcdctr/etcdctr/internal/outfile"
)

// WriteSBOM writes the bill of materials of an image; of several, each into a
// file that has its platform in the name.
func WriteSBOM(file string, imgs []*Image) error {
	for _, img := range imgs {
		doc, err := img.SBOM()
		if err != nil {
			return err
		}
		name := file
		if len(imgs) > 1 {
			name = platformFile(file, img.Binaries.Platform)
		}
		if err := outfile.Write(name, append(doc, '\n'), 0o644); err != nil {
			return fmt.Errorf("write the bill of materials to %s: %w", name, err)
		}
	}
	return nil
}

// platformFile makes etcd-linux-arm64.spdx.json of etcd.spdx.json.
func platformFile(file string, platform v1.Platform) string {
	dir, base := filepath.Split(file)
	stem, ending, dotted := strings.Cut(base, ".")
	if dotted {
		ending = "." + ending
	}
	return dir + stem + "-" + platform.OS + "-" + platform.Architecture + ending
}
