package backup_test

import (
	"slices"
	"testing"

	"github.com/etcdctr/etcdctr/backup"
)

func TestAVoiceTellsWhoeverIsThere(t *testing.T) {
	var heard []string
	hear := func(who string) func(string) { return func(what string) { heard = append(heard, who+" "+what) } }
	all := func(v backup.Voice) []string {
		heard = nil
		v.Tellf("%d", 1)
		v.Detailf("%d", 2)
		v.Warnf("%d", 3)
		return heard
	}
	if got := all(backup.Voice{Tell: hear("tell"), Detail: hear("detail"), Warn: hear("warn")}); !slices.Equal(got, []string{"tell 1", "detail 2", "warn 3"}) {
		t.Error(got)
	}
	if got := all(backup.Voice{Tell: hear("tell")}); !slices.Equal(got, []string{"tell 1", "tell 2", "tell 3"}) {
		t.Error(got)
	}
	if got := all(backup.Voice{Warn: hear("warn")}); !slices.Equal(got, []string{"warn 3"}) {
		t.Error(got)
	}
}
