package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const (
	progressAuto  = "auto"
	progressPlain = "plain"
	progressJSON  = "json"
	progressQuiet = "quiet"
)

// addProgressFlag adds --progress, the same on every command that takes its
// time.
func addProgressFlag(cmd *cobra.Command, mode *string) {
	*mode = progressAuto
	modes := []string{progressAuto, progressPlain, progressJSON, progressQuiet}
	cmd.Flags().Var(&choice{value: mode, of: modes}, "progress",
		"how progress is told on standard error: auto (a terminal gets bars), plain, json or quiet")
}

// step is one thing that is being done, as far as it is known now. The packages
// that do it have events of their own; this is what all of them come down to.
type step struct {
	Item    string `json:"item"`             // what is worked on, the key: later steps of an item replace earlier ones
	Action  string `json:"action"`           // what is done to it: "downloading"
	Detail  string `json:"detail,omitempty"` // what of it right now
	Current int64  `json:"current,omitempty"`
	Total   int64  `json:"total,omitempty"` // bytes; 0 where nothing is counted
	Done    bool   `json:"done"`
}

// progressBoard shows steps. Its methods may be called from any goroutine.
type progressBoard interface {
	show(step)
	close() // shows the last state; to be called before anything else is printed
}

// newProgress gives the board for a --progress mode.
func (a *app) newProgress(mode string) progressBoard {
	switch mode {
	case progressQuiet:
		return quietProgress{}
	case progressJSON:
		return &lineProgress{a: a, every: time.Second, write: writeJSONStep, last: map[string]lastLine{}}
	case progressAuto:
		if f, ok := a.errOut.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return newBarProgress(f)
		}
	}
	return &lineProgress{a: a, every: 5 * time.Second, write: writePlainStep, last: map[string]lastLine{}}
}

type quietProgress struct{}

func (quietProgress) show(step) {}
func (quietProgress) close()    {}

// lineProgress writes a line when an action begins, when it is done, and now
// and then between.
type lineProgress struct {
	a     *app
	every time.Duration
	write func(*app, step)

	mu   sync.Mutex
	last map[string]lastLine
}

type lastLine struct {
	action string
	at     time.Time
	done   bool
}

// repeats tells whether a step says only what was said: that an action goes on
// shortly after, or once more that it is done, as a step of one server is what
// its runtime does to that.
func (l lastLine) repeats(s step, at time.Time, every time.Duration) bool {
	if l.action != s.Action {
		return false
	}
	if s.Done {
		return l.done
	}
	return !l.done && at.Sub(l.at) < every
}

func (p *lineProgress) show(s step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.a.now()
	last, known := p.last[s.Item]
	if known && last.repeats(s, now, p.every) {
		return
	}
	p.last[s.Item] = lastLine{s.Action, now, s.Done}
	p.write(p.a, s)
}

func (*lineProgress) close() {}

func writePlainStep(a *app, s step) {
	line := s.Action + " " + s.Item
	switch how := s.how(); {
	case s.Done && s.Current > 0:
		line += ": done, " + humanBytes(s.Current)
	case s.Done:
		line += ": done"
	case how != "":
		line += ": " + how
	}
	a.say("%s", line)
}

// how is what of a step is done, or being done.
func (s step) how() string {
	if s.Total > 0 && s.Current > 0 {
		return fmt.Sprintf("%s of %s", humanBytes(s.Current), humanBytes(s.Total))
	}
	return s.Detail
}

func writeJSONStep(a *app, s step) { a.tellMachine(s) }

// barProgress draws a bar for each item on a terminal.
type barProgress struct {
	writer   progress.Writer
	rendered chan struct{} // closed when nothing more will be drawn; nil before the first step

	mu   sync.Mutex
	bars map[string]*progress.Tracker
}

func newBarProgress(out io.Writer) *barProgress {
	w := progress.NewWriter()
	w.SetOutputWriter(out)
	w.SetUpdateFrequency(100 * time.Millisecond)
	w.SetTrackerLength(20)
	w.SetStyle(progress.StyleBlocks)
	w.Style().Options.PercentIndeterminate = "" // nothing is counted: the bar says enough
	w.Style().Visibility.ETA = false
	w.Style().Visibility.Time, w.Style().Visibility.Value = false, false // the message says what is counted
	return &barProgress{writer: w, bars: map[string]*progress.Tracker{}}
}

func (p *barProgress) show(s step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start()
	bar, known := p.bars[s.Item]
	if !known {
		bar = &progress.Tracker{Units: progress.UnitsBytes, AutoStopDisabled: true}
		p.bars[s.Item] = bar
		p.writer.AppendTracker(bar)
	}
	message := s.Action + " " + s.Item
	if how := s.how(); how != "" {
		message += ": " + how
	}
	bar.UpdateMessage(message)
	bar.UpdateTotal(s.Total)
	bar.SetValue(s.Current)
	if s.Done {
		bar.MarkAsDone()
	}
}

func (p *barProgress) start() {
	if p.rendered != nil {
		return
	}
	p.rendered = make(chan struct{})
	go func() {
		p.writer.Render()
		close(p.rendered)
	}()
}

func (p *barProgress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, bar := range p.bars {
		bar.MarkAsErrored() // unless it is done
	}
	for p.rendered != nil {
		p.writer.Stop() // does nothing until Render has begun
		select {
		case <-p.rendered:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}
