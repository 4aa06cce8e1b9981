package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
)

// The modes of a board.
const (
	Auto  = "auto" // bars on a terminal, lines elsewhere
	Plain = "plain"
	JSON  = "json"
	Quiet = "quiet"
)

// Step is one thing that is being done, as far as it is known now. The packages
// that do it have events of their own; this is what all of them come down to.
type Step struct {
	Item    string `json:"item"`             // what is worked on, the key: later steps of an item replace earlier ones
	Action  string `json:"action"`           // what is done to it: "downloading"
	Detail  string `json:"detail,omitempty"` // what of it right now
	Current int64  `json:"current,omitempty"`
	Total   int64  `json:"total,omitempty"` // bytes; 0 where nothing is counted
	Done    bool   `json:"done"`

	// Whole is a step of a plan, and Part one of the operations that such a step comes
	// down to: a person who reads lines is told of the former, in one line each, and of
	// the latter only where they take their time.
	Whole, Part bool `json:"-"`
}

// Board shows Steps. Its methods may be called from any goroutine.
type Board interface {
	Show(Step)
	Close() // shows the last state; to be called before anything else is printed
}

// NewBoard gives the board of a mode, whose lines a voice says at the time of a clock.
func NewBoard(mode string, voice *Voice, now func() time.Time) Board {
	switch mode {
	case Quiet:
		return quiet{}
	case JSON:
		return &lineBoard{voice: voice, now: now, every: time.Second, write: writeJSONStep, last: map[string]lastLine{}}
	case Auto:
		if f, ok := voice.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return newBarBoard(f)
		}
	}
	return &lineBoard{voice: voice, now: now, every: 5 * time.Second, write: writePlainStep, last: map[string]lastLine{}, brief: true, began: map[string]time.Time{}}
}

type quiet struct{}

func (quiet) Show(Step) {}
func (quiet) Close()    {}

// lineBoard writes a line when an action begins, when it is done, and now
// and then between.
type lineBoard struct {
	voice *Voice
	now   func() time.Time
	every time.Duration
	write func(*Voice, Step)

	mu   sync.Mutex
	last map[string]lastLine

	brief bool                 // what follows from other lines is left out
	began map[string]time.Time // what is under way
	under int                  // how many Whole steps are
}

type lastLine struct {
	action string
	at     time.Time
	done   bool
}

// repeats tells whether a step says only what was said: that an action goes on
// shortly after, or once more that it is done, as a step of one server is what
// its runtime does to that.
func (l lastLine) repeats(s Step, at time.Time, every time.Duration) bool {
	if l.action != s.Action {
		return false
	}
	if s.Done {
		return l.done
	}
	return !l.done && at.Sub(l.at) < every
}

func (p *lineBoard) Show(s Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.brief && !p.worth(s, now) {
		return
	}
	last, known := p.last[s.Item]
	if known && last.repeats(s, now, p.every) {
		return
	}
	p.last[s.Item] = lastLine{s.Action, now, s.Done}
	p.write(p.voice, s)
}

// worth reports whether a step is worth a line of its own.
func (p *lineBoard) worth(s Step, now time.Time) bool {
	key := fmt.Sprint(s.Whole, s.Action, s.Item)
	began, goes := p.began[key]
	if !goes {
		began, p.began[key] = now, now
	}
	if s.Done {
		delete(p.began, key)
	}
	long := now.Sub(began) >= p.every
	if s.Whole {
		switch {
		case s.Done && goes:
			p.under--
		case !s.Done && !goes:
			p.under++
		}
		return long || !s.Done
	}
	return long || !s.Part || p.under == 0
}

func (*lineBoard) Close() {}

func writePlainStep(v *Voice, s Step) {
	line := s.what()
	switch how := s.how(); {
	case s.Done && s.Current > 0:
		line += ": done, " + HumanBytes(s.Current)
	case s.Done:
		line += ": done"
	case how != "":
		line += ": " + how
	}
	v.Say(Note, line)
}

// what is what is done to what. A phase of the whole is its own item, without an action.
func (s Step) what() string { return strings.TrimSpace(s.Action + " " + s.Item) }

// how is what of a step is done, or being done.
func (s Step) how() string {
	if s.Total > 0 && s.Current > 0 {
		return fmt.Sprintf("%s of %s", HumanBytes(s.Current), HumanBytes(s.Total))
	}
	return s.Detail
}

func writeJSONStep(v *Voice, s Step) { v.TellMachine(s) }

// barBoard draws a bar for each item on a terminal.
type barBoard struct {
	writer   progress.Writer
	rendered chan struct{} // closed when nothing more will be drawn; nil before the first step

	mu   sync.Mutex
	bars map[string]*progress.Tracker
}

func newBarBoard(out io.Writer) *barBoard {
	w := progress.NewWriter()
	w.SetOutputWriter(out)
	w.SetUpdateFrequency(100 * time.Millisecond)
	w.SetTrackerLength(20)
	w.SetStyle(progress.StyleBlocks)
	w.Style().Options.PercentIndeterminate = "" // nothing is counted: the bar says enough
	w.Style().Visibility.ETA = false
	w.Style().Visibility.Time, w.Style().Visibility.Value = false, false // the message says what is counted
	return &barBoard{writer: w, bars: map[string]*progress.Tracker{}}
}

func (p *barBoard) Show(s Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start()
	bar, known := p.bars[s.Item]
	if !known {
		bar = &progress.Tracker{Units: progress.UnitsBytes, AutoStopDisabled: true}
		p.bars[s.Item] = bar
		p.writer.AppendTracker(bar)
	}
	message := s.what()
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

func (p *barBoard) start() {
	if p.rendered != nil {
		return
	}
	p.rendered = make(chan struct{})
	go func() {
		p.writer.Render()
		close(p.rendered)
	}()
}

func (p *barBoard) Close() {
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
