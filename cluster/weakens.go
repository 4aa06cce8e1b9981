package cluster

import "strconv"

// etcd's own quota of the database where none is set, in bytes.
const defaultQuota = 2 * gibibyte

// Weakens tells whether a change of a property makes a cluster weaker: less
// closed, less durable, or with less room. Such a change has to be asked for by
// name. The names are those of etcd's settings, and published (addresses on the
// host), data and profile.
func Weakens(name, was, is string) bool {
	switch name {
	case "quota-backend-bytes":
		return Quota(is) < Quota(was)
	case "unsafe-no-fsync":
		return was != "true" && is == "true"
	case "client-cert-auth", "peer-client-cert-auth":
		return was == "true" && is != "true"
	case "trusted-ca-file", "peer-trusted-ca-file", "client-crl-file", "peer-crl-file":
		return was != "" && is == ""
	case "published":
		return was == "" && is != ""
	case "data":
		return was == string(Volume) && is == string(Memory)
	case "profile":
		return was == Production && is != Production
	}
	return false
}

// Quota is what etcd makes of a value of its setting quota-backend-bytes, in bytes;
// negative for none.
func Quota(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == 0 {
		return defaultQuota
	}
	return n
}
