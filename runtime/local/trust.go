package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file tells whether a member goes by the certificates that are there. etcd
// reads its own certificate at each handshake, and the authorities of others at
// its start only, so what a process trusts is what was there then.

// authorities identifies the certificates in a file; none when it can't be read.
func authorities(file string) []string {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		return nil
	}
	var all []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		sum := sha256.Sum256(block.Bytes)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all
}

// strange tells that a member was started with authorities none of which is
// among those that it would be started with. One that was described before these
// were noted is believed.
func strange(was, is process.Member) bool {
	if len(was.Trusts) == 0 || len(is.Trusts) == 0 {
		return false
	}
	return !slices.ContainsFunc(was.Trusts, func(a string) bool { return slices.Contains(is.Trusts, a) })
}

// readSince tells that a member was started after the authorities were put where they
// are: it goes by these, whatever it was started with before.
func readSince(started time.Time, is process.Member) bool {
	info, err := os.Stat(filepath.FromSlash(cluster.SettingsIn(is.Env).Get("peer-trusted-ca-file")))
	return err == nil && started.After(info.ModTime())
}

// changeOfTrust is the change of a strange member: it is of another cluster, or
// its own certificates were made anew.
func changeOfTrust(was, is process.Member) runtime.Change {
	c := runtime.Change{
		Server: is.Name, Kind: runtime.Replace,
		Differences: []runtime.Difference{{Name: runtime.Certificates}},
	}
	if cluster.SettingsIn(was.Env).Get("peer-trusted-ca-file") != cluster.SettingsIn(is.Env).Get("peer-trusted-ca-file") {
		c.Kind = runtime.Foreign
	}
	return c
}
