// Package measure is what the benchmarks share: they begin and end by it, measure
// etcdctr and a rival in turns, and hand it their rows, which it prints and keeps.
package measure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/etcdctr/etcdctr/cluster"
)

// Newest is the minor of etcd that both sides run, as BENCH_ETCD has a folder of it, and
// Before the one before.
var (
	Newest = fmt.Sprintf("3.%d", cluster.NewestMinor)
	Before = fmt.Sprintf("3.%d", cluster.NewestMinor-1)
)

// Row compares two figures that were measured in one run.
type Row struct {
	What   string  `json:"what"`
	Rival  string  `json:"rival"`
	Unit   string  `json:"unit"` // of both figures, such as "s" or "MiB"
	Ours   float64 `json:"etcdctr"`
	Theirs float64 `json:"theirs"`
	// Wanted is the ratio that is worked towards: at most, or at least where More.
	Wanted float64 `json:"wanted,omitempty"`
	// More is better, as of writes in a second.
	More bool `json:"more,omitempty"`
}

// Ratio is etcdctr's figure divided by the rival's.
func (r Row) Ratio() float64 { return r.Ours / r.Theirs }

// Short tells that the ratio is not yet as wanted.
func (r Row) Short() bool {
	switch {
	case r.Wanted == 0:
		return false
	case r.More:
		return r.Ratio() < r.Wanted
	}
	return r.Ratio() > r.Wanted
}

// Seconds is a row of times.
func Seconds(what, rival string, ours, theirs time.Duration) Row {
	return Row{What: what, Rival: rival, Unit: "s", Ours: ours.Seconds(), Theirs: theirs.Seconds()}
}

// Want gives the row with the ratio that is wanted.
func (r Row) Want(ratio float64) Row {
	r.Wanted = ratio
	return r
}

// Rows are those of one benchmark.
type Rows struct{ all []Row }

// Add adds a row.
func (r *Rows) Add(row Row) { r.all = append(r.all, row) }

// Main runs a benchmark until it ends or is told to, prints its rows, and ends the
// process with 1 if it has failed. The rows go into the file BENCH_JSON too, if that
// is set.
func Main(name string, run func(context.Context, *Rows) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	rows := new(Rows)
	err := run(ctx, rows)
	stop()
	if err == nil {
		err = Print(os.Stdout, rows.all)
	}
	if file := os.Getenv("BENCH_JSON"); err == nil && file != "" {
		err = keep(file, rows.all)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench/%s: %v\n", name, err)
		os.Exit(1)
	}
}

func keep(file string, rows []Row) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// Print prints rows as a table, under a heading for each rival.
func Print(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	rival := ""
	for _, r := range rows {
		if r.Rival != rival {
			rival = r.Rival
			fmt.Fprintf(t, "what\tetcdctr\t%s\tratio\twanted\n", rival)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.2f\t%s\n", r.What, r.figure(r.Ours), r.figure(r.Theirs), r.Ratio(), r.wanted())
	}
	return t.Flush()
}

func (r Row) figure(x float64) string {
	const manyDigits, noDigit = 0.1, 100
	switch {
	case x < manyDigits:
		return fmt.Sprintf("%.4f %s", x, r.Unit)
	case x < noDigit:
		return fmt.Sprintf("%.2f %s", x, r.Unit)
	}
	return fmt.Sprintf("%.0f %s", x, r.Unit)
}

func (r Row) wanted() string {
	switch {
	case r.Wanted == 0:
		return ""
	case r.More:
		return fmt.Sprintf("%.2f or more", r.Wanted)
	}
	return fmt.Sprintf("%.2f", r.Wanted)
}

// What all rounds of a comparison may take, how many there are whatever they take, and
// from what the first has taken on it is the only one: all benchmarks together are to end
// within ten minutes.
const (
	enough    = 5 * time.Second
	fewRounds = 3
	long      = 10 * time.Second
)

// InTurns has each side done rounds times, one after the other, so that a machine that
// slows down half-way slows all. What takes longer is done three times, or as often as
// rounds say where that is less, and what takes very long once. It gives what each side
// has returned.
func InTurns[T any](ctx context.Context, rounds int, sides ...func(context.Context) (T, error)) ([][]T, error) {
	all := make([][]T, len(sides))
	began := time.Now()
	for round := range rounds {
		took := time.Since(began)
		if round == 1 && took > long || round >= fewRounds && round%2 == 1 && took > enough { // odd, so that there is a median
			break
		}
		for i, side := range sides {
			one, err := side(ctx)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], one)
		}
	}
	return all, nil
}

// Medians are those of what two sides take, in turns.
func Medians(ctx context.Context, rounds int, ours, theirs func(context.Context) (time.Duration, error)) (us, them time.Duration, err error) {
	all, err := InTurns(ctx, rounds, ours, theirs)
	if err != nil {
		return 0, 0, err
	}
	return Median(all[0]), Median(all[1]), nil
}

// Median is the one in the middle; of an even number the later.
func Median[T cmp.Ordered](all []T) T {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// Timed gives what something takes.
func Timed(do func(context.Context) error) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		began := time.Now()
		err := do(ctx)
		return time.Since(began), err
	}
}

// Output is what a command prints in a folder; the error has what it says besides.
func Output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", cmd, err, said.String())
	}
	return strings.TrimSpace(string(out)), err
}

// Sleep waits, unless it is told to end.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Memory is what a process keeps that is its own, in MiB: pages of the program's file can
// be had again. Source: proc(5).
func Memory(pid string) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, errors.New("the kernel does not tell RssAnon")
}
