package main

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdctr/etcdctr/bench/measure"
)

// idle compares a setting of members that nobody uses, but for one who writes and notes for
// how long he could not.
func (b *bench) idle(ctx context.Context, rows *measure.Rows) error {
	const rival = "docker compose up --detach"
	all, err := measure.InTurns(ctx, rounds,
		func(ctx context.Context) (reset, error) {
			return b.reset(ctx, append(b.upTo(measure.Newest), "--file", "reset.yaml"))
		},
		func(ctx context.Context) (reset, error) {
			return b.reset(ctx, []string{"docker-compose", "-f", "reset.yml", "up", "--detach"})
		})
	if err != nil {
		return err
	}
	var took, gaps [2]time.Duration
	for side, runs := range all {
		var allTook, allGaps []time.Duration
		for _, r := range runs {
			allTook, allGaps = append(allTook, r.took), append(allGaps, r.gap)
		}
		took[side], gaps[side] = measure.Median(allTook), measure.Median(allGaps)
	}
	rows.Add(measure.Seconds("a setting of three members", rival, took[0], took[1]))
	rows.Add(measure.Seconds("its longest time without a write", rival, gaps[0], gaps[1]).Want(0.1))
	return nil
}

// reset is a change of a setting: its time, and the longest without a write.
type reset struct{ took, gap time.Duration }

func (b *bench) reset(ctx context.Context, by []string) (r reset, err error) {
	var w *writer
	r.took, err = b.changed(ctx, measure.Newest, func(ctx context.Context) (end func(), err error) {
		w, err = b.write(ctx)
		return func() { r.gap = w.end() }, err
	}, by)
	return r, err
}

// writer writes as fast as the members take it.
type writer struct {
	asked chan struct{}
	gap   chan time.Duration // the longest between two writes that were acknowledged
}

func (b *bench) write(ctx context.Context) (*writer, error) {
	config, err := b.clientConfig()
	if err != nil {
		return nil, err
	}
	config.DialKeepAliveTime, config.DialKeepAliveTimeout = time.Second, time.Second
	client, err := clientv3.New(config)
	if err != nil {
		return nil, err
	}
	w := &writer{make(chan struct{}), make(chan time.Duration, 1)}
	go func() {
		defer client.Close()
		last, longest := time.Now(), time.Duration(0)
		for i := 0; ctx.Err() == nil; i++ {
			const patience = 500 * time.Millisecond
			once, cancel := context.WithTimeout(ctx, patience)
			_, err := client.Put(once, "idle", fmt.Sprint(i))
			cancel()
			if err != nil {
				continue
			}
			longest, last = max(longest, time.Since(last)), time.Now()
			select {
			case <-w.asked:
				w.gap <- longest
				return
			default:
			}
		}
		w.gap <- longest
	}()
	return w, nil
}

// end has it end with the next write that is acknowledged, and gives the longest time.
func (w *writer) end() time.Duration {
	close(w.asked)
	return <-w.gap
}
