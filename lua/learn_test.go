package lua_test

import (
	"strings"
	"testing"

	"github.com/weir-go/weir/lua"
)

// TestLearntRecordsAreBounded: whatever value a damaged record has in its learned part, the script serves calls. The rate is never below
// the lowest rate and never above the configured one.
func TestLearntRecordsAreBounded(t *testing.T) {
	sound := strings.Split("500000,1800000000000000,1000000,1799999999900000,1,0,0,500000,1800000000000000,0,0,1800000000000000,500000,0,0,0", ",")
	for i := range sound {
		for _, damage := range []string{"0", "1", "9007199254740991", "1800000000000000", "1900000000000000", "99999999999999999", "x", "-5", ""} {
			words := strings.Split(strings.Join(sound, ","), ",")
			words[i] = damage
			m, rdb := beginWindow(t)
			learnt := strings.Join(words, ",")
			m.HSet(lua.Keys("n").State(), narrow.Field.String(), "4 1 100000 2 0 0 0 0 0 0 0 0 0 0 0 0 "+learnt+" 0 - 0")
			p := lua.NewPath("n", "s", "lane", []lua.Limit{narrow})
			var r lua.AcquireReply
			a := lua.AcquireArgs{Seq: 1, Epoch: "e", Version: 2, HorizonUS: 250_000, Asks: []lua.Ask{{Count: 3, Costs: []int64{1}, PatienceUS: -1}}}
			if err := p.Acquire(t.Context(), rdb, &a, &r); err != nil {
				t.Fatalf("with the learned part %s: %v", learnt, err)
			}
			for _, g := range r.Answers { // the lowest rate is one call in two seconds, or a tenth of the rate
				if g.Price != 0 && (g.Price < 100_000 || g.Price > 2_000_000) || g.AtUS > 4_000_000 {
					t.Errorf("with the learned part %s: %+v, want a price from 100,000 to 2,000,000 and a token within 4 s", learnt, g)
				}
			}
		}
	}
}
