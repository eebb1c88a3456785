package limiter

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestOftenForgets: the log is told of each thing once a minute, and what is due again is forgotten: tenants come and go.
func TestOftenForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o often
		for i := range 1000 {
			if name := strconv.Itoa(i); !o.due(name) || o.due(name) {
				t.Fatalf("%s is not due once", name)
			}
			time.Sleep(time.Second)
		}
		if len(o.at) > 121 {
			t.Errorf("%d things are remembered, want those of two minutes", len(o.at))
		}
		if !o.due("0") {
			t.Error("a thing of long ago is not due again")
		}
	})
}
