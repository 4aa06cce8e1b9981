package etcdctr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/logs"
)

func TestAQueryOfLogsIsReadAsItIsWritten(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for since, want := range map[string]time.Time{"": {}, "10m": now.Add(-10 * time.Minute), "2026-11-28T11:00:00Z": now.Add(-time.Hour)} {
		o, chosen, err := etcdctr.LogQuery{Since: since, Tail: "7", Level: "warn", Grep: "le.der", Follow: true}.Read(now)
		if err != nil || !o.Since.Equal(want) || o.Tail != 7 || !o.Follow || chosen.Level != logs.Warn || !chosen.Grep.MatchString("leader") {
			t.Errorf("since %q: %+v, %+v, %v", since, o, chosen, err)
		}
	}
	for _, all := range []string{"", "all"} {
		if o, chosen, err := (etcdctr.LogQuery{Tail: all}).Read(now); err != nil || o.Tail >= 0 || chosen.Grep != nil {
			t.Errorf("tail %q: %+v, %v", all, o, err)
		}
	}
	_, _, err := etcdctr.LogQuery{Since: "yesterday", Tail: "-1", Grep: "("}.Read(now)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three mistakes are told as: %v", err)
	}
}
