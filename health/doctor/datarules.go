package doctor

// dataRules are of what is in a member's data folder.
func dataRules() []rule {
	const newer = "its data was last written by etcd $1, and this one is older: the way back begins with `etcdctl downgrade enable` while all run $1; " +
		"where the description names an image, name that of $1"
	release := Remedy{Kind: UpRelease, Value: "$1"}
	return []rule{
		{
			pattern: re(`crc mismatch|walpb: crc mismatch|wal: crc mismatch`),
			cause:   "its write-ahead log is damaged: a checksum is wrong", fault: damagedData,
		},
		{
			pattern: re(`failed to recover v3 backend from snapshot`),
			cause:   "its database does not go with its snapshot: one of the two is damaged or was put there by hand", fault: damagedData,
		},
		{
			pattern: re(`failed to open database|freelist: .*(?:corrupt|invalid)|invalid database|file size too small|bbolt.*(?:panic|corrupt)`),
			cause:   "its database is damaged", fault: damagedData,
		},
		{
			pattern: re(`wal: (?:slice bounds out of range|max entry size limit exceeded|file not found|snapshot mismatch)|snap: .*(?:empty snapshot|crc mismatch)|failed to (?:read WAL|open WAL)`),
			cause:   "its write-ahead log is damaged or incomplete", fault: damagedData,
		},
		{ // a record that is cut or changed without its checksum being looked at first
			pattern: re(`discovery failed: (?:proto: |unexpected EOF)`),
			cause:   "its write-ahead log is damaged: a record in it can't be read", fault: damagedData,
		},
		{
			pattern: re(`runtime error: invalid memory address or nil pointer dereference|cannot use none as id`),
			cause:   "it crashes on its own data: an empty or cut-off write-ahead log does that", fault: damagedData,
		},
		{ // on a log that it has made anew it elects a leader, and 3.6 and 3.7 serve nobody
			pattern: re(`^starting local member`),
			with:    re(`^restore consistentIndex: [1-9]`),
			cause: "its write-ahead log is gone and its database is there, as where the disk of its wal-dir is not mounted: " +
				"stop it and bring the log back, with which it serves as before", fault: damagedData,
		},
		{
			pattern: re(`detected disallowed (?:custom content in v2store|v2 WAL)`),
			cause: "its data or its log holds keys of the v2 API, which etcd from 3.6 on refuses: go back to 3.5 with enable-v2, " +
				"delete the v2 keys there, set snapshot-count to 5 and write thirty keys more so that they leave the log, and upgrade again; " +
				"`etcdutl check v2store` of 3.5 tells whether they have",
			remedy: Remedy{Kind: UpRelease, Value: "3.5"},
		},
		{
			pattern: re(`unmarshal should never fail`),
			cause: "its log still holds entries of 3.5, which 3.7 can't read: go back to 3.6, from which `etcdctr up --etcd 3.7` has all members write a snapshot first; " +
				"by hand that is `etcdctl downgrade enable 3.5`, and once the cluster version is 3.5.0 `etcdctl downgrade cancel`, and 3.7 once it is 3.6.0",
			remedy: Remedy{Kind: UpRelease, Value: "3.6"},
		},
		{
			pattern: re(`invalid downgrade; server version is lower than determined cluster version: (3\.\d+)`),
			cause:   newer, remedy: release,
		},
		{
			pattern: re(`version "(3\.\d+)\.\d+" is not supported`), // of the data
			cause:   newer, remedy: release,
		},
		{
			pattern: re(`tocommit\(\d+\) is out of range`),
			cause:   "it has lost data that it had confirmed, and must not go on under its old ID", fault: lostData,
		},
		{
			pattern: re(`member (\w+) has already been bootstrapped`),
			cause:   "its data is gone, and the others still know it as member $1", fault: lostData,
		},
	}
}

// placeRules are of where a member belongs.
func placeRules() []rule {
	return []rule{
		{
			pattern: re(`discovery: size key not found`),
			cause:   "its discovery token was never made, or has been removed", fault: tokenUnknown,
		},
		{
			pattern: re(`discovery: size key is bad|size key is bad`),
			cause:   "its discovery token does not hold a number of members", fault: tokenUnknown,
		},
		{
			pattern: re(`discovery: cluster is full`),
			cause:   "its discovery token has as many members as it was made for: this is one too many, or the token was used before", fault: tokenFull,
		},
		{
			pattern: re(`member has been permanently removed from the cluster|removed from the cluster permanently|data-dir used by this member must be removed`),
			cause:   "it was removed from the cluster, and can't go on with its old data", fault: removed,
		},
		{
			pattern: re(`member count is unequal`),
			cause:   "the cluster that it is to join has another number of members than its initial-cluster: correct the members in the cluster file", fault: notAdded,
		},
		{
			pattern: re(`PeerURLs: no match found for existing member`),
			cause:   "the cluster that it is to join has members at other URLs than its initial-cluster: correct the members in the cluster file", fault: notAdded,
		},
		{
			pattern: re(`cluster ID mismatch`),
			cause:   "it is a member of another cluster than its peers: it was started on old data, or it did not find them the first time", fault: estranged,
		},
	}
}
