// Package certs is the PKI of an etcd cluster, as files: authorities,
// the identities they vouch for, and what becomes of those over the years.
//
// etcd needs three kinds of certificate, here called profiles. A member shows
// its server certificate to clients and its peer certificate to other
// members; a client shows its client certificate to members. Clients and
// servers trust one authority and peers trust another, so that a client's
// certificate opens the client port and not the peer port, where etcd's
// replication has no users and no permissions.
//
// A PKI lives in one directory:
//
//	ca/client/                  the authority of servers and clients
//	ca/peer/                    the authority of peers
//	ca/single/                  instead of both, with Plan.SingleCA
//	members/etcd1/server/       what etcd1 shows to clients
//	members/etcd1/peer/         what etcd1 shows to other members
//	clients/root/client/        what an administrator shows to members
//	servers/proxy/server/       what a server outside the cluster shows
//
// An identity is a directory that always holds ca.crt (who it trusts), tls.crt
// (what it shows) and tls.key, and crl.der where a server reads one. It is
// replaced as a whole, so that no key ever lies beside another key's
// certificate: etcd reads the files again at each handshake, one after the
// other. Whoever mounts them into a container therefore mounts the directory
// above (members/etcd1, clients/root). In those of clients and other servers
// links lead to the files, so that they are called members/etcd1, clients/root
// and so on for short.
//
// The files are the only state. What a certificate says is kept when it is
// renewed, and PKI.Ensure compares a Plan with what is there.
package certs
