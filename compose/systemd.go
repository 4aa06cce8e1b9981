package compose

import (
	"fmt"
	"math"
	"path"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// SystemUser is the user that members run as under systemd, on machines that
// may have it from their distribution's package of etcd.
const SystemUser = "etcd"

// SysusersFile makes SystemUser, with systemd-sysusers.
func SysusersFile() []byte {
	return fmt.Appendf(nil, "u %s - \"etcd\" %s\n", SystemUser, cluster.ContainerVolumeDir)
}

// UnitFileName and UnitEnvFileName are the names of a member's files for
// systemd.
func UnitFileName(c *cluster.Cluster, m cluster.Member) string {
	return cluster.UnitName(c.Name, m.Name) + ".service"
}

// UnitEnvFileName is the name of the file with a member's environment.
func UnitEnvFileName(c *cluster.Cluster, m cluster.Member) string {
	return cluster.UnitName(c.Name, m.Name) + ".env"
}

// ConfigDir is where both the environment files and the certificates of
// members are on a machine.
const ConfigDir = "/etc/etcd"

// UnitEnvFile gives a member's environment as systemd reads it.
func UnitEnvFile(m cluster.Member) []byte {
	return lines(m.Variables(), func(v cluster.Variable) string { return v.Name + "=" + quoteUnitEnv(v.Value) })
}

// unitEnvEscapes are what systemd.exec(5) undoes between double quotes: a
// backslash in front of any of these. Anything else, line ends too, it takes as
// it is.
var unitEnvEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")

func quoteUnitEnv(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return `"` + unitEnvEscapes.Replace(value) + `"`
}

// UnitMark is the file beside a member's environment that says that it has served from its
// data: without that its unit does not start it any more.
func UnitMark(c *cluster.Cluster, m cluster.Member) string {
	return path.Join(ConfigDir, cluster.UnitName(c.Name, m.Name)+".served")
}

// missData has a unit note that its member serves, and not start it without its data from
// then on: it would begin empty, and with others like it found a new cluster in the place
// of the old one. That is done by root, and outside of what confines the unit, since the
// mark is not to be lost together with the data.
func missData(c *cluster.Cluster, m cluster.Member) string {
	if c.Data == cluster.Memory {
		return ""
	}
	mark, log := unitWord(UnitMark(c, m)), unitWord(m.WALDir())
	return fmt.Sprintf(missTemplate, m.Name, mark, log)
}

const missTemplate = `
# Where its data is gone it would begin empty, and found another cluster with others like
# it: once it has served, it is not started without.
ExecStartPre=+/bin/sh -c 'test ! -e "$$1" || test -e "$$2" || { echo "%[1]s has served, and its data is gone ($$2): bring it back; or replace the member where the others serve; or delete $$1 to have it begin empty" >&2; exit 1; }' sh %[2]s %[3]s
ExecStartPost=-+/bin/sh -c 'echo "%[1]s has served: its unit does not start it without its data any more." >"$$1"' sh %[2]s
`

// Unit gives a member's service for systemd. program is the absolute path of an
// etcd on that machine, with the arguments that it takes to be one.
func Unit(c *cluster.Cluster, m cluster.Member, program string) []byte {
	folder := memberFolder(m, cluster.UnitName(c.Name, m.Name))
	return fmt.Appendf(nil, unitTemplate,
		c.Etcd, m.Name, c.Name,
		path.Join(ConfigDir, UnitEnvFileName(c, m)), program,
		int(math.Ceil(c.Upkeep.StopGrace.Seconds())),
		SystemUser, folder.service, folder.unit, missData(c, m))
}

// unitFolder is where a unit may write, as lines of two sections of its file.
type unitFolder struct{ unit, service string }

// folderOfUnit is one that systemd makes.
func folderOfUnit(unit string) unitFolder {
	return unitFolder{service: "StateDirectory=" + path.Join(path.Base(cluster.ContainerVolumeDir), unit) + "\nStateDirectoryMode=0700"}
}

// folderOfUser is one that is there. It is bound, since ReadWritePaths= lets nobody write
// below what ProtectHome= and PrivateTmp= hide; and what is mounted there comes first:
// without its disk a member would start empty.
func folderOfUser(folder string) unitFolder {
	word := unitWord(folder)
	return unitFolder{"RequiresMountsFor=" + word + "\n", "BindPaths=" + strings.ReplaceAll(word, ":", `\:`)}
}

// unitWord writes a path as one word of a unit.
func unitWord(file string) string { return strings.ReplaceAll(quotePath(file), "%", "%%") }

func memberFolder(m cluster.Member, unit string) unitFolder {
	if m.Store.Folder != "" {
		return folderOfUser(m.Store.Folder)
	}
	return folderOfUnit(unit)
}

// quotePath writes a path with blanks as one word.
func quotePath(folder string) string {
	if !strings.ContainsAny(folder, " \t\"'\\") {
		return folder
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(folder) + `"`
}

// unitTemplate is the unit of every member.
const unitTemplate = `# etcd %[1]s, %[2]s of the cluster %[3]s. Made by etcdctr.

[Unit]
Description=%[2]s of the etcd cluster %[3]s
Documentation=https://etcd.io/docs/
After=network-online.target
Wants=network-online.target
%[9]s
[Service]
# etcd says that it is ready once its cluster has a leader. At the first start
# that takes the other machines, however long they take.
Type=notify
TimeoutStartSec=infinity
EnvironmentFile=%[4]s
ExecStart=%[5]s
%[10]s
# A member that was removed from its cluster ends with 0, and must not come back
# on its old data.
Restart=on-failure
RestartSec=5s
TimeoutStopSec=%[6]ds

User=%[7]s
Group=%[7]s
%[8]s
UMask=0077
LimitNOFILE=65536

# It needs its data, its network and nothing else of the machine.
` + confinement

// confinement is what no unit needs, and what installs it.
const confinement = `CapabilityBoundingSet=
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=tmpfs
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target
`
