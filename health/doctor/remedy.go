package doctor

import (
	"cmp"
	"net/url"
	"strings"
)

// Remedy is what is to be done. It is a value, so that what following it does
// can be tried on a cluster that is only a model; its command line is made in
// one place, see commands.
type Remedy struct {
	Kind   Kind
	Member string // the member or members that it is about
	// Value is what else the kind takes: a release, a TLS mode, a port, a URL or a
	// member's ID.
	Value string
}

// Kind is a kind of remedy.
type Kind string

// The kinds. None of them deletes data that is not also elsewhere.
const (
	NoRemedy Kind = "" // there is nothing to be typed; the cause says what to know

	// What starts members, on the data that they have.
	Up          Kind = "up"
	UpTLS       Kind = "up with another TLS mode"
	UpRelease   Kind = "up with another release"
	Start       Kind = "start"
	Restart     Kind = "restart"
	CreateCerts Kind = "create certificates"
	RenewCerts  Kind = "renew certificates"
	ReloadCerts Kind = "restart with the certificates"
	NewToken    Kind = "make a discovery token"
	LetPass     Kind = "have the firewall let packets pass"

	// What changes who the members are. Each takes a quorum.
	Add     Kind = "add"     // a member that the cluster does not know
	Grow    Kind = "grow"    // to so many members as are there, of which nobody has said how many it has
	Join    Kind = "join"    // start one that was added and never started
	Remove  Kind = "remove"  // one that is not wanted
	Promote Kind = "promote" // give a learner its vote
	Replace Kind = "replace" // give up a member's own data for that of the others

	// What makes room in the database. Each takes a quorum.
	MakeRoom Kind = "compact, defragment and disarm"
	Disarm   Kind = "disarm"

	// What is left when there is no quorum.
	Recover Kind = "recover" // go on from the data of a survivor, running or not
	Restore Kind = "restore" // go on from a backup

	// What is left where members are of two clusters.
	Decide Kind = "decide which cluster is meant"

	// What is for whoever has the machine of a member.
	Return    Kind = "bring its machine back"
	ReturnAll Kind = "bring the machines back"
	Rebuild   Kind = "bring machines back, or rebuild the cluster without them"
	Reopen    Kind = "have its node take tasks"

	// What only looks.
	Logs         Kind = "look at the log"
	LookAtDisk   Kind = "look at the disk"
	LookAtPort   Kind = "look at the port"
	LookAtEngine Kind = "look at the engine's ports"
)

// commands are the kinds' command lines. FLAGS, WANTED and CERTS stand for the
// flags that say which cluster is meant, what up starts, and where its
// certificates are; DISK for the command that looks at the disk; THERE and ENGINE for
// what leads to the member's machine and to its engine; MEMBER and VALUE for what the
// remedy says. A kind without a line is done by hand.
var commands = map[Kind]string{
	Up:           "etcdctr up WANTED",
	UpTLS:        "etcdctr down FLAGS && etcdctr up WANTED --tls VALUE", // to go over while members run takes some that serve
	UpRelease:    "etcdctr up WANTED --etcd VALUE",
	Start:        "etcdctr start FLAGS MEMBER",
	Restart:      "etcdctr restart FLAGS MEMBER",
	CreateCerts:  "etcdctr certs create FLAGS && etcdctr up WANTED",
	RenewCerts:   "etcdctr certs renew CERTS",
	ReloadCerts:  "etcdctr certs create FLAGS && etcdctr restart FLAGS",
	NewToken:     "etcdctr discovery new",
	LetPass:      "THERE iptables -I FORWARD -i VALUE -m physdev --physdev-is-bridged -j ACCEPT && etcdctr up WANTED",
	Add:          "etcdctr up WANTED",
	Grow:         "etcdctr up WANTED --members VALUE",
	Join:         "etcdctr up WANTED",
	Remove:       "etcdctr up WANTED",
	Promote:      "etcdctr up WANTED",
	Replace:      "etcdctr member replace FLAGS MEMBER",
	MakeRoom:     "etcdctr compact FLAGS --recover",
	Disarm:       "etcdctr etcdctl FLAGS alarm disarm",
	Recover:      "etcdctr recover FLAGS",
	Logs:         "etcdctr logs FLAGS MEMBER",
	LookAtDisk:   "DISK",
	LookAtPort:   "THERE ss -ltnp sport = :VALUE",
	LookAtEngine: "docker ENGINE ps --filter publish=VALUE",
}

// isOfMember tells that the command is about the member whose log has said it.
func (k Kind) isOfMember() bool {
	return strings.Contains(commands[k], "MEMBER") || strings.Contains(commands[k], "ENGINE") || strings.Contains(commands[k], "THERE")
}

// hands say what to do where there is no command.
var hands = map[Kind]string{
	NoRemedy: "no command puts this right",
	Return: "bring the machine back, and the member goes on by itself; where it is lost for good and the others have a quorum, " +
		"give the member another host and engine and run `etcdctr up`",
	ReturnAll: "bring the machines back",
	Rebuild: "bring back what does not answer, and the members go on by themselves; what is lost for good is given another place in the " +
		"description (host and engine, or node), and `etcdctr recover` rebuilds the cluster of what the others hold",
	Reopen: "bring the node back, or let it take tasks with `docker node update --availability active`; " +
		"where it is lost for good and the others have a quorum, give the member another node and run `etcdctr up`",
	Decide: "find out which is meant: `etcdctr recover` goes on from what has come furthest, and sets aside what the others have; " +
		"`etcdctr stop NAME` and `etcdctr member replace NAME` set aside what NAME has",
	Restore: "`etcdctr restore FILE` brings a backup back, and sets aside the data that is there",
}

// byHand is what to do where there is no command.
func (r Remedy) byHand() string {
	if commands[r.Kind] != "" {
		return ""
	}
	return hands[r.Kind]
}

// command is the remedy's command line, to be typed; empty if it has none. All
// is filled in at once: what stands in a path is not a place to be filled in.
func (e Evidence) command(r Remedy) string {
	wanted := e.Wanted
	if wanted == nil {
		wanted = e.Flags
	}
	var words []string
	for word := range strings.SplitSeq(commands[r.Kind], " ") {
		switch word {
		case "FLAGS":
			words = append(words, e.Flags...)
		case "WANTED":
			words = append(words, wanted...)
		case "CERTS":
			words = append(words, e.CertsFlags...)
		case "MEMBER":
			words = append(words, strings.Fields(r.Member)...)
		case "ENGINE":
			m, _ := e.member(r.Member)
			words = append(words, m.engineFlags()...)
		case "THERE":
			m, _ := e.member(r.Member)
			words = append(words, m.shell()...)
		case "DISK":
			words = append(words, cmp.Or(e.Disk, "docker system df"))
		default:
			words = append(words, strings.Replace(word, "VALUE", r.Value, 1))
		}
	}
	return strings.Join(words, " ")
}

// shell runs a command on a member's machine, where its engine is reached by a shell of it.
func (m Member) shell() []string {
	at, err := url.Parse(m.Engine)
	if err != nil || at.Scheme != "ssh" {
		return nil
	}
	to := at.Hostname()
	if user := at.User.Username(); user != "" {
		to = user + "@" + to
	}
	if port := at.Port(); port != "" {
		return []string{"ssh", "-p", port, to}
	}
	return []string{"ssh", to}
}

// engineFlags lead the docker command to the engine of a member's machine.
func (m Member) engineFlags() []string {
	switch {
	case m.Engine == "":
		return nil
	case strings.Contains(m.Engine, "://"):
		return []string{"--host", m.Engine}
	}
	return []string{"--context", m.Engine}
}

// Looks reports whether the remedy's command only shows more of what is wrong.
func (r Remedy) Looks() bool {
	switch r.Kind {
	case Logs, LookAtDisk, LookAtPort, LookAtEngine:
		return true
	}
	return false
}

// waits reports whether nothing is to be done about it here.
func (r Remedy) waits() bool {
	switch r.Kind {
	case NoRemedy, Return, ReturnAll, Rebuild, Reopen:
		return true
	}
	return false
}

// starts reports whether the remedy starts members that are not running, all of
// them, with data and without.
func (r Remedy) starts() bool {
	switch r.Kind {
	case Up, UpTLS, UpRelease, CreateCerts, NewToken, LetPass:
		return true
	case Start:
		return r.Member == ""
	}
	return false
}
