package images

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/etcdctr/etcdctr/internal/lockfile"
)

// Cache keeps programs that took a download or a compiler to get. Programs are
// found in it whole or not at all: a folder appears under its name when it is
// complete, and is only used while its files have the digests noted then.
type Cache struct {
	Dir string // made when needed
}

// ErrNoCache is the error of a user who has no folder for a Cache.
var ErrNoCache = errors.New("find a folder for what is downloaded and compiled")

// UserCache is the one of this user.
func UserCache() (Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("%w: %w", ErrNoCache, err)
	}
	return Cache{filepath.Join(dir, "etcdctr")}, nil
}

// sumsFile lists the digests of the files beside it, as sha256sum writes them.
const sumsFile = "SHA256SUMS"

// folder gives the folder of a key such as "release/v3.7.3/linux-amd64", made
// by fill when it is not there or no longer what it was. While it is being
// made, other processes that want the same wait.
func (c Cache) folder(ctx context.Context, key string, fill func(dir string) error) (string, error) {
	dir := filepath.Join(c.Dir, filepath.FromSlash(key))
	unlock, err := lockfile.Acquire(ctx, filepath.Dir(dir))
	if err != nil {
		return "", err
	}
	defer func() { _ = unlock() }() // it ends with the process at the latest
	if verifySums(dir) == nil {
		return dir, nil
	}
	tmp := dir + ".making"
	defer discard(tmp)
	if err := errors.Join(os.RemoveAll(dir), os.RemoveAll(tmp), os.Mkdir(tmp, 0o755)); err != nil {
		return "", err
	}
	if err := fill(tmp); err != nil {
		return "", err
	}
	if err := writeSums(tmp); err != nil {
		return "", err
	}
	return dir, os.Rename(tmp, dir)
}

// writeSums notes the digests of Names in dir.
func writeSums(dir string) error {
	var sums strings.Builder
	for _, name := range Names {
		sum, err := fileSum(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
	}
	return os.WriteFile(filepath.Join(dir, sumsFile), []byte(sums.String()), 0o644)
}

// verifySums tells whether the files of dir are the ones that were noted.
func verifySums(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		return err
	}
	sums := parseSums(string(data))
	for _, name := range Names {
		sum, err := fileSum(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if sum != sums[name] {
			return errors.New("changed: " + name)
		}
	}
	return nil
}

// parseSums reads sha256sum's format, "<64 hex digits>  <name>" a line, and
// passes over every other line.
func parseSums(text string) map[string]string {
	sums := map[string]string{}
	for sc := bufio.NewScanner(strings.NewReader(text)); sc.Scan(); {
		sum, name, ok := strings.Cut(sc.Text(), " ")
		if !ok || len(sum) != sha256.Size*2 || strings.Trim(sum, "0123456789abcdef") != "" {
			continue
		}
		// A blank or an asterisk before the name tells text from binary mode.
		if name = strings.TrimLeft(name, " *"); name != "" {
			sums[name] = sum
		}
	}
	return sums
}

// fileSum is the SHA-256 of a file in hex.
func fileSum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// discard removes what was temporary. If that fails it stays, and harms nobody.
func discard(path string) { _ = os.RemoveAll(path) }
