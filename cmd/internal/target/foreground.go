package target

import (
	"context"

	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
	"github.com/etcdctr/etcdctr/logs"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// This file is about members that end with the command that has started them.

// Foreground shows what the members say that end with this command.
func (w *World) Foreground() *local.Foreground {
	lines := terminal.NewLines(w.Out, w.Now)
	return &local.Foreground{
		Output: func(l runtime.Line) { lines.Print(logs.Read(l.Server, l.Text, l.Time)) },
		Happened: func(e local.Happening) {
			text := e.String()
			if e.Member != "" {
				text = e.Member + ": " + text
			}
			if e.Alarming() {
				w.Warn("%s", text)
			} else {
				w.Say("%s", text)
			}
		},
	}
}

// Stay returns when members that are children of this command have ended.
func (f *Found) Stay(ctx context.Context, members *local.Foreground) error {
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
