package converge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
)

// The kinds of change under names that do not meet those of steps and verbs.
const (
	missing = runtime.Missing
	differs = runtime.Replace
)

// refuse tells all that stands against making the description true.
func (c *scene) refuse() (*Step, error) {
	if err := c.refuseSeveral(); err != nil {
		return nil, err
	}
	return nil, errors.Join(c.refuseForeign(), c.refuseTLS(), c.refuseWeaker(), c.refuseMoved(), c.refuseWhole(), c.refuseRelease(), c.refuseUsers())
}

// refuseUnfinished: members that a restoration has come to have another history than
// those that it has not, and one of them without the others is no cluster.
func (c *scene) refuseUnfinished() (*Step, error) {
	if refusal := Unfinished(c.Have); refusal != nil {
		return nil, refusal
	}
	return nil, nil
}

// refuseUnlinked: what a member has only while it runs is not taken from it by a verb that
// keeps data.
func (c *scene) refuseUnlinked() (*Step, error) {
	if c.Asked.Verb == Down && c.Asked.Data {
		return nil, nil
	}
	for _, p := range c.those((*part).isThere, c.asksFor) {
		if p.server.Unlinked {
			refusal, then := Unlinked(c.Have, p.server)
			refusal.Remedy.Text = "keeps that, and " + then
			return nil, refusal
		}
	}
	return nil, nil
}

// Unlinked refuses to stop a member whose data is there only while it runs. The remedy
// keeps that, and then tells what gives the member data again.
func Unlinked(have *runtime.State, m runtime.Server) (refusal *Refusal, then string) {
	where := ""
	if m.DataAt != "" {
		where = " from " + m.DataAt
	}
	then = "`etcdctr restore` brings it back after that"
	if len(have.Present()) > 2 {
		then = fmt.Sprintf("`etcdctr member replace %s` has the others give it theirs after that", m.Name)
	}
	return &Refusal{
		Server: m.Name, Reason: fmt.Sprintf("its data was deleted%s while it runs: what it holds is gone when it stops", where),
		Remedy: Remedy{Command: []string{"backup"}},
	}, then
}

// Unfinished tells of a restoration that was not finished, as it is seen in a state; nil
// if there is none.
func Unfinished(have *runtime.State) *Refusal {
	var waiting []string
	var by runtime.Restoration
	for _, m := range have.Members() {
		if m.Restoring != nil {
			waiting, by = append(waiting, m.Name), *m.Restoring
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	refusal := &Refusal{
		Reason: fmt.Sprintf("a restoration was not finished: the data that it has made for %s has not taken its place", listed.And(waiting)),
		Remedy: Remedy{Command: by.Again, Text: "finishes it; `etcdctr restore --undo` brings back what was there"},
	}
	if len(by.Again) == 0 {
		refusal.Remedy.Text = "the same restoration once more finishes it; `etcdctr restore --undo` brings back what was there"
	}
	return refusal
}

// refuseSeveral: members of several clusters answer. Which of them is meant, and
// whose data may be put away, is not for a program to decide.
func (c *scene) refuseSeveral() error {
	clusters := c.view.Clusters()
	if len(clusters) < 2 {
		return nil
	}
	var groups []string
	for id, of := range clusters {
		groups = append(groups, fmt.Sprintf("%s in %s", listed.And(of), id))
	}
	slices.Sort(groups)
	return &Refusal{
		Reason: fmt.Sprintf("%d clusters answer instead of one: %s", len(clusters), strings.Join(groups, "; ")),
		Remedy: c.leaveOne(clusters),
	}
}

// leaveOne says how one of several clusters is left. What was recovered on other
// machines is met by the former members once theirs are back; none of these is wanted
// any more.
func (c *scene) leaveOne(clusters map[member.ID][]string) Remedy {
	var strangers []string
	wanted, meant := names(c.those((*part).isWanted)), 0
	for _, of := range clusters {
		if slices.ContainsFunc(of, func(name string) bool { return slices.Contains(wanted, name) }) {
			meant++
			continue
		}
		strangers = append(strangers, of...)
	}
	if meant != 1 {
		return Remedy{Text: "`etcdctr doctor` says which of them has served before, where that is known; stop those that are not meant with `etcdctr stop NAME`, and `etcdctr member replace NAME` lets each join the other"}
	}
	slices.Sort(strangers)
	return Remedy{Command: append([]string{"stop"}, strangers...), Text: "if what clients wrote there is not needed: the description does not name them"}
}

// LostAuthority is what helps a cluster whose authority was taken out of its folder.
const LostAuthority = "put the folder of certificates back that they were made in, or name it with --certs-dir; if it is gone for good, " +
	"`etcdctr down`, then `etcdctr up`: all members start anew with the new ones, on the data that they have, and clients need new ones too"

// refuseForeign: servers of this name are another folder's cluster.
func (c *scene) refuseForeign() error {
	for _, change := range c.Changes {
		if change.Kind != runtime.Foreign {
			continue
		}
		if c.Asked.Here {
			return &Refusal{
				Server: change.Server,
				Reason: fmt.Sprintf("%s runs, and does not accept the certificates of this folder, although it was started here: they are not those that its members have", c.Want.Name),
				Remedy: Remedy{Text: LostAuthority},
			}
		}
		elsewhere := ""
		if c.Have != nil && c.Have.Folder != "" {
			elsewhere = ", started in " + c.Have.Folder
		}
		return &Refusal{
			Server: change.Server,
			Reason: fmt.Sprintf("there is a running %s%s, and it does not accept the certificates of this one", c.Want.Name, elsewhere),
			Remedy: Remedy{Text: "--name starts another cluster beside it, --certs-dir names its certificates"},
		}
	}
	return nil
}

// refuseTLS: what can't go over from one way to secure connections to another while
// the cluster serves. Members of two of them can't talk to each other, unless there
// is a bridge.
func (c *scene) refuseTLS() error {
	if crosses, _ := c.crossing(); crosses {
		if refusal := c.refuseCrossing(); refusal != nil {
			return refusal
		}
		return nil
	}
	for _, p := range c.those((*part).isWanted, (*part).isThere, (*part).holds) {
		was, is := p.server.TLS(), c.Want.TLS
		if was == is || len(p.server.Settings) == 0 {
			continue
		}
		leave := fmt.Sprintf("--tls %s leaves it at that", was)
		if was == cluster.NoTLS || is == cluster.NoTLS {
			return &Refusal{
				Server: p.name,
				Reason: fmt.Sprintf("its data is of a cluster with --tls %s, and cannot go over to %s: etcd keeps the URLs of its peers there", was, is),
				Remedy: Remedy{Text: leave},
			}
		}
		if c.Have.Runs() {
			return &Refusal{
				Server: p.name,
				Reason: fmt.Sprintf("the members run with --tls %s, and cannot go over to %s one after the other", was, is),
				Remedy: Remedy{Command: []string{"down"}, Text: "and `etcdctr up` bring that about and keep the data; " + leave},
			}
		}
	}
	return nil
}

// refuseWeaker: what makes the cluster weaker has to be said, not left out.
func (c *scene) refuseWeaker() error {
	var weaker, flags []string
	for _, change := range c.Changes {
		if change.Kind != differs {
			continue
		}
		for _, d := range change.Differences {
			if cluster.Weakens(d.Name, d.Was, d.Is) && !slices.Contains(c.Asked.Weaken, d.Name) && !slices.Contains(flags, d.Name) {
				flags = append(flags, d.Name)
				weaker = append(weaker, d.String())
			}
		}
	}
	if c.Want != nil && c.Want.Data == cluster.Memory && !slices.Contains(c.Asked.Weaken, "data") &&
		len(c.those((*part).isWanted, func(p *part) bool { return p.there && p.server.Data == runtime.Kept })) > 0 {
		flags, weaker = append(flags, "data"), append(weaker, "data: volume → memory")
	}
	if c.unprotects() {
		flags, weaker = append(flags, "protect"), append(weaker, "protect: true → false")
	}
	if len(weaker) == 0 {
		return nil
	}
	return &Refusal{
		Reason: "this would make the cluster weaker: " + strings.Join(weaker, ", "),
		Remedy: Remedy{Text: "if it is meant, say it in the cluster file, which says nothing of " + strings.Join(keysOf(flags), ", ")},
	}
}

// unprotects: data that is protected would be so no more by the file that Docker Compose is
// given.
func (c *scene) unprotects() bool {
	return c.Want != nil && !c.Want.Protect && !slices.Contains(c.Asked.Weaken, "protect") &&
		slices.ContainsFunc(c.Have.Members(), func(m runtime.Server) bool { return m.Protected })
}

// refuseMoved: data that somebody has put in its place is neither moved nor left
// behind by a change of the description, and neither is the log of any.
func (c *scene) refuseMoved() error {
	for _, p := range c.those((*part).isWanted, (*part).isThere, (*part).holds) {
		if p.change == nil {
			continue
		}
		if err := p.refuseLogMoved(); err != nil && !c.forgets(p) {
			return err
		}
		if !p.spec.Store.Given() && !p.server.Lent {
			continue
		}
		for _, d := range p.change.Differences {
			if d.Name != runtime.Volume && d.Name != "data-dir" || d.Was == "" || d.Is == "" {
				continue
			}
			return &Refusal{
				Server: p.name,
				Reason: fmt.Sprintf("its data is in %s, and would be looked for in %s", d.Was, d.Is),
				Remedy: Remedy{Text: "leave data as it was; or describe a member of another name in its place, which has its data there: `etcdctr up` lets that join, and this one leave"},
			}
		}
	}
	return nil
}

// refuseLogMoved: etcd that finds no log where it looks for one takes itself for new, and
// its data for that of nobody.
func (p *part) refuseLogMoved() error {
	const inData = "its data folder"
	for _, d := range p.change.Differences {
		if d.Name != "wal-dir" {
			continue
		}
		return &Refusal{
			Server: p.name,
			Reason: fmt.Sprintf("its log is in %s, and would be looked for in %s, where there is none", cmp.Or(d.Was, inData), cmp.Or(d.Is, inData)),
			Remedy: Remedy{Text: "leave wal-dir as it was; or describe a member of another name in its place, which has its log there: `etcdctr up` lets that join, and this one leave"},
		}
	}
	return nil
}

// keysOf are the cluster file's keys for what makes a cluster weaker.
func keysOf(names []string) []string {
	var keys []string
	for _, name := range names {
		switch {
		case name == runtime.Published:
			name = "publish"
		case strings.HasSuffix(name, "client-cert-auth"), strings.HasSuffix(name, "-file"):
			name = "tls"
		}
		if !slices.Contains(keys, name) {
			keys = append(keys, name)
		}
	}
	return keys
}

// refuseWhole: what can change only while nothing runs costs the quorum.
func (c *scene) refuseWhole() error {
	if !c.quorum {
		return nil
	}
	for _, change := range c.Changes {
		if change.Whole {
			return &Refusal{
				Server: change.Server,
				Reason: fmt.Sprintf("%s: that can only change while no member runs, and they serve", change),
				Remedy: Remedy{Command: []string{"down"}, Text: "and `etcdctr up` bring that about and keep the data"},
			}
		}
	}
	return nil
}

// refuseAbsent: a verb about servers that are not there.
func (c *scene) refuseAbsent() (*Step, error) {
	if c.Have == nil || len(c.Have.Servers) == 0 {
		return nil, &Refusal{Reason: "there is nothing of this cluster", Remedy: Remedy{Command: []string{"up"}, Text: "starts it"}}
	}
	for _, name := range c.Asked.Servers {
		if _, ok := c.Have.Server(name); !ok {
			return nil, &Refusal{Server: name, Reason: "there is no such server", Remedy: Remedy{Command: []string{"ps"}, Text: "lists those that there are"}}
		}
	}
	return nil, nil
}

// refuseEmpty: a member without data can't just be started among others.
func (c *scene) refuseEmpty() (*Step, error) {
	for _, p := range c.those((*part).isCounted, (*part).isThere, c.asksFor, not((*part).serves)) {
		if !p.holds() && !p.runs() {
			return nil, c.needsUp(p)
		}
	}
	return nil, nil
}

func (c *scene) refuseReplace() (*Step, error) {
	for _, name := range c.Asked.Servers {
		if !slices.ContainsFunc(c.all, func(p *part) bool { return p.wanted && p.name == name }) {
			return nil, &Refusal{Server: name, Reason: "it is no member in the description", Remedy: Remedy{Command: []string{"ps"}, Text: "lists the members"}}
		}
	}
	electing := c.those((*part).isWanted, (*part).holds, c.mayElect)
	if !c.quorum && len(electing) > len(c.those((*part).isWanted))/2 {
		return c.awaitServing(electing, electionCause), nil
	}
	holders := c.those((*part).holds)
	begins := func(p *part) bool { return !p.runs() || c.started(p.name) && !c.done(p.name, AwaitServing) }
	switch {
	case c.quorum, len(holders) == 0, !c.Have.Runs(), slices.ContainsFunc(holders, begins):
		return nil, nil
	case len(holders) > len(c.those((*part).isWanted))/2:
		return nil, &Refusal{
			Reason: fmt.Sprintf("%s run, and agree on no leader", strings.Join(names(holders), ", ")),
			Remedy: Remedy{Command: []string{"doctor"}, Text: "names the cause"},
		}
	}
	return nil, c.noQuorum(names(holders))
}

// noQuorum: what is left can't agree on anything any more.
func (c *scene) noQuorum(left []string) *Refusal {
	return &Refusal{
		Reason: fmt.Sprintf("the cluster has lost its quorum: of its members only %s still %s data", listed.And(left), listed.Of(len(left), "has", "have")),
		Remedy: Remedy{Command: []string{"recover"}, Text: "rebuilds the cluster from it; nothing of it is deleted. Where data of the others was moved or renamed, put that back instead"},
	}
}

// moving is how a member goes on whose machine is lost, by the key that says where it is.
func moving(p *part) string {
	return fmt.Sprintf("bring its machine back; or give the member another %s, and `etcdctr up` has it take its place there as long as the others have a quorum", elsewhere(p))
}

// elsewhere are the keys that say where a member is.
func elsewhere(p *part) string {
	if p.server.Held != "" {
		return "node"
	}
	return "host and engine"
}

// whyAway is why nobody knows what a member does.
func whyAway(p *part) string {
	if p.server.Held != "" {
		return p.server.Held
	}
	return "its machine does not answer: " + p.server.Detail
}

// othersWait: with one member away, the quorum is one of which nobody may be missing.
func (c *scene) othersWait(p *part) *Refusal {
	refusal := c.awayRefusal(p)
	if !c.asksFor(p) {
		refusal.Reason = fmt.Sprintf("no other member is stopped while it is away, as the others may then be too few for a quorum: %s", whyAway(p))
	}
	return refusal
}

// awayRefusal: what is on a machine that does not answer can be neither seen nor changed.
func (c *scene) awayRefusal(p *part) *Refusal {
	return &Refusal{Away: true, Server: p.name, Reason: whyAway(p), Remedy: Remedy{Text: moving(p)}}
}

// withoutQuorum: none can come of the members that are left, which is what a lost machine
// needs where its member is to take another place.
func withoutQuorum(parts []*part) *Refusal {
	return &Refusal{
		Away:   true,
		Reason: fmt.Sprintf("%s not answer, and without that there is no quorum: %s", machinesDo(parts), causes(parts)),
		Remedy: Remedy{Text: fmt.Sprintf("bring %s lost for good, give the member another %s, and `etcdctr recover` rebuilds the cluster of what the others hold",
			listed.Of(len(parts), "it back; where it is", "them back; where they are"), elsewhere(parts[0]))},
	}
}

// machinesDo begins a sentence about what the machines of members do.
func machinesDo(parts []*part) string {
	return fmt.Sprintf("the %s of %s %s", listed.Of(len(parts), "machine", "machines"), listed.And(names(parts)), listed.Of(len(parts), "does", "do"))
}

// unseen: data of the cluster may be on machines that don't answer, and nowhere else.
// Whether there is any nobody knows.
func unseen(parts []*part) *Refusal {
	return &Refusal{
		Away:   true,
		Reason: fmt.Sprintf("%s not answer, and no data of the cluster is seen anywhere else: %s", machinesDo(parts), causes(parts)),
		Remedy: Remedy{Text: "put right what keeps it from being reached: what is there decides what comes next; or leave it out of the description"},
	}
}

// causes are why machines don't answer.
func causes(parts []*part) string {
	var list []string
	for _, p := range parts {
		list = append(list, p.name+": "+cmp.Or(p.server.Held, p.server.Detail))
	}
	return strings.Join(list, "; ")
}

// refuseAway: what is on a machine that does not answer may not be as wanted, and is
// not stopped.
func (c *scene) refuseAway() (*Step, error) {
	away := c.those((*part).away, c.asksFor, func(p *part) bool { return p.wanted || c.Asked.Verb.leaves() })
	if len(away) == 0 {
		return nil, nil
	}
	refusal := c.awayRefusal(away[0])
	if c.Asked.Verb == Stop {
		refusal.Remedy = Remedy{Text: "what it runs goes on, or comes back with its machine, and takes `etcdctr stop` again then"}
	}
	return nil, refusal
}

// unsure: a member that may serve others must not be touched blindly.
func (c *scene) unsure(p *part) *Refusal {
	details := p.end.Details
	if details == "" {
		details = p.end.ReadDetails
	}
	remedy := Remedy{Command: []string{"doctor"}, Text: "finds out why"}
	if p.server.Foreign && p.end.Trouble == member.Unreachable {
		remedy = Remedy{Text: "run this on the engine's machine, or have all members publish their client ports there; else stop all of them first, if they may answer nobody meanwhile"}
	}
	return &Refusal{Server: p.name, Reason: "it runs, and it can't be told whether it serves: " + details, Remedy: remedy}
}
