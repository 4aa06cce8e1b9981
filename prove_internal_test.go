package etcdctr

import (
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/health/exposure"
)

func TestWhatIsNoSurpriseHasNoRemedyAndWhatIsHasItsOwn(t *testing.T) {
	for _, tt := range []struct {
		proof Proof
		want  string // a part of it
	}{
		{Proof{OK: true, Remedy: "of others"}, ""},
		{Proof{Seen: "shop", Remedy: "expects an application"}, "expects an application"},
		{Proof{Seen: string(exposure.Away), Away: true}, "`etcdctr doctor`"},
		{Proof{Seen: string(exposure.Silent)}, "verify again"},
		{Proof{Seen: string(exposure.LetIn)}, "--publish"},
	} {
		got := remedyOf(tt.proof)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%+v: got %q, want %q in it", tt.proof, got, tt.want)
		}
	}
}
