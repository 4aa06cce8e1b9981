package cluster

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// This file checks the parts of a Spec that are open to anything: further
// settings, environments.

var labelPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// isLabel tells whether s is a DNS label in lower case (RFC 1123).
func isLabel(s string) bool { return len(s) <= 63 && labelPattern.MatchString(s) }

var sizePattern = regexp.MustCompile(`^(\d+)(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)?$`)

// parseSize reads a number of bytes with or without a unit.
func parseSize(s string) (int64, error) {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q must be a size such as 2GiB or 500MB", s)
	}
	base, exponent := int64(1000), strings.Index("BKMGT", m[2][:min(1, len(m[2]))])
	if strings.Contains(m[2], "i") {
		base = 1024
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	for ; err == nil && exponent > 0; exponent-- {
		if n > math.MaxInt64/base {
			return 0, fmt.Errorf("%q is too large", s)
		}
		n *= base
	}
	if err != nil {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return n, nil
}

// ownedSettings are decided by the rest of the Spec, or would undo it.
var ownedSettings = map[string]string{
	"name":                        "comes from members",
	"data-dir":                    "is in the member's volume",
	"listen-client-urls":          "comes from where the member runs",
	"listen-client-http-urls":     "would open a listener that nothing here knows of",
	"listen-peer-urls":            "comes from where the member runs",
	"advertise-client-urls":       "comes from where the member runs",
	"initial-advertise-peer-urls": "comes from where the member runs",
	"initial-cluster":             "comes from members",
	"initial-cluster-state":       "comes from bootstrap",
	"config-file":                 "would make etcd ignore every other setting",
	"force-new-cluster":           "would make each member a cluster of its own",
	"version":                     "would make etcd print its version and exit",
	"auto-tls":                    "comes from tls",
	"client-cert-auth":            "comes from tls",
	"peer-auto-tls":               "comes from tls",
	"peer-client-cert-auth":       "comes from tls",
}

// clientAuthentication are the settings that ask for client certificates.
var clientAuthentication = map[string]bool{
	"client-cert-auth": true, "trusted-ca-file": true, "client-crl-file": true,
	"peer-client-cert-auth": true, "peer-trusted-ca-file": true, "peer-crl-file": true,
}

// ownedPrefixes are groups of settings that other keys decide.
var ownedPrefixes = map[string]string{
	"discovery": "comes from bootstrap",
	"proxy":     "would make the member a proxy",
}

func owner(name string) string {
	if why, ok := ownedSettings[name]; ok {
		return why
	}
	if strings.HasSuffix(name, "-file") {
		return "comes from tls"
	}
	for prefix, why := range ownedPrefixes {
		if name == prefix || strings.HasPrefix(name, prefix+"-") {
			return why
		}
	}
	return ""
}

var variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// environment checks variables that are not etcd's.
func (r *resolver) environment(path string, env map[string]string) {
	for name, value := range env {
		at := path + "." + name
		switch {
		case !variablePattern.MatchString(name):
			r.report(at, "is not a variable's name: letters, digits and underscores, not beginning with a digit")
		case name == unsupportedArch:
			r.unsupportedArch(at, value)
		case strings.HasPrefix(name, "ETCD_"):
			r.report(at, "is a setting of etcd: %s", placeOf(SettingName(name)))
		case strings.HasPrefix(name, "ETCDCTL_"):
			r.report(at, "is etcdctl's, which is set up for the member already; a variable here would make the same flag fatal")
		case strings.ContainsRune(value, 0):
			r.report(at, "has a zero byte, which no environment can carry")
		}
	}
}

// placeOf tells where a setting is written, which is where it is checked.
func placeOf(name string) string {
	switch key, why := KeyOf(name); key {
	case "":
		return "it can't be set, since it " + why
	case name:
		return "write it at the top level as " + name + ", where it is checked"
	}
	return "write it under settings as " + name + ", where it is checked"
}

// unsupportedArch is a variable of etcd that no flag stands for: it has to name
// the architecture before etcd starts on one that it is not tested on.
const unsupportedArch = "ETCD_UNSUPPORTED_ARCH"

func (r *resolver) unsupportedArch(at, value string) {
	if !archPattern.MatchString(value) {
		r.report(at, "must be an architecture by Go's name for it, such as arm or riscv64, not %q", value)
		return
	}
	r.warn(at, "lets etcd run on %s, which it is not tested on", value)
}

var archPattern = regexp.MustCompile(`^[a-z0-9]+$`)

// SettingName gives the setting that is meant by ETCD_MAX_TXN_OPS or
// --max-txn-ops. It may well be none.
func SettingName(written string) string {
	name := strings.ToLower(strings.TrimPrefix(strings.Trim(written, "-"), "ETCD_"))
	return strings.ReplaceAll(name, "_", "-")
}
