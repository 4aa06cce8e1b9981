package certs

import (
	"path"
	"slices"
	"time"
)

// Condition is who vouches for whom, who trusts what, and until when: what the
// files say and, for as far as they were asked, what the running members say.
// It is all that a decision about certificates is made by.
type Condition struct {
	Authorities []Standing
	Identities  []Showing
	Answers     []Answer // of running members; none when nobody was asked
}

// Standing is how an authority is.
type Standing struct {
	Name      string // ca/client, ca/peer or ca/single
	Until     time.Time
	CanIssue  bool  // its key is here, and its time has come
	Stage     Stage // of its replacement that is done; empty: there is none
	Successor time.Time
	// Since is when it was made, of one that another was put away for; zero of others.
	Since time.Time
}

// Showing is what an identity shows to others.
type Showing struct {
	Name    string // members/etcd1/server, clients/root
	Member  string // whose it is, if a member's
	Profile Profile
	Until   time.Time
	Due     bool // for renewal
	Brought bool // from elsewhere: it cannot be renewed here
	Broken  bool // its files cannot be used
	Revoked bool // nobody accepts it, whoever vouches for it

	// Authority has issued it, in that role. Empty for one from elsewhere.
	Authority string
	By        Role
}

// Role is an authority's part in its replacement.
type Role string

// The roles.
const (
	Current Role = "current" // it issues
	Next    Role = "next"    // it will issue
	Old     Role = "old"     // it has issued, and is trusted still
	Gone    Role = "gone"    // it is not trusted any more by those who have read their files since
)

// Answer is what a running member was found to think of an authority.
type Answer struct {
	Member    string
	Authority string
	Role      Role
	Trusts    bool
}

// Condition looks at the files.
func (p *PKI) Condition() (Condition, error) {
	s, err := p.scan()
	if err != nil {
		return Condition{}, err
	}
	return p.conditionOf(s), nil
}

func (p *PKI) conditionOf(s *state) Condition {
	var c Condition
	for _, a := range s.authorities {
		if a.broken == nil {
			st := a.standing(p.now())
			if s.hasReplaced(a) {
				st.Since = a.current.notBefore().Add(backdate)
			}
			c.Authorities = append(c.Authorities, st)
		}
	}
	for i := range s.identities {
		c.Identities = append(c.Identities, p.showing(s, &s.identities[i]))
	}
	return c
}

// hasReplaced tells that an authority has taken the place of an earlier one. One that was given
// up before it did is put away as well, and is younger.
func (s *state) hasReplaced(a *authority) bool {
	return slices.ContainsFunc(s.retired, func(r *Authority) bool {
		return r.was == path.Base(a.name) && r.notBefore().Before(a.current.notBefore())
	})
}

func (a *authority) standing(now time.Time) Standing {
	st := Standing{Name: a.name, Until: a.current.notAfter(), CanIssue: a.ready(now) == nil}
	switch {
	case a.next != nil:
		st.Stage, st.Successor = Begin, a.next.notAfter()
	case a.old != nil:
		st.Stage = Switch
	case a.gone != nil:
		st.Stage = Finish
	}
	return st
}

func (p *PKI) showing(s *state, e *existing) Showing {
	sh := Showing{
		Name: e.name, Member: memberOf(e.name), Profile: e.profile,
		Broken: e.broken != nil, Brought: s.originOf(e) == brought,
	}
	cert := e.files.certificate()
	if cert == nil {
		return sh
	}
	sh.Until, sh.Due = cert.NotAfter, p.due(cert)
	if a := s.authorityFor(e.profile); a != nil && a.broken == nil {
		sh.Revoked = a.issued.revoked(cert) != nil
		for role, each := range a.roles() {
			if each != nil && s.signedBy(cert, each) {
				sh.Authority, sh.By = a.name, role
			}
		}
	}
	return sh
}

func (a *authority) roles() map[Role]*Authority {
	return map[Role]*Authority{Current: a.current, Next: a.next, Old: a.old, Gone: a.gone}
}

// Lagging lists the members that run with trust of an earlier stage: they do not
// trust an authority that is to issue, or trust one that is gone.
func (c Condition) Lagging() []string {
	var list []string
	for _, a := range c.Answers {
		if (a.Role == Next && !a.Trusts || a.Role == Gone && a.Trusts) && !slices.Contains(list, a.Member) {
			list = append(list, a.Member)
		}
	}
	return list
}

// at lists the authorities whose replacement has come to a stage.
func (c Condition) at(stage Stage) []string {
	var list []string
	for _, a := range c.Authorities {
		if a.Stage == stage {
			list = append(list, a.Name)
		}
	}
	return list
}

// Of is the condition of those authorities that vouch for some profiles, and what was
// answered of them; of all where none is named.
func (c Condition) Of(profiles ...Profile) Condition {
	if len(profiles) == 0 {
		return c
	}
	meant := func(authority string) bool {
		return slices.ContainsFunc(profiles, func(p Profile) bool {
			return authority == singleCA || (authority == peerCA) == (p == Peer)
		})
	}
	c.Authorities = slices.DeleteFunc(slices.Clone(c.Authorities), func(a Standing) bool { return !meant(a.Name) })
	c.Answers = slices.DeleteFunc(slices.Clone(c.Answers), func(a Answer) bool { return !meant(a.Authority) })
	return c
}

// Replacing reports whether a replacement of an authority is under way.
func (c Condition) Replacing() bool { return len(c.Underway()) > 0 }

// idle tells that there are authorities, and none is being replaced.
func (c Condition) idle() bool { return len(c.Authorities) > 0 && !c.Replacing() }

// Underway lists the authorities that are being replaced.
func (c Condition) Underway() []string {
	var list []string
	for _, a := range c.Authorities {
		if a.Stage != "" {
			list = append(list, a.Name)
		}
	}
	return list
}

// Move is what comes next in the replacement of authorities.
type Move struct {
	Kind        MoveKind
	Stage       Stage    // that is done; empty where it follows from how the files are
	Authorities []string // that it is about
	Members     []string // to be restarted
	Clients     []string // that have to be told, where a Rotation knows them
}

// MoveKind is a kind of Move.
type MoveKind string

// The moves.
const (
	DoStage MoveKind = "stage"   // the Stage of the Move's authorities that follows theirs
	Restart MoveKind = "restart" // members, one by one
	Confirm MoveKind = "confirm" // clients besides the cluster's own have to be told first
	Settle  MoveKind = "settle"  // the last authority can be put away
	Done    MoveKind = "done"

	GoBack   MoveKind = "go back"   // to the authorities that issued before
	StopAll  MoveKind = "stop all"  // members, before everything is replaced at once
	StartAll MoveKind = "start all" // after it
)

// Move decides what comes next. Members have been asked about every authority
// that is being replaced. confirmed says that those who connect from elsewhere
// have their new certificates.
func (c Condition) Move(confirmed bool) Move {
	if lagging := c.Lagging(); len(lagging) > 0 {
		return Move{Kind: Restart, Members: lagging}
	}
	if begun := c.at(Begin); len(begun) > 0 {
		return Move{Kind: DoStage, Authorities: begun}
	}
	if switched := c.at(Switch); len(switched) > 0 {
		if !confirmed {
			return Move{Kind: Confirm, Authorities: switched}
		}
		return Move{Kind: DoStage, Authorities: switched}
	}
	if finished := c.at(Finish); len(finished) > 0 {
		return Move{Kind: Settle, Authorities: finished}
	}
	return Move{Kind: Done}
}
