// Package backup keeps what a cluster holds in archives, and brings clusters
// back from them.
//
//	member.Client ──Take──▶ archive ──Unpack──▶ snapshot ──Restore──▶ runtime
//	data folder ──TakeFolder──┘  │
//	                             └──Verify, List, Prune
//
// An archive is one file: a tar archive compressed with zstd, which the usual
// tools read. It holds etcd's own snapshot (snapshot.db, checksum included), the
// cluster file, the public part of the authorities, what is known of all that
// (metadata.json) and, only if asked for, the certificates with their keys,
// encrypted. An archive is there whole or not at all: metadata.json comes last,
// and behind it where it begins, so that a cut-off archive is known by its end
// and a list of many archives reads some hundred bytes of each.
//
// Nothing here keeps a database in memory: see Take.
package backup
