package etcdctr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// This file finds the cause of a cluster that is not well.

// Diagnosis is what is wrong with a cluster, and what helps.
type Diagnosis struct {
	Healthy  bool   `json:"healthy"`
	Member   string `json:"member,omitempty"`
	Cause    string `json:"cause,omitempty"`
	Command  string `json:"command,omitempty"`
	Looks    bool   `json:"looks,omitempty"`  // the command only shows more, and puts nothing right
	ByHand   string `json:"byHand,omitempty"` // instead of a command, or besides it
	Evidence string `json:"evidence,omitempty"`
	// Warnings are those of health, and what the doctor has seen besides.
	Warnings []string `json:"warnings,omitempty"`
	// Remarks are what is good to know, and asks for nothing.
	Remarks []string `json:"remarks,omitempty"`
}

// Examination is how a cluster is examined.
type Examination struct {
	// Flags are those for the commands of a diagnosis, as doctor.Evidence has them.
	Flags, CertsFlags, Wanted []string
	// Detached are the flags that let `up` come to an end where members would be
	// held by it otherwise.
	Detached []string
	// Command gives a command of the command line about the cluster; nil stands for the
	// command and its name.
	Command func(verb string) string
}

// command is the command line for a verb.
func (x Examination) command(verb string) string {
	if x.Command == nil {
		return "etcdctr " + verb
	}
	return x.Command(verb)
}

// again is a command of a diagnosis, about the cluster by whatever the flags it has do not
// say.
func (x Examination) again(command string) string {
	if verb, ours := strings.CutPrefix(command, "etcdctr "); ours {
		return x.command(verb)
	}
	return command
}

// Examine asks what runs the members, their logs and themselves for the one cause
// that explains the others.
func (c *Cluster) Examine(ctx context.Context, x Examination) (Diagnosis, error) {
	p := &patient{Cluster: c, Examination: x}
	d, err := p.examine(ctx)
	d.Command = p.again(d.Command)
	if p.have != nil {
		if remark := asideRemark(p.have.Aside, d.Healthy); remark != "" {
			d.Remarks = append(d.Remarks, remark)
		}
	}
	return d, err
}

func (p *patient) examine(ctx context.Context) (Diagnosis, error) {
	var err error
	if p.have, err = p.Observe(ctx); err != nil && !errors.Is(err, runtime.ErrNotFound) {
		return Diagnosis{}, err
	}
	if p.want, err = p.Want(ctx); err != nil {
		return Diagnosis{}, err
	}
	if s, ok := p.runtime.(runtime.Strayer); ok {
		if why, remedy := s.Astray(p.name()); why != "" {
			return Diagnosis{Member: p.name(), Cause: "its members run, and " + why, ByHand: remedy}, nil
		}
	}
	if len(p.have.Present()) == 0 {
		if d, found, err := p.unfinished(ctx); err != nil || found {
			return d, err
		}
		down := (*DownError)(nil)
		if !errors.As(p.down(p.have), &down) {
			return p.nothing(ctx), nil
		}
		return p.lies(down), nil
	}
	if d, found := p.stranger(ctx); found {
		return d, nil
	}
	report, err := p.ask(ctx)
	if err != nil {
		return Diagnosis{}, err
	}
	if !report.Healthy {
		if d, found, err := p.unfinished(ctx); err != nil || found {
			d.Warnings = report.Warnings
			return d, err
		}
	}
	if d, found := p.unlinked(report); found {
		return d, nil
	}
	if p.another != nil {
		return p.exchanged(report), nil
	}
	evidence, err := p.gather(ctx, report)
	if err != nil {
		return Diagnosis{}, err
	}
	return p.conclude(evidence, report), nil
}

// stranger finds that whoever asks has no certificate, or one that was revoked: the
// members would refuse every question, and be blamed for it.
func (p *patient) stranger(ctx context.Context) (Diagnosis, bool) {
	if p.want.TLS != cluster.Mutual || !p.have.Runs() {
		return Diagnosis{}, false
	}
	_, err := p.clientTLS(p.have)
	if errors.As(err, new(*certs.RevokedError)) {
		return p.withoutCertificates(err.Error()), true
	}
	if !errors.Is(err, ErrNoCertificate) {
		return p.otherAuthority(ctx)
	}
	return p.withoutCertificates(fmt.Sprintf("the members can't be asked: %v", err)), true
}

// otherAuthority finds that the members were given certificates of another authority than
// the one that whoever asks has.
func (p *patient) otherAuthority(ctx context.Context) (Diagnosis, bool) {
	changes, err := p.runtime.Changes(ctx, p.want, p.have)
	if err != nil || !slices.ContainsFunc(changes, func(c runtime.Change) bool { return c.Kind == runtime.Foreign }) {
		return Diagnosis{}, false
	}
	d := Diagnosis{Member: p.name(), Cause: fmt.Sprintf("its members have certificates of another authority than the one in %s", p.CertsDir())}
	if p.have.StartedIn(p.o.Folder) {
		d.ByHand = converge.LostAuthority
	} else {
		d.ByHand = fmt.Sprintf("it was started in %s: ask from there, or name its certificates with --certs-dir", p.have.Folder)
	}
	return d, true
}

// withoutCertificates is a cause, and what brings certificates back that are missing.
func (p *patient) withoutCertificates(cause string) Diagnosis {
	d := Diagnosis{Member: p.name(), Cause: cause}
	if p.hasAuthority() {
		d.Command = strings.Join(append([]string{"etcdctr certs create"}, p.CertsFlags...), " ")
	} else {
		d.ByHand = converge.LostAuthority
	}
	return d
}

// unlinked finds a member that goes on with data that is deleted. Nothing else may come
// first: much of what helps elsewhere would stop it.
func (p *patient) unlinked(report health.Report) (Diagnosis, bool) {
	for _, m := range p.have.Members() {
		if m.Unlinked {
			refusal, then := converge.Unlinked(p.have, m)
			return Diagnosis{Member: m.Name, Cause: refusal.Reason, Command: Typed(refusal.Remedy.Command), ByHand: then, Warnings: report.Warnings}, true
		}
	}
	return Diagnosis{}, false
}

// hasAuthority tells whether certificates can be made that those who have the former ones
// know.
func (p *patient) hasAuthority() bool {
	_, err := os.Stat(filepath.Join(p.CertsDir(), "ca", string(certs.Client), certs.KeyFile))
	return err == nil
}

// shows tells that what a member is seen to do may come of certificates of its that are
// missing, and that the cause does not know of; or that what is to be done about it would
// make strangers of all who have them.
func (p *patient) shows(d doctor.Diagnosis) bool {
	switch d.Remedy.Kind {
	case doctor.Up:
		if p.hasAuthority() {
			return false
		}
	case doctor.Restart:
		if _, copies := p.runtime.(runtime.Sharer); copies {
			return false
		}
	default:
		return false
	}
	return slices.ContainsFunc(p.missing(), func(identity string) bool { return strings.HasPrefix(identity, "members/"+d.Member+"/") })
}

// missing are the identities of members that the cluster's folder does not have.
func (p *patient) missing() []string {
	if p.want.TLS != cluster.Mutual {
		return nil
	}
	var all []string
	for _, m := range p.want.Members {
		for _, profile := range []certs.Profile{certs.Server, certs.Peer} {
			if _, err := os.Stat(filepath.Join(certs.MemberDir(p.CertsDir(), m.Name, profile), certs.CertFile)); errors.Is(err, fs.ErrNotExist) {
				all = append(all, fmt.Sprintf("members/%s/%s", m.Name, profile))
			}
		}
	}
	return all
}

// unfit finds that a member which does not answer was given certificates that are not
// fit for it: etcd reads them at every handshake, so that it may have served until they
// were exchanged, and its log says no more than that somebody could not connect. Where it may
// be something else, copies says that members count that have copies of them, too.
func (p *patient) unfit(report health.Report, copies bool) (Diagnosis, bool) {
	if p.want.TLS != cluster.Mutual {
		return Diagnosis{}, false
	}
	plan := CertsPlan(p.want)
	plan.Clients = nil
	findings, err := p.PKI().Verify(certs.VerifyOptions{Plan: &plan, Shown: true})
	if err != nil {
		return Diagnosis{}, false // that they can't be looked at is not what the member suffers from
	}
	for _, m := range report.Members {
		if m.Error == "" && (m.ReadMillis > 0 || m.Role == health.Learner) || !copies && !slices.Contains(p.readers, m.Name) {
			continue
		}
		for _, f := range findings {
			if f.Severity != certs.Error || !strings.HasPrefix(f.Identity, "members/"+m.Name+"/") {
				continue
			}
			d := Diagnosis{Member: m.Name, Cause: fmt.Sprintf("%s %s", f.Identity, f.Problem), Evidence: m.Error, Warnings: report.Warnings}
			if f.Command == "" {
				d.ByHand = f.Remedy
			} else {
				d.Command = strings.Join(append([]string{f.Command}, p.CertsFlags...), " ")
			}
			return d, true
		}
	}
	return Diagnosis{}, false
}

// Explain asks the doctor about a server that failed, as it was seen to. Where it
// is gone again, what was seen of it is all that is known; and it is told only why
// something could not be started. It gives false where no cause is known.
func (c *Cluster) Explain(ctx context.Context, failed doctor.Member, x Examination) (doctor.Diagnosis, bool) {
	p := &patient{Cluster: c, Examination: x}
	var err error
	if p.want, err = c.Want(ctx); err != nil {
		return doctor.Diagnosis{}, false // the failure itself is told in any case
	}
	e := p.evidence()
	if p.have, err = c.Observe(ctx); err != nil || failed.EngineError != "" {
		failed.Filtered = p.filtered(ctx)
		p.place(&failed)
		e.Members = []doctor.Member{failed}
		d, found := doctor.Diagnose(e)
		if d.Remedy.Kind == doctor.CreateCerts && !p.hasAuthority() {
			without := p.withoutCertificates(d.Cause)
			d.Command, d.ByHand = without.Command, without.ByHand
		}
		return p.known(d, found)
	}
	report, err := p.ask(ctx)
	if err != nil {
		return doctor.Diagnosis{}, false
	}
	if e, err = p.gather(ctx, report); err != nil {
		return doctor.Diagnosis{}, false
	}
	e.Add(report)
	d, found := doctor.Diagnose(e)
	if found && d.Known && d.Symptom {
		unfit, told := p.unfit(report, false)
		if !told {
			unfit, told = p.fewer(report)
		}
		if told {
			d = doctor.Diagnosis{Member: unfit.Member, Cause: unfit.Cause, Command: unfit.Command, ByHand: unfit.ByHand, Evidence: unfit.Evidence, Known: true}
		}
	}
	return p.known(d, found)
}

// known is a diagnosis with its command about the cluster, and whether there is a cause.
func (p *patient) known(d doctor.Diagnosis, found bool) (doctor.Diagnosis, bool) {
	d.Command = p.again(d.Command)
	return d, found && d.Known
}

// evidence begins with the flags for the commands of a diagnosis.
func (p *patient) evidence() doctor.Evidence {
	e := doctor.Evidence{Flags: p.Flags, CertsFlags: p.CertsFlags, Wanted: p.Wanted, Disk: diskOf(p.have)}
	if runtime.Holds(p.runtime) && len(e.Wanted) == 0 { // a command that puts something right ends
		e.Wanted = slices.Concat(p.Flags, p.Detached)
	}
	return e
}

// diskOf is the command that shows how full the disks are that members of this machine
// keep their data on; empty where that is in volumes of an engine.
func diskOf(have *runtime.State) string {
	if have == nil {
		return ""
	}
	command := "df -h"
	for _, s := range have.Members() {
		if s.Host == "" && filepath.IsAbs(s.DataAt) {
			command += " " + s.DataAt
		}
	}
	if command == "df -h" {
		return ""
	}
	return command
}

// conclude never contradicts health: what is healthy there is healthy here, and
// what the doctor has seen all the same is a warning.
func (p *patient) conclude(e doctor.Evidence, report health.Report) Diagnosis {
	e.Add(report)
	d, found := doctor.Diagnose(e)
	told := found && d.Known // by more than symptoms, which a file that is not fit has, too
	report.Warnings = slices.Concat(report.Warnings, doctor.Refusals(e))
	switch {
	case report.Healthy:
		warnings := report.Warnings
		if found {
			warnings = append(slices.Clone(warnings), fmt.Sprintf("%s: %s", d.Member, d.Cause))
		}
		return Diagnosis{Healthy: true, Warnings: warnings}
	case (!told || p.shows(d) || d.Symptom && len(p.readers) > 0) && len(p.missing()) > 0:
		d := p.withoutCertificates(fmt.Sprintf("certificates are missing in %s: %s", p.CertsDir(), strings.Join(p.missing(), ", ")))
		d.Warnings = report.Warnings
		return d
	}
	if !told || d.Symptom {
		if d, unfit := p.unfit(report, !told); unfit {
			return d
		}
	}
	if few, is := p.fewer(report); is && found && d.Symptom {
		few.Evidence = d.Evidence
		return few
	}
	if found {
		return Diagnosis{
			Member: d.Member, Cause: d.Cause, Command: d.Command, Looks: d.Remedy.Looks(), ByHand: d.ByHand, Evidence: d.Evidence,
			Warnings: report.Warnings,
		}
	}
	// Members that are started again by themselves, or that run and answer and are no
	// healthy cluster all the same.
	unwell := Diagnosis{Member: p.name(), Cause: report.Failures[0], Command: p.command("health"), Looks: true, Warnings: report.Warnings}
	silent, left := silentOf(report), report.Left()
	switch {
	case len(left) > 0 && len(report.Failures) == 1: // which is all that is said of them
		unwell.Member, unwell.Cause = left[0], "it is no member any more, and the description does not have it"
		unwell.Command, unwell.Looks = strings.Join(append([]string{p.command("up")}, e.Wanted...), " "), false
	case comesBack(e):
		unwell.Command, unwell.Looks = p.command("start"), false
	case report.Serving() == 0 && len(silent) > 0: // of which health tells no more
		unwell.Command, unwell.Looks = "", false
		unwell.ByHand = fmt.Sprintf("a quorum takes %d of %d members, and nobody answers for %s: start them where they are, and let all members reach each other's peer ports",
			report.Size()/2+1, report.Size(), strings.Join(silent, ", "))
	}
	return unwell
}

// fewer finds that the description has half of the members at most whose data is there, and
// that nobody serves: the others were not started, and if they are members still, no quorum
// comes of so few. Who was taken out in order has data there, too, and is not missed.
func (p *patient) fewer(report health.Report) (Diagnosis, bool) {
	var described, others []string
	for _, m := range p.have.Members() {
		_, err := p.want.Member(m.Name)
		switch {
		case err == nil:
			described = append(described, m.Name)
		case m.Status == runtime.Absent && m.KeepsData():
			others = append(others, m.Name)
		}
	}
	if report.Serving() > 0 || len(others) == 0 || len(described) > len(others) {
		return Diagnosis{}, false
	}
	return Diagnosis{
		Member:   p.name(),
		Cause:    fmt.Sprintf("no quorum comes of %s: there is data of %s, too, which the description does not have", listed.And(described), listed.And(others)),
		ByHand:   fmt.Sprintf("describe them as well, as `members: %d` does, and `etcdctr up` starts them; once they serve, it takes one after the other out", len(described)+len(others)),
		Warnings: report.Warnings,
	}, true
}

// silentOf are the members that do not answer.
func silentOf(report health.Report) []string {
	var names []string
	for _, m := range report.Members {
		if m.Error != "" {
			names = append(names, m.Name)
		}
	}
	return names
}

// comesBack tells that what runs the members starts some again, on the data that they have,
// and that none waits for anything else: `start` waits for them.
func comesBack(e doctor.Evidence) bool {
	again := func(m doctor.Member) bool { return m.Status == doctor.Restarting }
	return slices.ContainsFunc(e.Members, again) && !slices.ContainsFunc(e.Members, func(m doctor.Member) bool {
		return m.Data == doctor.DataLost || m.Status != doctor.Running && !again(m)
	})
}
