package lint

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dataRules are about what a member keeps.
var dataRules = []Rule{
	{
		ID: "data-not-kept", Severity: Error,
		Title:  "the data is not on a volume",
		Why:    "the data goes with the container: after `docker compose down`, or a new image, the member is empty",
		Source: "https://docs.docker.com/engine/storage/",
		Bad:    "    volumes: [\"etcd-data:/etcd-data\"]\n    environment:\n      ETCD_DATA_DIR: /var/lib/etcd",
		Good:   "    volumes: [\"etcd-data:/var/lib/etcd\"]\n    environment:\n      ETCD_DATA_DIR: /var/lib/etcd/data",
		check:  eachContainer(checkDataKept),
	},
	{
		ID: "data-in-tmp", Severity: Error,
		Title:  "the data is in a folder for what may go",
		Why:    "the machine empties it when it starts, or after some days",
		Source: "https://www.freedesktop.org/software/systemd/man/latest/tmpfiles.d.html",
		Bad:    "    volumes: [\"/tmp/etcd1:/var/lib/etcd\"]",
		Good:   "    volumes: [\"etcd1-data:/var/lib/etcd\"]",
		check:  eachMember(checkDataInTmp),
	},
	{
		ID: "data-dir-relative", Severity: Warning,
		Title:  "the data folder is relative",
		Why:    "it is below the folder that the process is started in, and that is the image's or the unit's choice: with the next one the member is empty",
		Source: docsConfiguration,
		Bad:    "      ETCD_DATA_DIR: data",
		Good:   "      ETCD_DATA_DIR: /var/lib/etcd/data",
		check:  checkDataDirRelative,
	},
	{
		ID: "data-of-root", Severity: Warning,
		Title:  "the data is on a volume of root's, and the member runs as somebody else",
		Why:    "a new volume is root's where the image has no such folder: the member ends with `permission denied`. As whom an image runs, and what it has in that folder, is known of upstream's and of those of `etcdctr image build` by their names: one of upstream's name that the engine has is looked at, for `etcdctr up` packs under that name what it can't pull; under another name nothing is said of it, and `doctor` names the cause where it fails",
		Source: "https://docs.docker.com/engine/storage/volumes/#populate-a-volume-using-a-container, and a run of an image of `etcdctr image build`",
		Bad:    "    image: localhost/etcd:v3.7.3\n    command: etcd --data-dir /data\n    volumes: [\"etcd-data:/data\"]",
		Good:   "    image: localhost/etcd:v3.7.3\n    user: \"0\"\n    command: etcd --data-dir /data\n    volumes: [\"etcd-data:/data\"]",
		check:  checkDataOwner,
	},
	{
		ID: "unsafe-no-fsync", Severity: Warning, Choice: true,
		Title:  "writes are acknowledged before they are on the disk",
		Why:    "a power cut takes writes with it that clients were told are safe, and can leave data that no member starts with",
		Source: docsConfiguration,
		Bad:    "      ETCD_UNSAFE_NO_FSYNC: \"true\"",
		Good:   "      # without it, or with the data on a tmpfs if it may be lost",
		check:  eachMember(checkNoFsync),
	},
	{
		ID: "no-compaction", Severity: Warning,
		Title:  "old revisions are never dropped",
		Why:    "etcd keeps every revision of every key until the database reaches its quota and refuses all writes",
		Source: docsMaintenance + "#auto-compaction",
		Bad:    "    environment:\n      ETCD_NAME: etcd1",
		Good:   "    environment:\n      ETCD_NAME: etcd1\n      ETCD_AUTO_COMPACTION_MODE: periodic\n      ETCD_AUTO_COMPACTION_RETENTION: 1h",
		check:  inUse(checkCompaction),
	},
	{
		ID: "no-quota", Severity: Note,
		Title:  "there is no word on how large the database may grow",
		Why:    "at etcd's default of 2 GiB all writes are refused, which surprises whoever never chose it",
		Source: docsMaintenance + "#space-quota",
		Bad:    "    environment:\n      ETCD_NAME: etcd1",
		Good:   "    environment:\n      ETCD_NAME: etcd1\n      ETCD_QUOTA_BACKEND_BYTES: \"2147483648\"",
		check:  inUse(checkQuota),
	},
	{
		ID: "quota-large", Severity: Warning, Choice: true,
		Title:  "the quota is larger than etcd recommends",
		Why:    "a database that large takes minutes to start, to send to a member that has lost its own and to defragment, and as much memory",
		Source: "https://etcd.io/docs/v3.6/dev-guide/limit/#storage-size-limit",
		Bad:    "      ETCD_QUOTA_BACKEND_BYTES: \"99999999999\"",
		Good:   "      ETCD_QUOTA_BACKEND_BYTES: \"8589934592\"",
		check:  eachMember(checkLargeQuota),
	},
}

// goesAlong is said where a remedy leads a member to another data folder.
const goesAlong = "what it holds by now does not come along: `etcdctr adopt` takes it over, `etcdctr backup --endpoints` keeps it"

func checkDataKept(m *Member, c *Container, r *reporter) {
	if c.v.get("volumes_from").kind != null {
		return
	}
	for _, dir := range []string{m.dataDir(), m.get("wal-dir")} {
		if dir == "" || unknown(dir) {
			continue
		}
		if !path.IsAbs(dir) && len(c.Mounts) > 0 {
			continue // it may be on one of them: see data-dir-relative
		}
		if _, ok := c.mountAt(dir); ok && path.IsAbs(dir) {
			continue
		}
		at := m.at("data-dir")
		message := fmt.Sprintf("no volume is mounted at %s, where the data is", dir)
		if elsewhere := c.dataMounts(m); len(elsewhere) > 0 {
			message = fmt.Sprintf("the data is in %s, and the volume at %s", dir, elsewhere[0].target)
			at = elsewhere[0].at
		}
		remedy := fmt.Sprintf("mount a volume at %s, and name it under volumes", dir)
		if !path.IsAbs(dir) {
			remedy = "set data-dir to a folder such as /var/lib/etcd, mount a volume there, and name it under volumes"
		}
		r.in(m, found{at: at, message: message, remedy: remedy + "; " + goesAlong, unkept: true})
	}
}

// checkDataOwner knows whose a volume is that the file has the engine make, and that
// nothing else in it writes to. A folder of the host is whose it is. Of a container that an
// engine tells of it is known only that it ended with an error.
func checkDataOwner(s *Stack, r *reporter) {
	for _, m := range s.Members {
		if m.Container == nil {
			continue
		}
		c := m.Container
		mnt, mounted := c.mountAt(m.dataDir())
		switch {
		case !mounted || mnt.kind != "volume":
		case s.Kind == ComposeProject && s.makesVolume(mnt.source) && !s.sharesVolume(c, mnt.source):
			if user, remedy := c.runsAs(); c.lacks(user, mnt, packedData) {
				r.in(m, found{
					at: mnt.at, message: fmt.Sprintf("the volume at %s is root's when it is made, and the member runs as user %s", mnt.target, user),
					remedy: remedy,
				})
			}
		case s.Kind == Containers && c.failed:
			if user, remedy := c.runsAs(); c.lacks(user, mnt, packedData[:1]) { // those packed before have no more
				r.in(m, found{
					at: mnt.at, message: fmt.Sprintf("the member ended with an error, and runs as user %s: the volume at %s is root's where nobody gave it away", user, mnt.target),
					remedy: remedy,
				})
			}
		}
	}
}

// lacks tells whether a user finds a new volume to be root's: it is none, and the image has
// no folder there that is the user's. Folders are those that one of ours has.
func (c *Container) lacks(user string, mnt mount, folders []string) bool {
	if user == "" || user == "0" || user == "root" || unknown(user) {
		return false
	}
	return c.madeBy() != packed || user != packedUser || !slices.Contains(folders, mnt.target)
}

// madeBy is who made the image. One of upstream's name that runs as the user of those that
// are packed is one of these.
func (c *Container) madeBy() maker {
	if c.image.maker != upstream {
		return c.image.maker
	}
	user := ""
	switch {
	case c.v == nil: // as an engine tells it, with what the image says
		user = c.User
	case c.imageUser != nil:
		user = c.imageUser(c.Image)
	}
	if user, _, _ = strings.Cut(user, ":"); user == packedUser {
		return packed
	}
	return upstream
}

// runsAs is the user that a container runs as, and how it comes to data of root's; empty
// where that is the image's, and not known.
func (c *Container) runsAs() (user, remedy string) {
	user, _, _ = strings.Cut(c.User, ":")
	switch made := c.madeBy(); {
	case made == packed && (user == "" || user == packedUser):
		return packedUser, `set user: "0", as which upstream's image runs, or mount the volume at ` + packedData[0] + ", which is the image's user's"
	case made == packed, made == upstream:
		return user, "leave user out, or give the volume to that user, as root: `chown -R " + user + " \"$(docker volume inspect --format '{{.Mountpoint}}' VOLUME)\"`"
	}
	return "", ""
}

// makesVolume tells whether an engine is to make a volume, with nothing said of how.
func (s *Stack) makesVolume(name string) bool {
	e, declared := s.root.get("volumes").find(name)
	return declared && e.value.get("external").kind == null && e.value.get("driver_opts").kind == null
}

// sharesVolume tells whether another container has a volume, too: it may give it away.
func (s *Stack) sharesVolume(c *Container, name string) bool {
	return slices.ContainsFunc(s.Containers, func(o *Container) bool {
		return o != c && slices.ContainsFunc(o.Mounts, func(m mount) bool { return m.kind == "volume" && m.source == name })
	})
}

// dataMounts are volumes that look like they were meant for data: not those
// with certificates.
func (c *Container) dataMounts(m *Member) []mount {
	var out []mount
	for _, mnt := range c.Mounts {
		holds := slices.ContainsFunc(certificateSettings, func(name string) bool {
			return m.get(name) != "" && inFolder(m.get(name), mnt.target)
		})
		if mnt.kind != "tmpfs" && !holds && !mnt.readOnly {
			out = append(out, mnt)
		}
	}
	return out
}

// passing are folders of a machine that it empties by itself.
var passing = []string{"/tmp", "/var/tmp", "/dev/shm", "/run", "/var/run"}

func checkDataInTmp(m *Member, r *reporter) {
	dir, at := m.dataDir(), m.at("data-dir")
	if m.Container != nil {
		mnt, ok := m.Container.mountAt(dir)
		if !ok || mnt.kind != "bind" {
			return
		}
		dir, at = mnt.source, mnt.at
	}
	for _, p := range passing {
		if path.IsAbs(dir) && inFolder(dir, p) {
			r.in(m, found{
				at: at, message: fmt.Sprintf("the data is in %s on the machine", dir),
				remedy: "take a volume, or a folder such as /var/lib/etcd, and move what is in it there while the member is stopped",
			})
			return
		}
	}
}

func checkDataDirRelative(s *Stack, r *reporter) {
	if s.Kind == Procfile {
		return // whose folder everything is in
	}
	for _, m := range s.Members {
		dir, ok := m.find("data-dir")
		if !ok || path.IsAbs(dir.Value) || strings.HasPrefix(dir.Value, "$") || strings.Contains(dir.Value, `:\`) || m.Container == nil && m.Home != "" {
			continue
		}
		remedy := "write the whole path, and mount a volume there"
		switch {
		case m.Container != nil && m.Home == "":
			remedy += "; " + goesAlong
		case m.Home != "":
			remedy = fmt.Sprintf("write the whole path, which is %s now, and mount a volume there", m.dataDir())
		}
		r.in(m, found{
			at: dir.At, message: fmt.Sprintf("the data folder %q is relative", dir.Value),
			remedy: remedy, unkept: m.Container != nil && m.Home == "",
		})
	}
}

func checkNoFsync(m *Member, r *reporter) {
	if !m.isTrue("unsafe-no-fsync") {
		return
	}
	if m.Container != nil {
		if mnt, ok := m.Container.mountAt(m.dataDir()); ok && mnt.kind == "tmpfs" {
			return // there is nothing to lose
		}
	}
	r.in(m, found{at: m.at("unsafe-no-fsync"), message: "unsafe-no-fsync acknowledges writes that are in memory only", remedy: "leave it out"})
}

// inUse is eachMember for what does not matter on a machine's own loopback, where
// somebody develops.
func inUse(check func(*Member, *reporter)) func(*Stack, *reporter) {
	each := eachMember(check)
	return func(s *Stack, r *reporter) {
		if !s.development() {
			each(s, r)
		}
	}
}

func checkCompaction(m *Member, r *reporter) {
	value, mode := m.get("auto-compaction-retention"), m.get("auto-compaction-mode")
	if m.Container != nil && m.Container.helps() || unknown(value) || unknown(mode) {
		return
	}
	if _, written := m.find("auto-compaction-mode"); written && value == "0" && m.Ours {
		return // switched off by name
	}
	switch keeps := retention(mode, value); {
	case keeps == 0:
		nothingDropped(m, r)
	case mode == "revision" && keeps > manyRevisions:
		r.in(m, found{
			at:      m.at("auto-compaction-retention"),
			message: fmt.Sprintf("nothing drops old revisions: %s is a time, which etcd reads as %d revisions in this mode", value, keeps),
			remedy:  "set auto-compaction-mode to periodic, or auto-compaction-retention to a number of revisions, such as 10000",
		})
	}
}

// manyRevisions are more than a database within any quota has.
const manyRevisions = int64(time.Second)

// retention is what etcd makes of a setting: nanoseconds, or a number of revisions. Zero
// keeps all. In mode revision a time is taken for the number of its nanoseconds.
func retention(mode, value string) int64 {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case value == "":
		return 0
	case err == nil && mode != "revision":
		return n * int64(time.Hour)
	case err == nil:
		return n
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return 1 // etcd refuses it: see the rule about values
	}
	return int64(d)
}

func nothingDropped(m *Member, r *reporter) {
	fix := m.adding([2]string{"auto-compaction-mode", "periodic"}, [2]string{"auto-compaction-retention", "1h"})
	if m.has("auto-compaction-mode") || m.has("auto-compaction-retention") {
		fix = nil
	}
	r.in(m, found{
		at: m.at("auto-compaction-retention"), message: "nothing drops old revisions",
		remedy: "set auto-compaction-mode to periodic and auto-compaction-retention to what watchers may lag behind, such as 1h", fix: fix,
	})
}

// has tells whether a setting is written at all.
func (m *Member) has(name string) bool {
	return slices.ContainsFunc(m.Settings, func(s Setting) bool { return s.Name == name })
}

// adding is a fix that adds settings.
func (m *Member) adding(settings ...[2]string) func(*editor) {
	return func(e *editor) {
		for _, s := range settings {
			m.host.add(e, variableOf(s[0]), s[0], s[1])
		}
	}
}

// twoGiB is etcd's default quota, and maxQuota what it warns above.
const (
	twoGiB   = 2 << 30
	maxQuota = 8 << 30
)

func checkLargeQuota(m *Member, r *reporter) {
	if n, err := strconv.ParseInt(m.get("quota-backend-bytes"), 10, 64); err == nil && n > maxQuota {
		r.in(m, found{
			at: m.at("quota-backend-bytes"), message: fmt.Sprintf("quota-backend-bytes is %d, and etcd recommends %d at most", n, maxQuota),
			remedy: fmt.Sprintf("set it to %d or less, and keep what is larger elsewhere", maxQuota),
		})
	}
}

func checkQuota(m *Member, r *reporter) {
	if m.has("quota-backend-bytes") || m.Container != nil && m.Container.helps() {
		return
	}
	r.in(m, found{
		message: "quota-backend-bytes is not set",
		remedy:  fmt.Sprintf("set it to what the disk and the memory have room for: %d is etcd's default", twoGiB),
		fix:     m.adding([2]string{"quota-backend-bytes", strconv.Itoa(twoGiB)}),
	})
}
