package target

import (
	"context"
	"sync/atomic"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// This file is about members that end with the command that has started them.

// Foreground are members that end with this command, which shows what they say.
type Foreground struct {
	local.Foreground
	serves atomic.Bool
}

// Foreground shows what members say that end with this command: once they serve all of it,
// and before, when each tells of every setting that it has and whom it does not reach yet,
// what is an error of its own.
func (w *World) Foreground() *Foreground {
	f, lines := new(Foreground), terminal.NewLines(w.Out, w.Now)
	f.Output = func(l runtime.Line) {
		lines.Filter.Level = logs.Error
		if f.serves.Load() {
			lines.Filter.Level = logs.Debug
		}
		lines.Print(logs.Read(l.Server, l.Text, l.Time))
	}
	f.Happened = func(e local.Happening) {
		text := e.String()
		if e.Member != "" {
			text = e.Member + ": " + text
		}
		if e.Alarming() {
			w.Warn("%s", text)
		} else {
			w.Say("%s", text)
		}
	}
	return f
}

// Stay returns when members that are children of this command, and serve, have ended.
func (f *Found) Stay(ctx context.Context, members *Foreground) error {
	if members != nil {
		members.serves.Store(true)
	}
	if members != nil && members.Left() {
		f.say("it is in the background, as it was before: `etcdctr up --detach=false` has it end with the command")
	}
	if members == nil || !members.Runs() {
		return nil
	}
	f.say("Ctrl-C stops %s; `etcdctr up --detach` leaves it running", f.Name())
	if err := members.Wait(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	f.say("%s was stopped", f.Name())
	return nil
}
