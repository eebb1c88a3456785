package lua_test

import (
	"testing"

	"github.com/weir-go/weir/lua"
)

// TestReportsOfABusyLane: one request may carry as many reports as a lane can have at one time.
func TestReportsOfABusyLane(t *testing.T) {
	_, rdb := begin(t)
	limits := []lua.Limit{narrow, wide}
	a := lua.AcquireArgs{Seq: 1, Epoch: "e", Version: 1, HorizonUS: 250_000, HoldUS: 1, Asks: []lua.Ask{{Count: 1, Costs: []int64{1}, PatienceUS: 0}}}
	for range 100 {
		a.Backs = append(a.Backs, lua.Back{DueUS: 1, Costs: []int64{1}})
	}
	for range 101 { // one of them reports that costs will be corrected
		a.Settled = append(a.Settled, lua.Settled{Since: []int64{0, 0}, Estimated: []int64{1, 0}, Actual: []int64{0, 0}})
	}
	var r lua.AcquireReply
	if err := lua.NewPath("n", "s", "lane", limits).Acquire(t.Context(), rdb, &a, &r); err != nil {
		t.Error(err)
	}
}
