package main

import (
	"context"

	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/health"
	"github.com/etcdctr/etcdctr/health/doctor"
	"github.com/etcdctr/etcdctr/process"
)

// This file is `doctor` for local processes.

// doctorStatus is what a process is doing, for the doctor.
var doctorStatus = map[process.Status]doctor.Status{
	process.Running:    doctor.Running,
	process.Restarting: doctor.Restarting,
	process.Stopped:    doctor.Exited,
	process.Left:       doctor.Exited,
	process.Lost:       doctor.Lost,
	process.Orphaned:   doctor.Orphaned,
}

// examine asks the members, their supervisor and their logs.
func (p *processes) examine(ctx context.Context, f *clusterFlags) (diagnosis, error) {
	c, err := p.cluster()
	if err != nil {
		return diagnosis{}, err
	}
	report, err := p.ask(ctx)
	if err != nil {
		return diagnosis{}, err
	}
	if report.Healthy {
		return diagnosis{Healthy: true}, nil
	}
	e := evidenceFlags(f)
	e.Disk = p.disk()
	if e.Members, err = p.evidence(ctx); err != nil {
		return diagnosis{}, err
	}
	for i := range e.Members {
		e.Members[i].Serves, e.Members[i].Alarms = answered(report, e.Members[i].Name)
	}
	patient := patient{flags: f, cluster: c}
	return patient.conclude(e, report), nil
}

// ask puts the questions of `health`.
func (p *processes) ask(ctx context.Context) (health.Report, error) {
	r, err := p.reach()
	if err != nil {
		return health.Report{Failures: []string{err.Error()}}, nil
	}
	return r.expected().Check(ctx), ctx.Err()
}

// disk is the command that shows how full the members' disk is.
func (p *processes) disk() string { return "df -h " + compose.QuoteShell(p.home.Dir) }

// evidence is what the supervisor knows of each member, and the end of its log.
func (p *processes) evidence(ctx context.Context) ([]doctor.Member, error) {
	s, err := p.home.State()
	if err != nil {
		return nil, err
	}
	var members []doctor.Member
	for _, m := range s.Members {
		found := doctor.Member{Name: m.Name, Status: doctorStatus[m.Status]}
		lines, err := p.lastLines(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		found.Log = lastRun(lines)
		members = append(members, found)
	}
	return members, nil
}

// lastLines are the end of a member's log.
func (p *processes) lastLines(ctx context.Context, name string) ([]string, error) {
	var lines []string
	err := p.home.Logs(ctx, process.LogOptions{Members: []string{name}, Tail: logTail}, func(l process.Line) {
		lines = append(lines, l.Text)
	})
	return lines, err
}

// explain gives a failure of a member its own last words, and the cause and its
// remedy where they are known.
func (p *processes) explain(ctx context.Context, err error) error {
	if !ofContainer(err) {
		return err
	}
	err = explainFailure(err)
	members, unreadable := p.evidence(ctx)
	found, ok := doctor.Diagnose(doctor.Evidence{Flags: []string{"--name", p.stack.Name}, Disk: p.disk(), Members: members})
	if unreadable == nil && ok && found.Known {
		err = withCause(err, found)
	}
	return err
}
