package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

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
	e := evidenceFlags(f)
	e.Disk, e.Described = p.disk(), true
	if e.Members, err = p.evidence(ctx); err != nil {
		return diagnosis{}, err
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
		found := doctor.Member{Name: m.Name, Status: doctorStatus[m.Status], Data: p.data(m.Name)}
		lines, err := p.lastLines(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		failing := m.Status == process.Restarting || m.Restarts > 0
		found.Log = doctor.CurrentStart(lines, failing)
		members = append(members, found)
	}
	return members, nil
}

// data looks whether a member has any.
func (p *processes) data(name string) doctor.Data {
	for _, m := range p.stack.Members {
		if m.Name != name {
			continue
		}
		switch _, err := os.Stat(filepath.Join(m.DataDir, "member", "wal")); {
		case err == nil:
			return doctor.DataKept
		case errors.Is(err, fs.ErrNotExist):
			return doctor.DataLost
		}
	}
	return doctor.DataUnknown
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
	report, unasked := p.ask(ctx)
	if unreadable != nil || unasked != nil {
		return err
	}
	e := doctor.Evidence{Flags: []string{"--name", p.stack.Name}, Disk: p.disk(), Members: members, Described: true}
	e.Add(report)
	if found, ok := doctor.Diagnose(e); ok && found.Known {
		err = withCause(err, found)
	}
	return err
}
